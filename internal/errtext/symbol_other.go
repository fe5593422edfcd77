//go:build !unix

package errtext

import "syscall"

// Symbol returns "": nothing of this system fails here.
func Symbol(syscall.Errno) string { return "" }
