// Package guard keeps a second Lua out of programs: without the build tag luajit golua links another Lua
// than package initscript, and the functions of the two have the same names. Package csrc imports this
// package if that tag is not given. It defines a function of golua once more, so the linker ends with
// one line if golua is in the program, too: that line tells where both are from, and this is why the
// directory is called what it is. go vet, gopls and go doc need no linker and no tag.
package guard

import _ "unsafe" // for go:linkname

//go:linkname newState github.com/aarzilli/golua/lua.NewState
func newState() {}
