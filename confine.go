package initscript

import "os"

// A Confinement is an init script that runs in the calling process, on the process itself. What
// the zero value leaves out is as in a [Cmd].
type Confinement struct {
	// Script is the source text of the init script.
	Script string

	// ScriptName is what messages call the script; "" means "init.script".
	ScriptName string

	// Arg, if not nil, is passed to the script: the global arg is a descriptor of it there. The
	// file itself stays open.
	Arg *os.File

	// MemoryLimit is how much memory the script may use, in bytes; 0 means DefaultMemoryLimit.
	MemoryLimit int64
}

// Confine runs an init script on the current process, with all its threads: those of goroutines
// and those of C code, present and future. Nothing of it can be undone. It is the short form of
// [Confinement.Apply].
func Confine(script string, arg *os.File) error { return confine(script, arg) }

// Apply runs the script and returns when it has ended well. Then every thread is confined, and so
// is every child that the process starts from then on: the fork server is replaced. What ran
// before, and every open descriptor, stays as it was.
//
// The script is not run, and nothing has changed, if Apply returns an error: *[FieldError] for a
// field that is not valid, *[ScriptError] for a script that is no Lua source text, *[SetupError]
// for a system call that prepares the run, *[ServerError] for a fork server that cannot be retired.
//
// A script that fails while it runs ends the process with status 1, after the same message on
// standard error as in a child, and whatever it has done by then: a half-confined program must not
// go on. So does one that uses up its memory.
//
// The script has a descriptor table of its own, with nothing in it but standard input, output and
// error, and arg: it can close, open and overwrite descriptors as in a child, and what it leaves
// open is closed. All else is the process's: root and working directory, umask, resource limits,
// session, and the mounts of its mount namespace, which other processes may share. The calls that
// the kernel applies to one thread (Landlock, seccomp, no_new_privs, capabilities, securebits,
// prctl) are made by every thread; those for which that does not make sense fail with EOPNOTSUPP:
// unshare, setns, execve, fexecve. docs/guide/live-mode.md has the list and what follows from it.
//
// The fork server ends starting things before the script runs, and is gone once its children are.
// Apply waits for starts that other goroutines have begun, and holds back later ones until the script
// has ended; the error is a *[ServerError] if a filter of this process keeps it from being certain of
// the server.
//
// Calls of Apply are made one after the other. It needs /proc for Landlock before Linux 7.0, for
// capabilities and for prctl; each thread is interrupted by a signal for that, so system calls of
// C code may return EINTR.
func (c *Confinement) Apply() error { return c.apply() }
