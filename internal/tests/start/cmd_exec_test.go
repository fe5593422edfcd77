package start_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// What users of os/exec rely on, tried with both.

// command is what the two have in common.
type command interface {
	Start() error
	Wait() error
	Run() error
	StdinPipe() (io.WriteCloser, error)
	StdoutPipe() (io.ReadCloser, error)
	StderrPipe() (io.ReadCloser, error)
	String() string
}

func bothCommands(t *testing.T, test func(t *testing.T,
	make func(ctx context.Context, program ...string) command)) {
	env := []string{"PATH=/usr/bin:/bin"}
	t.Run("os/exec", func(t *testing.T) {
		test(t, func(ctx context.Context, program ...string) command {
			cmd := exec.CommandContext(ctx, program[0], program[1:]...)
			cmd.Env = env
			return cmd
		})
	})
	t.Run("initscript", func(t *testing.T) {
		test(t, func(ctx context.Context, program ...string) command {
			cmd := initscript.CommandContext(ctx, program[0], program[1:]...)
			cmd.Env = env
			return cmd
		})
	})
}

func TestLikeExecMisuse(t *testing.T) {
	bothCommands(t, func(t *testing.T, make func(context.Context, ...string) command) {
		cmd := make(t.Context(), "/bin/true")
		if cmd.Wait() == nil {
			t.Error("Wait before Start succeeds")
		}
		testkit.Must(t, cmd.Run())
		if cmd.Start() == nil || cmd.Run() == nil || cmd.Wait() == nil {
			t.Error("a second Start, Run or Wait succeeds")
		}
		_, stdinErr := cmd.StdinPipe()
		_, stdoutErr := cmd.StdoutPipe()
		_, stderrErr := cmd.StderrPipe()
		if stdinErr == nil || stdoutErr == nil || stderrErr == nil {
			t.Error("a pipe can be made after Start")
		}
	})
}

// A Start that fails closes both ends of the pipes, and cannot be repeated.
func TestLikeExecFailedStart(t *testing.T) {
	bothCommands(t, func(t *testing.T, make func(context.Context, ...string) command) {
		ctx, cancel := context.WithCancel(t.Context())
		cmd := make(ctx, "/bin/cat")
		stdin, err := cmd.StdinPipe()
		testkit.Must(t, err)
		stdout, err := cmd.StdoutPipe()
		testkit.Must(t, err)
		stderr, err := cmd.StderrPipe()
		testkit.Must(t, err)
		cancel()
		if err := cmd.Start(); !errors.Is(err, context.Canceled) {
			t.Fatalf("Start: %v", err)
		}
		_, stdinErr := stdin.Write([]byte("x"))
		_, stdoutErr := stdout.Read([]byte("x"))
		_, stderrErr := stderr.Read([]byte("x"))
		for _, err := range []error{stdinErr, stdoutErr, stderrErr} {
			if !errors.Is(err, os.ErrClosed) {
				t.Errorf("a pipe is not closed: %v", err)
			}
		}
		if err := cmd.Start(); err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("a second Start: %v", err)
		}
		if cmd.Wait() == nil {
			t.Error("Wait after a failed Start succeeds")
		}
	})
}

// Wait closes the pipes, and does not take a second close amiss.
func TestLikeExecPipesAfterWait(t *testing.T) {
	bothCommands(t, func(t *testing.T, make func(context.Context, ...string) command) {
		cmd := make(t.Context(), "/bin/true")
		stdin, err := cmd.StdinPipe()
		testkit.Must(t, err)
		stdout, err := cmd.StdoutPipe()
		testkit.Must(t, err)
		testkit.Must(t, cmd.Start())
		testkit.Must(t, cmd.Wait())
		_, stdinErr := stdin.Write([]byte("x"))
		_, stdoutErr := stdout.Read([]byte("x"))
		if !errors.Is(stdinErr, os.ErrClosed) || !errors.Is(stdoutErr, os.ErrClosed) {
			t.Errorf("after Wait: %v, %v", stdinErr, stdoutErr)
		}
		if err := stdin.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Errorf("Close after Wait: %v", err)
		}
	})
}

func TestLikeExecString(t *testing.T) {
	bothCommands(t, func(t *testing.T, make func(context.Context, ...string) command) {
		if got := make(t.Context(), "/bin/echo", "a b", "c").String(); got != "/bin/echo a b c" {
			t.Errorf("%q", got)
		}
		if got := make(t.Context(), "/bin/true").String(); got != "/bin/true" {
			t.Errorf("%q", got)
		}
	})
}

// The last value of a key counts, also for the search of the program.
func TestLikeExecEnvironment(t *testing.T) {
	env := []string{"A=1", "PATH=/nonexistent", "B=x=1", "A=2", "B=x=2", "PATH=/usr/bin:/bin", "A="}
	const program = `echo "$A,$B,$PATH"`
	theirs := exec.Command("/bin/sh", "-c", program)
	theirs.Env = env
	want, err := theirs.Output()
	testkit.Must(t, err)
	ours := initscript.Command("sh", "-c", program)
	ours.Env = env
	if got, err := ours.Output(); err != nil || string(got) != string(want) {
		t.Errorf("%q, %v; os/exec: %q", got, err, want)
	}
	all := initscript.Command("env")
	all.Env = env
	if got, err := all.Output(); err != nil || string(got) != "B=x=2\nPATH=/usr/bin:/bin\nA=\n" {
		t.Errorf("env prints %q, %v", got, err)
	}
	if strings.Join(env, " ") != "A=1 PATH=/nonexistent B=x=1 A=2 B=x=2 PATH=/usr/bin:/bin A=" {
		t.Errorf("the caller's slice is changed: %q", env)
	}
}

func TestLikeExecEmptyArgs(t *testing.T) {
	theirs := &exec.Cmd{Path: "/bin/cat", Args: []string{}, Stdin: strings.NewReader("in")}
	ours := &initscript.Cmd{Path: "/bin/cat", Args: []string{}, Stdin: strings.NewReader("in")}
	want, err := theirs.Output()
	testkit.Must(t, err)
	if got, err := ours.Output(); err != nil || string(got) != string(want) {
		t.Errorf("%q, %v; os/exec: %q", got, err, want)
	}
	// The program's name, as it sees it.
	ours = &initscript.Cmd{Path: "/bin/sh", Args: []string{}, Stdin: strings.NewReader(`echo "$0"`)}
	if got, err := ours.Output(); err != nil || string(got) != "/bin/sh\n" {
		t.Errorf("argv[0]: %q, %v", got, err)
	}
}

// The context is done while a program runs that decides itself how it ends.
func TestLikeExecCancel(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name     string
		program  string // after SIGTERM
		result   error  // of Cancel
		wantExit int    // -1: there is no *ExitError
		want     error  // in our error, and in that of os/exec if there is no *ExitError
	}{
		{"success", "exit 0", nil, -1, context.Canceled},
		{"failure", "exit 9", nil, 9, context.Canceled},
		{"success, process done", "exit 0", os.ErrProcessDone, -1, nil},
		{"failure, process done", "exit 9", os.ErrProcessDone, 9, nil},
		{"success, Cancel fails", "exit 0", broken, -1, broken},
		{"failure, Cancel fails", "exit 9", broken, 9, broken},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			program := []string{"-c", "trap '" + test.program +
				"' TERM; echo ready; while :; do :; done"}
			t.Run("os/exec", func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				cmd := exec.CommandContext(ctx, "/bin/sh", program...)
				cmd.Cancel = func() error {
					return errors.Join(cmd.Process.Signal(unix.SIGTERM),
						test.result)
				}
				err := cancelWhenReady(t, cmd, cancel)
				var exit *exec.ExitError
				if (test.wantExit >= 0) != errors.As(err, &exit) ||
					(test.wantExit < 0 && !errors.Is(err, test.want)) {
					t.Errorf("Wait: %v", err)
				}
			})
			t.Run("initscript", func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				cmd := initscript.CommandContext(ctx, "/bin/sh", program...)
				cmd.Cancel = func() error {
					return errors.Join(cmd.Process.Signal(unix.SIGTERM),
						test.result)
				}
				err := cancelWhenReady(t, cmd, cancel)
				var exit *initscript.ExitError
				if (test.wantExit >= 0) != errors.As(err, &exit) || exit != nil &&
					exit.ExitCode() != test.wantExit {
					t.Errorf("Wait: %v, want exit status %d", err, test.wantExit)
				}
				if test.want == nil && (errors.Is(err, context.Canceled) || test.wantExit < 0 &&
					err != nil) ||
					!errors.Is(err, test.want) && test.want != nil {
					t.Errorf("Wait: %v, want %v", err, test.want)
				}
			})
		})
	}
	t.Run("without a context", func(t *testing.T) {
		theirs := &exec.Cmd{Path: "/bin/true", Cancel: func() error { return nil }}
		ours := &initscript.Cmd{Path: "/bin/true", Cancel: func() error { return nil }}
		for _, cmd := range []command{theirs, ours} {
			if cmd.Run() == nil {
				t.Errorf("%T: Cancel without CommandContext is accepted", cmd)
			}
		}
	})
}

func cancelWhenReady(t *testing.T, cmd command, cancel func()) error {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	testkit.Must(t, err)
	testkit.Must(t, cmd.Start())
	if line, err := io.ReadAll(io.LimitReader(stdout, 6)); err != nil || string(line) != "ready\n" {
		t.Fatalf("the program says %q, %v", line, err)
	}
	cancel()
	return cmd.Wait()
}

func TestNilProcessState(t *testing.T) {
	var theirs *os.ProcessState
	var ours *initscript.ProcessState
	if ours.ExitCode() != theirs.ExitCode() || ours.String() != theirs.String() {
		t.Errorf("%d %q, os: %d %q", ours.ExitCode(), ours, theirs.ExitCode(), theirs)
	}
}

// A directory that may not be entered is an error of Dir, whatever the child is made by.
func TestDirWithoutSearchPermission(t *testing.T) {
	attr := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		attr.Credential = &syscall.Credential{Uid: testkit.OrdinaryID, Gid: testkit.OrdinaryID}
	}
	if !testkit.RunInSubprocess(t, attr) {
		return
	}
	directory := t.TempDir()
	testkit.Must(t, os.Chmod(directory, 0o600))
	for _, namespaces := range []initscript.Namespaces{0, initscript.NewUser,
		initscript.NewUser | initscript.NewPID} {
		cmd := testkit.Command(t, "", "true")
		cmd.Dir, cmd.Namespaces = directory, namespaces
		err := cmd.Run()
		var e *initscript.FieldError
		if !errors.As(err, &e) || e.Field != "Dir" || !errors.Is(err, unix.EACCES) {
			t.Errorf("namespaces %q: %v", namespaces, err)
		}
	}
}

// The limit of descriptors is what is wrong, and that is said. Without privileges it also bounds what
// may be on its way, so the server cannot send the pidfd.
func TestTooManyDescriptorsForChild(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	testkit.Must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 64, Max: 64}))
	cmd := testkit.Command(t, "", "true")
	for range 100 {
		cmd.ExtraFiles = append(cmd.ExtraFiles, os.Stderr)
	}
	err := cmd.Run()
	var e *initscript.SetupError
	isHinted := errors.Is(err, unix.EMFILE) && initscript.Hint(err) != ""
	isInFlight := !mayExceedFilesInFlight(t) && errors.Is(err, unix.ETOOMANYREFS)
	if !errors.As(err, &e) || !isHinted && !isInFlight {
		t.Errorf("%v, hint %q", err, initscript.Hint(err))
	}
}

// A process of the same user fills what may be under way; whether it is in a box makes no difference to
// the kernel.
func TestTooManyDescriptorsUnderWay(t *testing.T) {
	if mayExceedFilesInFlight(t) {
		t.Skip("needs an ordinary user: the kernel counts for those alone")
	}
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	testkit.Must(t, testkit.Command(t, "", "true").Run()) // so that there is a fork server
	testkit.Must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 256, Max: 256}))
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	testkit.Must(t, err)
	for err == nil {
		err = unix.Sendmsg(pair[0], []byte("x"), unix.UnixRights(make([]int, 100)...), nil, 0)
	}
	if err != unix.ETOOMANYREFS {
		t.Fatal(err)
	}
	err = testkit.Command(t, "", "true").Run()
	const hint = "processes of the same user have more descriptors under way"
	if !errors.Is(err, unix.ETOOMANYREFS) || !strings.Contains(initscript.Hint(err), hint) {
		t.Errorf("%v, hint %q", err, initscript.Hint(err))
	}
	for _, fd := range pair {
		unix.Close(fd)
	}
}

// unix(7): ETOOMANYREFS
func mayExceedFilesInFlight(t *testing.T) bool {
	t.Helper()
	for _, value := range []cap.Value{cap.SYS_RESOURCE, cap.SYS_ADMIN} {
		has, err := cap.GetProc().GetFlag(cap.Effective, value)
		testkit.Must(t, err)
		if has {
			return true
		}
	}
	return false
}

// What the host has open without the close-on-exec flag is not for the child.
func TestHostsDescriptorsDoNotLeak(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	for range 20 { // before there is a server
		_, err := unix.Open("/dev/zero", unix.O_RDONLY, 0)
		testkit.Must(t, err)
	}
	for _, namespaces := range []initscript.Namespaces{0, initscript.NewUser | initscript.NewPID} {
		if namespaces != 0 {
			testkit.RequireUserNamespaces(t)
		}
		r := testkit.RunScript(t, `
			errexit = false
			for fd = 0, 100 do
				local copy = C.dup(fd)
				if copy >= 0 then S(fd) C.close(copy) end
			end`, func(cmd *initscript.Cmd) { cmd.Namespaces = namespaces })
		if r.Err != nil || strings.Join(r.Sent, " ") != "0 1 2 3 4" {
			t.Errorf("in the script: %+v", r)
		}
		cmd := testkit.Command(t, "", "sh", "-c", "cd /proc/self/fd; echo *")
		cmd.Namespaces = namespaces
		out, err := cmd.Output()
		if err != nil || !strings.HasPrefix(string(out), "0 1 2") || bytes.ContainsAny(out, "456789") {
			t.Errorf("in the program: %q, %v", out, err)
		}
	}
}

// Whatever goes wrong, the program is not executed.
func TestFailsClosed(t *testing.T) {
	tests := []struct {
		name   string
		change func(*initscript.Cmd)
	}{
		{"call", func(c *initscript.Cmd) { c.Script = `C.chdir("/nonexistent")` }},
		{"call in pcall", func(c *initscript.Cmd) { c.Script = `pcall(C.chdir, "/nonexistent")` }},
		{"helper", func(c *initscript.Cmd) { c.Script = `write_all(99, "x")` }},
		{"Lua error", func(c *initscript.Cmd) { c.Script = `error("x")` }},
		{"error value", func(c *initscript.Cmd) { c.Script = `error({})` }},
		{"syntax", func(c *initscript.Cmd) { c.Script = `x = = 1` }},
		{"os.exit", func(c *initscript.Cmd) { c.Script = `os.exit(0)` }},
		{"memory", func(c *initscript.Cmd) { c.Script, c.MemoryLimit = `x = ("x"):rep(2^22)`, 1<<20 }},
		{"stack", func(c *initscript.Cmd) { c.Script = `local function f() return 1 + f() end f()` }},
		{"signal", func(c *initscript.Cmd) {
			c.Script = `require "ffi".cdef "int raise(int);" require ` +
				`"ffi".C.raise(11)`
		}},
		{"closed extra file", func(c *initscript.Cmd) {
			c.Script, c.ExtraFiles = `C.close(5)`, []*os.File{os.Stderr}
		}},
		{"namespace", func(c *initscript.Cmd) {
			c.Namespaces, c.Script = initscript.NewUser|initscript.NewNet, `C.unshare(-1)`
		}},
		{"id map", func(c *initscript.Cmd) {
			c.Namespaces, c.UIDMap = initscript.NewUser,
				[]initscript.IDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 0}}
		}},
		{"directory", func(c *initscript.Cmd) { c.Dir = "/nonexistent" }},
		{"filter that forbids close_range", func(c *initscript.Cmd) { c.Script = forbidCloseRange }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cmd := testkit.Command(t, "", "echo", "ran")
			test.change(cmd)
			if out, err := cmd.Output(); strings.Contains(string(out), "ran") || err == nil {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
}

// forbidCloseRange answers EPERM to close_range(2), without which what the script has opened would
// stay open.
var forbidCloseRange = fmt.Sprintf(`
	local function instruction(code, yes, no, k)
		local function byte(shift) return bit.band(bit.rshift(k, shift), 255) end
		return string.char(code, 0, yes, no, byte(0), byte(8), byte(16), byte(24))
	end
	set_no_new_privs()
	C.seccomp_set_mode_filter(instruction(0x20, 0, 0, 0) .. instruction(0x15, 0, 1, %d) ..
		instruction(6, 0, 0, 0x50000 + C.EPERM) .. instruction(6, 0, 0, 0x7fff0000))`,
	unix.SYS_CLOSE_RANGE)

// However a script ends the process, nobody is told that the program has run.
func TestScriptEndsTheProcess(t *testing.T) {
	const libc = `local libc = require "ffi" libc.cdef "void _exit(int); void exit(int);" `
	for _, script := range []string{
		`os.exit(%d)`, `os.exit(%d, true)`, `pcall(os.exit, %d)`,
		`coroutine.wrap(function() os.exit(%d) end)()`,
		`setmetatable({}, {__gc = 0}) local p = newproxy(true) getmetatable(p).__gc = function() ` +
			`os.exit(%d) end p = nil collectgarbage()`,
		`errexit = false for i = 1, 100 do C.execve("/nonexistent", {"x"}, {}) end errexit = true ` +
			`os.exit(%d)`,
		libc + `libc.C.exit(%d)`, libc + `libc.C._exit(%d)`,
	} {
		for _, namespaces := range []initscript.Namespaces{0, initscript.NewPID} {
			for status := range 2 {
				cmd := testkit.Command(t, fmt.Sprintf(script, status), "echo", "ran")
				if namespaces != 0 && !canMakePIDNamespace(t) {
					continue
				}
				cmd.Namespaces = namespaces
				out, err := cmd.Output()
				var failure *initscript.ScriptError
				if string(out) != "" || !errors.As(err, &failure) ||
					failure.Exited.ExitCode() != status {
					t.Errorf("%s, status %d, namespaces %q: %q, %T %v", script, status, namespaces, out,
						err, err)
				}
			}
		}
	}
	// Without a program nothing is missing.
	if err := testkit.Command(t, `os.exit(0)`).Run(); err != nil {
		t.Error(err)
	}
}

// canMakePIDNamespace reports whether this process may make one without a user namespace.
func canMakePIDNamespace(t *testing.T) bool {
	cmd := testkit.Command(t, "")
	cmd.Namespaces = initscript.NewPID
	return cmd.Run() == nil
}

// A script that has tried to execute something many times and does so in the end has run a program.
func TestScriptExecutesAtLast(t *testing.T) {
	const script = `errexit = false for i = 1, 100 do C.execve("/nonexistent", {"x"}, {}) end
		errexit = true C.execve("/bin/echo", {"echo", "in the end"}, {})`
	if out, err := testkit.Command(t, script, "echo", "ran").Output(); err != nil ||
		string(out) != "in the end\n" {
		t.Errorf("%q, %v", out, err)
	}
}
