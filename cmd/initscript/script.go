//go:build (linux || freebsd) && cgo

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// maxScriptSize ends the reading of what is no script, such as a device.
const maxScriptSize = 64 << 20

// readScript returns the text of the file, or of the standard input if path is "-", and the name
// that messages give it.
func readScript(path string) (text, name string, err error) {
	file := os.Stdin
	name = "stdin"
	if path != "-" {
		name = path
		if file, err = os.Open(path); err != nil {
			return "", "", fmt.Errorf("script: %w", err)
		}
		defer file.Close()
	}
	var script strings.Builder
	size, err := io.Copy(&script, io.LimitReader(file, maxScriptSize+1))
	if err != nil {
		return "", "", fmt.Errorf("script: %w", err)
	}
	if size > maxScriptSize {
		return "", "", fmt.Errorf("script: %s is larger than %d MiB", name, maxScriptSize>>20)
	}
	return script.String(), name, nil
}
