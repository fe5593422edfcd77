//go:build (linux || freebsd) && cgo

package initscript

// #include "csrc/live.h"
// #include "csrc/wire.h"
import "C"

import (
	"errors"
	"runtime"
	"sync"
	"syscall"
	"unsafe"
)

var confining sync.Mutex

func (c *Confinement) apply() error {
	confining.Lock()
	defer confining.Unlock()
	// No child of the time before may still wait for its plan, and no server may be left or be started until
	// the script has ended: whoever then takes over this process would have it start something unconfined.
	// A filter of the script could keep the host from ending a server, so this comes before.
	starting.Lock()
	defer starting.Unlock()
	servers.Lock()
	defer servers.Unlock()
	// Afterwards the program's file may be out of reach. If it is so already, only the start of
	// a child fails, and says so.
	_ = sealProgram()
	if err := dismissServer(); err != nil {
		return err
	}
	return c.run()
}

// run runs the script in C, on a thread that never executes Go code.
func (c *Confinement) run() error {
	script, name := append([]byte(c.Script), 0), append([]byte(c.scriptName()), 0)
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&script[0])
	pinner.Pin(&name[0])
	confinement := C.struct_initscript_confinement{
		script:        (*C.char)(unsafe.Pointer(&script[0])),
		script_length: C.size_t(len(c.Script)),
		script_name:   (*C.char)(unsafe.Pointer(&name[0])),
		memory_limit:  C.uint64_t(c.memoryLimit()),
		arg:           -1,
	}
	if c.Arg != nil {
		confinement.arg = C.int(c.Arg.Fd())
	}
	var refusal C.struct_initscript_refusal
	result := C.initscript_confine(&confinement, &refusal)
	clear(script)
	runtime.KeepAlive(c.Arg)
	switch {
	case result == 0:
		return nil
	case refusal.system_call != nil:
		return &SetupError{Op: C.GoString(refusal.system_call), Err: syscall.Errno(refusal.error)}
	case refusal.message[0] == 0:
		return &SetupError{Op: "start script", Err: errors.New("its thread has ended")}
	}
	failure := record{kind: C.INITSCRIPT_LOAD_FAILED, fields: []string{C.GoString(&refusal.message[0])}}
	return failure.scriptError(c.scriptName())
}
