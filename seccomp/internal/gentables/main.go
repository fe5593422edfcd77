//go:build linux && (386 || amd64 || arm || arm64)

// Command gentables writes the tables of package seccomp, in the directory of which go generate runs it.
// A test of this package says when they are stale.
package main

import (
	"log"
	"os"
)

// tables are the files that are generated, by their names in package seccomp.
var tables = map[string]func() ([]byte, error){
	"errnos.go":   errnoTable,
	"syscalls.go": syscallTable,
}

func main() {
	for file, table := range tables {
		text, err := table()
		if err == nil {
			err = os.WriteFile(file, text, 0o644)
		}
		if err != nil {
			log.Fatalf("%s: %v", file, err)
		}
	}
}
