//go:build (linux || freebsd) && cgo

package initscript

// #include "csrc/wire.h"
import "C"

import (
	"crypto/rand"
	"fmt"
	"strings"
	"unsafe"

	"github.com/go-initscript/initscript/internal/memfd"
)

// plan is what one child must know and the server need not; see struct initscript_plan.
type plan struct {
	script, scriptName string
	path               string
	entry              string // of an actor in Go
	isLua              bool   // an actor in Lua
	module             string // the path of its program
	moduleSource       string // or its text
	moduleName         string // what messages call it
	args, env          []string
	memoryLimit        int64
	moduleMemoryLimit  int64
}

// encode lays the plan out as wire.h describes it.
func (p *plan) encode() []byte {
	size := int(C.sizeof_struct_initscript_plan) + len(p.script) + len(p.scriptName) + len(p.path) + len(p.entry) + 4
	size += len(p.module) + len(p.moduleSource) + len(p.moduleName) + 3
	for _, list := range [][]string{p.args, p.env} {
		for _, s := range list {
			size += len(s) + 1
		}
	}
	encoded := make([]byte, C.sizeof_struct_initscript_plan, size)
	add := func(strings ...string) C.uint64_t {
		offset := len(encoded)
		for _, s := range strings {
			encoded = append(encoded, s...)
			encoded = append(encoded, 0)
		}
		return C.uint64_t(offset)
	}
	header := C.struct_initscript_plan{
		memory_limit:  C.uint64_t(p.memoryLimit),
		script:        add(p.script),
		script_length: C.uint64_t(len(p.script)),
		script_name:   add(p.scriptName),
		argv:          add(p.args...),
		argc:          C.uint64_t(len(p.args)),
		envp:          add(p.env...),
		envc:          C.uint64_t(len(p.env)),
	}
	if p.path != "" {
		header.path = add(p.path)
	}
	if p.entry != "" {
		header.entry = add(p.entry)
		rand.Read(unsafe.Slice((*byte)(&header.random[0]), len(header.random)))
	}
	header.module_memory_limit = C.uint64_t(p.moduleMemoryLimit)
	if p.isLua {
		header.module_name = add(p.moduleName)
	}
	if p.moduleSource != "" {
		header.module_source = add(p.moduleSource)
		header.module_source_length = C.uint64_t(len(p.moduleSource))
	} else if p.isLua {
		header.module = add(p.module)
	}
	copy(encoded, unsafe.Slice((*byte)(unsafe.Pointer(&header)), unsafe.Sizeof(header)))
	return encoded
}

// seal writes the plan into a memfd that nobody can change any more.
func (p *plan) seal() (fd, size int, err error) {
	encoded := p.encode()
	fd, err = memfd.Sealed("initscript plan", encoded)
	return fd, len(encoded), err
}

// checkString refuses what execve(2) cannot carry.
func checkString(field, s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return &FieldError{field, fmt.Errorf("%q contains a NUL byte", s)}
	}
	return nil
}
