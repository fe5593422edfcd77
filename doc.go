// Package initscript starts a process whose sandbox is set up by an init script: LuaJIT code that
// runs inside the new process, on its only thread, and calls the raw system interface (mount,
// pivot_root, unshare, credentials, capabilities, seccomp, Landlock, passing descriptors) in any
// order before the real program starts. A call that fails ends the process unless the script says
// otherwise, so a half-built sandbox never runs anything.
//
//	cmd := initscript.CommandContext(ctx, "/usr/bin/id", "-u")
//	cmd.Namespaces = initscript.NewUser | initscript.NewMount
//	cmd.UIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
//	cmd.Script = `
//	    C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE))
//	    C.mount("tmpfs", "/home", "tmpfs", C.MS_NODEV, nil)
//	    set_no_new_privs()
//	`
//	out, err := cmd.Output()
//
// A [Cmd] is used like one of os/exec. The differences: Script, Namespaces and what belongs to
// them; a nil Env is the empty environment; a Path without a slash is looked up by the child, in
// the PATH of Env and below the root that the script made; all signals have their default
// dispositions.
//
// # How a process starts
//
// The first start executes the running program once more; a C constructor in it
// becomes a fork server before the Go runtime boots. Every start is then one fork of that small
// single-threaded process, which has the Lua environment ready. The server ends with the host, and
// what it started ends with it. It is replaced when the host has changed anything that a child
// inherits (credentials, capabilities, limits, namespaces, ...), so a child starts as os/exec
// would start it at that moment.
//
// # Actors
//
// An [Actor] is a Go function of the same program that runs behind an init script, in a process of
// its own. [Register] names the function, [Main] at the beginning of main runs it in the new
// process, [Spawn] starts it. Messages go over the channels of package
// [github.com/go-initscript/initscript/mailbox]: plain values, open files, and channels to other actors.
//
//	func init() {
//		initscript.Register("worker", func(self *initscript.Self) error {
//			job, err := self.Receive(context.Background())
//			...
//			return self.Send(context.Background(), result)
//		})
//	}
//
//	func main() {
//		initscript.Main()
//		actor, err := initscript.Spawn(ctx, initscript.Actor{Entry: "worker", Script: script})
//		...
//	}
//
// # Live mode
//
// [Confine] runs an init script in the calling process, and so confines all threads of a running
// program: Landlock, seccomp, capabilities, ids and so on, but no new namespaces. Children that are
// started afterwards are confined too.
//
// # Seccomp
//
// A script installs a filter of system calls with C.seccomp_set_mode_filter. Package
// [github.com/go-initscript/initscript/seccomp] compiles such filters.
//
// # Errors
//
// What went wrong is told as data. [*ScriptError]: the script failed; it names the call, its
// arguments, the line and the errno. [*NamespaceError], [*IDMapError], [*SetupError]: the sandbox
// could not be set up before the script. [*ExecError]: the program could not be executed.
// [*ExitError]: the program ran and was not successful. [*FieldError]: a field of Cmd is not valid.
// [*ServerError]: the fork server could not be started, or died; a later start may succeed.
// [*ActorError]: the entry of an actor returned an error or crashed. [*mailbox.MessageError]: a message
// cannot be sent, or a peer sent something malformed.
//
// # Building
//
// The package needs cgo, and the development files of LuaJIT and libcap; it needs no flags. Without cgo,
// so without a C compiler too, the build ends with a line that says so.
//
// For systems other than Linux and FreeBSD it compiles, and functions return [ErrUnsupported].
//
// golua (github.com/aarzilli/golua) is another Lua in the program, unless it is built with the tag that
// names LuaJIT: go build -tags luajit. Without the tag the linker refuses both together.
package initscript
