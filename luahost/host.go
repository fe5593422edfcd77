//go:build (linux || freebsd) && cgo

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

	_ "github.com/go-initscript/initscript/csrc" // whose headers host.c includes
)

//go:embed prelude.lua
var prelude string

func open(L *State) error {
	state := stateOf(L)
	if C.luahost_is_open(state) != 0 {
		return nil
	}
	host := newHost()
	message := C.luahost_open(state, C.uintptr_t(host),
		(*C.char)(unsafe.Pointer(unsafe.StringData(prelude))), C.size_t(len(prelude)))
	if message == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(message))
	luahostClose(C.uintptr_t(host))
	return errors.New("open Lua host (are the standard libraries open?): " + C.GoString(message))
}

func run(L *State, path string, args []string) error {
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

func stateOf(L *State) *C.lua_State { return (*C.lua_State)(unsafe.Pointer(L.GetState())) }
