//go:build !((linux || freebsd) && cgo)

// Command initscript cannot run scripts in this build, and says so.
package main

import (
	"fmt"
	"os"

	"github.com/go-initscript/initscript"
)

func main() {
	fmt.Fprintln(os.Stderr, "initscript:", initscript.ErrUnsupported)
	os.Exit(125) // as after any failure to set up a sandbox
}
