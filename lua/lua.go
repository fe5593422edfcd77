// Package lua holds the Lua code that ships inside the command.
package lua

import _ "embed"

// REPL is the init script that runs in the child of "initscript repl".
//
//go:embed repl.lua
var REPL string
