//go:build !((linux || freebsd) && cgo)

// Package luahost makes LuaJIT programs hosts of confined processes. In this build it cannot: nor is
// there golua, so that the parameters of type *lua.State are of any type here.
package luahost

import (
	"fmt"

	"github.com/go-initscript/initscript"
)

// Open returns an error that wraps [initscript.ErrUnsupported].
func Open(L any) error { return fmt.Errorf("luahost: Open: %w", initscript.ErrUnsupported) }

// ProgramError is never returned in this build.
type ProgramError struct{ Message string }

func (e *ProgramError) Error() string { return e.Message }

// Run returns an error that wraps [initscript.ErrUnsupported].
func Run(L any, path string, args ...string) error {
	return fmt.Errorf("luahost: Run: %w", initscript.ErrUnsupported)
}
