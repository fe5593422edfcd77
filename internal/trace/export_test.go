//go:build (linux || freebsd) && cgo

package trace

var Functions = tracedFunctions()
