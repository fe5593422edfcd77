//go:build linux && cgo

// Package jailtest runs the calls jail_set and jail_attach of FreeBSD's scripts on Linux, against a
// library that only notes what it is asked for. It is for tests.
package jailtest

/*
#cgo CFLAGS: -std=gnu11 -D_GNU_SOURCE -Wall -Wextra
#cgo CFLAGS: -I${SRCDIR}/../../csrc -I${SRCDIR}/../freebsdtest/libjail
#cgo pkg-config: luajit
#include "jailtest.h"
#include <stdlib.h>
*/
import "C"

import (
	"strings"
	"unsafe"

	_ "github.com/go-initscript/initscript/csrc" // what the calls share with others
)

// A Result says how a script has ended.
type Result struct {
	Calls  []string // of the library, in their order: "init NAME", "import VALUE", "set COUNT FLAGS"...
	Leaked int      // parameters that were not freed
	Report string   // the values that the script returned, or the message of its error
}

// Run runs a script with the table C of FreeBSD's jail calls. failing is a call of the library, as in
// Result.Calls, that fails with the given errno. Where the script ends the process, it ends: see
// the tests.
func Run(script, failing string, errno int) Result {
	text, name := C.CString(script), C.CString(failing)
	defer C.free(unsafe.Pointer(text))
	defer C.free(unsafe.Pointer(name))
	var result C.struct_jailtest_result
	C.jailtest_run(text, name, C.int(errno), &result)
	r := Result{Leaked: int(result.leaked), Report: C.GoString(&result.report[0])}
	if calls := C.GoString(&result.calls[0]); calls != "" {
		r.Calls = strings.Split(strings.TrimSuffix(calls, "\n"), "\n")
	}
	return r
}
