//go:build !((linux || freebsd) && cgo)

package luahost

import (
	"fmt"

	"github.com/go-initscript/initscript"
)

func open(*State) error { return fmt.Errorf("luahost: Open: %w", initscript.ErrUnsupported) }

func run(*State, string, []string) error {
	return fmt.Errorf("luahost: Run: %w", initscript.ErrUnsupported)
}
