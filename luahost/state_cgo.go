//go:build cgo

package luahost

import "github.com/aarzilli/golua/lua"

// A State is a Lua state of golua: programs need not use this name.
type State = lua.State
