//go:build (linux || freebsd) && cgo && luajit

// Package luahost makes LuaJIT programs hosts of confined processes: it adds spawn_vm, with the
// options of Emilua, to the Lua states of github.com/aarzilli/golua. It is a package of its own so
// that programs that have no use for golua do not link it.
//
// docs/lua-host.md tells what a Lua program finds then.
package luahost

// #cgo CFLAGS: -std=gnu11 -D_GNU_SOURCE -Wall -Wextra
// #cgo pkg-config: luajit
// #include "host.h"
// #include <stdlib.h>
import "C"

import (
	_ "embed"
	"errors"
	"os"
	"unsafe"

	"github.com/aarzilli/golua/lua"
)

//go:embed prelude.lua
var prelude string

// Open adds the binding to a Lua state whose standard libraries are open (L.OpenLibs): the globals
// spawn_vm, inbox, unix, message and, if there is no such global, filesystem. The globals pcall and
// xpcall, which golua hides, are there again: nothing of this package raises a Lua error through a
// Go function. A function in Go that you register must not let one through either, so it must not
// call Lua code that may raise an error while another Go function is below it on the stack.
//
// The processes that the state has started, but those that it has detached, are killed by L.Close.
// The state must be used by one goroutine at a time, as always. Open may be called again on the same
// state; it does nothing then.
func Open(L *lua.State) error {
	state := stateOf(L)
	if C.luahost_is_open(state) != 0 {
		return nil
	}
	host := newHost()
	message := C.luahost_open(state, C.uintptr_t(host), (*C.char)(unsafe.Pointer(unsafe.StringData(prelude))),
		C.size_t(len(prelude)))
	if message == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(message))
	luahostClose(C.uintptr_t(host))
	return errors.New("open Lua host (are the standard libraries open?): " + C.GoString(message))
}

// ProgramError is the error that a Lua program did not catch, or why it could not be loaded.
type ProgramError struct{ Message string } // with a traceback

func (e *ProgramError) Error() string { return e.Message }

// Run runs the Lua program in a file, source text only, with arguments: as "..." and, as lua(1) does
// it, in the global table arg. The path "-" is the standard input. What the program printed is
// flushed. The error is a *[ProgramError].
func Run(L *lua.State, path string, args ...string) error {
	line := append([]string{path}, args...)
	before := max(0, len(os.Args)-len(line))
	line = append(append([]string{}, os.Args[:before]...), line...)
	argv := make([]*C.char, len(line)+1)
	for i, s := range line {
		argv[i] = C.CString(s)
		defer C.free(unsafe.Pointer(argv[i]))
	}
	vector := (**C.char)(C.malloc(C.size_t(len(argv)) * C.size_t(unsafe.Sizeof(argv[0]))))
	defer C.free(unsafe.Pointer(vector))
	copy(unsafe.Slice(vector, len(argv)), argv)
	message := C.luahost_run(stateOf(L), argv[before], vector, C.int(len(line)), C.int(before))
	if message == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(message))
	return &ProgramError{C.GoString(message)}
}

func stateOf(L *lua.State) *C.lua_State { return (*C.lua_State)(unsafe.Pointer(L.GetState())) }
