// Package luahost makes LuaJIT programs hosts of confined processes: it adds spawn_vm, with the
// options of Emilua, to the Lua states of github.com/aarzilli/golua. It is a package of its own so
// that programs that have no use for golua do not link it.
//
// golua links the Lua that a build tag names, and a process cannot have two: programs that import this
// package, or golua beside package initscript, are built with the tag that names LuaJIT.
//
//	go build -tags luajit
//
// Without it they are vetted, and not linked: the linker says golua_needs_go_build_-tags_luajit.
//
// docs/guide/lua-host.md tells what a Lua program finds then.
package luahost

// Open adds the binding to a Lua state whose standard libraries are open (L.OpenLibs): the globals
// spawn_vm, inbox, unix, message and, if there is no such global, filesystem. The globals pcall and
// xpcall, which golua hides, are there again: nothing of this package raises a Lua error through a
// Go function. A function in Go that you register must not let one through either, so it must not
// call Lua code that may raise an error while another Go function is below it on the stack.
//
// The processes that the state has started, but those that it has detached, are killed by L.Close.
// The state must be used by one goroutine at a time, as always. Open may be called again on the same
// state; it does nothing then. On systems other than Linux and FreeBSD it returns an error that wraps
// [initscript.ErrUnsupported].
func Open(L *State) error { return open(L) }

// ProgramError is the error that a Lua program did not catch, or why it could not be loaded.
type ProgramError struct{ Message string } // with a traceback

func (e *ProgramError) Error() string { return e.Message }

// Run runs the Lua program in a file, source text only, with arguments: as "..." and, as lua(1) does
// it, in the global table arg. The path "-" is the standard input. What the program printed is
// flushed. The error is a *[ProgramError], or wraps [initscript.ErrUnsupported] on systems other than
// Linux and FreeBSD.
func Run(L *State, path string, args ...string) error { return run(L, path, args) }
