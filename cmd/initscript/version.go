//go:build (linux || freebsd) && cgo

package main

/*
#cgo pkg-config: luajit
#include <luajit.h>
*/
import "C"

import (
	"fmt"
	"runtime/debug"
)

// version names what a bug report should name.
func version() string {
	module := "(unknown)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		module = info.Main.Version
	}
	return fmt.Sprintf("initscript %s, %s", module, C.LUAJIT_VERSION)
}
