//go:build (linux || freebsd) && cgo

package start

import (
	"crypto/rand"
	"unsafe"

	"github.com/go-initscript/initscript/internal/memfd"
	"github.com/go-initscript/initscript/internal/wire"
)

// encode lays the plan out as wire.h describes it.
func (p *Plan) encode() []byte {
	size := int(unsafe.Sizeof(wire.PlanHeader{})) + len(p.Script) + len(p.ScriptName) + len(p.Path)
	size += len(p.Entry) + 4
	size += len(p.Module) + len(p.ModuleSource) + len(p.ModuleName) + 3
	for _, list := range [][]string{p.Args, p.Env} {
		for _, s := range list {
			size += len(s) + 1
		}
	}
	encoded := make([]byte, unsafe.Sizeof(wire.PlanHeader{}), size)
	add := func(strings ...string) uint64 {
		offset := len(encoded)
		for _, s := range strings {
			encoded = append(encoded, s...)
			encoded = append(encoded, 0)
		}
		return uint64(offset)
	}
	header := wire.PlanHeader{
		MemoryLimit:  uint64(p.MemoryLimit),
		Script:       add(p.Script),
		ScriptLength: uint64(len(p.Script)),
		ScriptName:   add(p.ScriptName),
		Argv:         add(p.Args...),
		Argc:         uint64(len(p.Args)),
		Envp:         add(p.Env...),
		Envc:         uint64(len(p.Env)),
	}
	if p.Path != "" {
		header.Path = add(p.Path)
	}
	if p.Entry != "" {
		header.Entry = add(p.Entry)
		rand.Read(header.Random[:])
	}
	header.ModuleMemoryLimit = uint64(p.ModuleMemoryLimit)
	if p.IsLua {
		header.ModuleName = add(p.ModuleName)
	}
	if p.ModuleSource != "" {
		header.ModuleSource = add(p.ModuleSource)
		header.ModuleSourceLength = uint64(len(p.ModuleSource))
	} else if p.IsLua {
		header.Module = add(p.Module)
	}
	copy(encoded, wire.Bytes(&header))
	return encoded
}

// seal writes the plan into a memfd that nobody can change any more.
func (p *Plan) seal() (fd, size int, err error) {
	encoded := p.encode()
	fd, err = memfd.Sealed("initscript plan", encoded)
	return fd, len(encoded), err
}
