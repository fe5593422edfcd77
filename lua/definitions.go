// Package lua holds the definitions of the script API, which the Lua language server reads, as do
// the check of scripts and the reference page.
package lua

import _ "embed"

// Definitions is the file initscript.d.lua.
//
//go:embed initscript.d.lua
var Definitions string
