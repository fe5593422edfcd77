//go:build (linux || freebsd) && cgo && !luajit

package csrc

// Fails to link with a golua that brings another Lua.
import _ "github.com/go-initscript/initscript/internal/golua_needs_go_build_-tags_luajit"
