//go:build (linux || freebsd) && cgo && !luajit

package csrc

/*
#error initscript needs the build tag that selects LuaJIT: go build -tags luajit
*/
import "C"
