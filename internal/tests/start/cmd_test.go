package start_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

func TestCmdRunsProgram(t *testing.T) {
	cmd := testkit.Command(t, `print("script")`, "/bin/sh", "-c", `echo "$0 $1 $FOO"; env | sort`,
		"zero", "one")
	cmd.Env = []string{"FOO=bar", "EMPTY="}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "script\nzero one bar\nEMPTY=\nFOO=bar\n"
	if got := strings.ReplaceAll(string(out), "PWD="+mustGetwd(t)+"\n", ""); got != want {
		t.Errorf("output %q, want %q", got, want)
	}
	state := cmd.ProcessState
	if !state.Success() || !state.Exited() || state.ExitCode() != 0 || state.Signal() != 0 ||
		state.Pid() != cmd.Process.Pid {
		t.Errorf("state: %v, %+v", state, state)
	}
	if state.MaxRSS() <= 0 || state.SysUsage().(*syscall.Rusage).Minflt <= 0 {
		t.Errorf("usage: %+v", state.SysUsage())
	}
}

func mustGetwd(t *testing.T) string {
	t.Helper()
	directory, err := os.Getwd()
	testkit.Must(t, err)
	return directory
}

func TestCmdEnvironment(t *testing.T) {
	t.Setenv("INITSCRIPT_TEST_SECRET", "1")
	cmd := testkit.Command(t, `assert(os.getenv("PATH") == nil)`, "/usr/bin/env")
	cmd.Env = nil
	if out, err := cmd.Output(); err != nil || len(out) != 0 {
		t.Errorf("nil Env: output %q, %v", out, err)
	}
}

func TestCmdStdio(t *testing.T) {
	t.Run("nil is the null device", func(t *testing.T) {
		cmd := testkit.Command(t, "", "readlink", "/proc/self/fd/0", "/proc/self/fd/2")
		out, err := cmd.Output()
		if err != nil || !strings.HasPrefix(string(out), "/dev/null\n") {
			t.Errorf("%q, %v", out, err)
		}
		if err := testkit.Command(t, `print(io.read("*a"))`, "sh", "-c",
			"cat; echo x; echo y >&2").Run(); err != nil {
			t.Error(err)
		}
	})
	t.Run("readers and writers", func(t *testing.T) {
		input := strings.Repeat("all of it\n", 100_000)
		cmd := testkit.Command(t, "", "sh", "-c", "cat; echo end >&2")
		var stdout, stderr bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
		if err := cmd.Run(); err != nil || stdout.String() != input || stderr.String() != "end\n" {
			t.Errorf("%v, %d bytes, stderr %q", err, stdout.Len(), stderr.String())
		}
	})
	t.Run("one writer for both", func(t *testing.T) {
		out, err := testkit.Command(t, `io.stderr:write("script ")`, "sh", "-c",
			"echo a; echo b >&2; echo c").CombinedOutput()
		if err != nil || string(out) != "script a\nb\nc\n" {
			t.Errorf("%q, %v", out, err)
		}
	})
	t.Run("pipes", func(t *testing.T) {
		cmd := testkit.Command(t, "", "sh", "-c", "cat; echo done >&2")
		stdin, err := cmd.StdinPipe()
		testkit.Must(t, err)
		stdout, err := cmd.StdoutPipe()
		testkit.Must(t, err)
		stderr, err := cmd.StderrPipe()
		testkit.Must(t, err)
		testkit.Must(t, cmd.Start())
		io.WriteString(stdin, "through")
		stdin.Close()
		out, _ := io.ReadAll(stdout)
		errOut, _ := io.ReadAll(stderr)
		if err := cmd.Wait(); err != nil || string(out) != "through" || string(errOut) != "done\n" {
			t.Errorf("%v, %q, %q", err, out, errOut)
		}
	})
	t.Run("program that reads nothing", func(t *testing.T) {
		cmd := testkit.Command(t, "", "true")
		cmd.Stdin = strings.NewReader(strings.Repeat("x", 1<<20))
		if err := cmd.Run(); err != nil {
			t.Error(err)
		}
	})
	t.Run("reader that fails", func(t *testing.T) {
		cmd := testkit.Command(t, "", "cat")
		cmd.Stdin = iotest.ErrReader(errors.New("torn tape"))
		if err := cmd.Run(); err == nil || err.Error() != "torn tape" {
			t.Error(err)
		}
	})
	t.Run("already set", func(t *testing.T) {
		cmd := testkit.Command(t, "", "true")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, io.Discard, io.Discard
		var fieldError *initscript.FieldError
		_, stdinErr := cmd.StdinPipe()
		_, stdoutErr := cmd.StdoutPipe()
		_, stderrErr := cmd.StderrPipe()
		_, outputErr := cmd.Output()
		_, combinedErr := cmd.CombinedOutput()
		for _, err := range []error{stdinErr, stdoutErr, stderrErr, outputErr, combinedErr} {
			if !errors.As(err, &fieldError) {
				t.Errorf("%v", err)
			}
		}
	})
	t.Run("stderr of a failure", func(t *testing.T) {
		_, err := testkit.Command(t, "", "sh", "-c", "echo why >&2; exit 4").Output()
		var exit *initscript.ExitError
		if !errors.As(err, &exit) || string(exit.Stderr) != "why\n" || exit.ExitCode() != 4 {
			t.Errorf("%#v", err)
		}
	})
}

// A pipe that a grandchild keeps open.
func TestCmdWaitDelay(t *testing.T) {
	cmd := testkit.Command(t, "", "sh", "-c", "sleep 1000 & echo $!")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	cmd.WaitDelay = time.Millisecond
	if err := cmd.Run(); !errors.Is(err, exec.ErrWaitDelay) {
		t.Errorf("Run: %v", err)
	}
	var pid int
	if _, err := fmt.Sscan(stdout.String(), &pid); err == nil {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

func TestCmdDescriptors(t *testing.T) {
	read, write, err := os.Pipe()
	testkit.Must(t, err)
	defer read.Close()
	defer write.Close()
	null, err := os.Open(os.DevNull)
	testkit.Must(t, err)
	defer null.Close()

	t.Run("in the program", func(t *testing.T) {
		// Everything that the script opens and forgets, close-on-exec or not, is gone.
		cmd := testkit.Command(t, `C.open("/", C.O_RDONLY) C.open("/", C.O_CLOEXEC) `+
			`io.open("/dev/zero") for i = 1, 300 do C.open("/", 0) end`,
			"ls", "-l", "/proc/self/fd")
		cmd.ExtraFiles = []*os.File{null, write, read}
		cmd.Arg = null
		out, err := cmd.Output()
		testkit.Must(t, err)
		pipe := func(f *os.File) string {
			target, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
			return target
		}
		want := []string{"0 -> /dev/null", "1 -> pipe:", "2 -> pipe:", "3 -> /dev/null",
			"4 -> " + pipe(write), "5 -> " + pipe(read)}
		var lines []string
		for line := range strings.SplitSeq(string(out), "\n") {
			// Without the total, and without ls's own descriptor of the directory.
			if strings.Contains(line, " -> ") && !strings.Contains(line, "-> /proc/") {
				lines = append(lines, line)
			}
		}
		if len(lines) != len(want) {
			t.Fatalf("descriptors:\n%s\nwant %v", out, want)
		}
		for i := range want {
			if !strings.Contains(lines[i], " "+want[i]) {
				t.Errorf("descriptor %q, want %q", lines[i], want[i])
			}
		}
	})
	t.Run("in the script", func(t *testing.T) {
		r := testkit.RunScript(t, `
			local names = {}
			for n = 0, 20 do
				errexit = false
				local fd, e = C.dup(n)
				if fd >= 0 then C.close(fd) names[#names + 1] = n end
			end
			S(table.concat(names, " ")) S(C.open("/dev/null", 0))`,
			func(cmd *initscript.Cmd) { cmd.ExtraFiles = []*os.File{null, write, read} })
		if r.Err != nil || strings.Join(r.Sent, "|") != "0 1 2 3 4 5 6 7|8" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("dup'ed by the script", func(t *testing.T) {
		cmd := testkit.Command(t, `C.dup2(C.open("/dev/zero", C.O_RDONLY), 0)`, "readlink",
			"/proc/self/fd/0")
		if out, err := cmd.Output(); err != nil || string(out) != "/dev/zero\n" {
			t.Errorf("%q, %v", out, err)
		}
	})
	t.Run("low limits", func(t *testing.T) {
		if !testkit.RunInSubprocess(t, nil) {
			return
		}
		enough := uint64(32)
		if testkit.Lacking(unix.SYS_STATX) {
			enough = 36 // each start has a server of its own, while the last one is given up
		}
		for limit := uint64(64); limit > 4; limit -= 4 {
			testkit.Must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE,
				&syscall.Rlimit{Cur: limit, Max: 64}))
			run := func() error { return testkit.Command(t, "", "true").Run() }
			err := run()
			// What other processes of an ordinary user have under way counts too, while it is.
			for begun := time.Now(); limit >= enough && errors.Is(err, unix.ETOOMANYREFS) &&
				time.Since(begun) < testkit.Timeout; {
				err = run()
			}
			var setupError *initscript.SetupError
			var serverError *initscript.ServerError
			var fieldError *initscript.FieldError // Dir, which Start opens
			typed := errors.As(err, &setupError) || errors.As(err, &serverError) ||
				errors.As(err, &fieldError)
			if err != nil && (limit >= enough || !typed) {
				t.Errorf("with %d descriptors: %v", limit, err)
			}
		}
	})
}

func TestCmdBadInput(t *testing.T) {
	directory := t.TempDir()
	missing := filepath.Join(directory, "missing")
	notExecutable := filepath.Join(directory, "data")
	testkit.Must(t, os.WriteFile(notExecutable, []byte("no program"), 0o644))
	garbage := filepath.Join(directory, "garbage")
	testkit.Must(t, os.WriteFile(garbage, []byte("\x00\x01\x02"), 0o755))
	badShebang := filepath.Join(directory, "shebang")
	testkit.Must(t, os.WriteFile(badShebang, []byte("#! /no/such/interpreter -x\n"), 0o755))
	badLoader := filepath.Join(directory, "loader")
	testkit.Must(t, os.WriteFile(badLoader, testkit.ProgramWithLoader(t, "/no/such/ld.so"), 0o755))

	closedFile, err := os.Open(os.DevNull)
	testkit.Must(t, err)
	closedFile.Close()
	many := make([]*os.File, 300)
	for i := range many {
		many[i] = os.Stdin
	}
	tests := []struct {
		name   string
		change func(*initscript.Cmd)
		want   string // the error's text
	}{
		{"Env without =", func(c *initscript.Cmd) { c.Env = []string{"A=1", "FOO"} },
			`Env[1]: "FOO" is not of the form key=value`},
		{"Env without key", func(c *initscript.Cmd) { c.Env = []string{"=1"} },
			`Env[0]: "=1" is not of the form key=value`},
		{"NUL in Env", func(c *initscript.Cmd) { c.Env = []string{"A=\x00"} },
			`Env[0]: "A=\x00" contains a NUL byte`},
		{"NUL in Args", func(c *initscript.Cmd) { c.Args = []string{"a", "\x00"} },
			`Args[1]: "\x00" contains a NUL byte`},
		{"NUL in Path", func(c *initscript.Cmd) { c.Path = "/bin/\x00" },
			`Path: "/bin/\x00" contains a NUL byte`},
		{"NUL in Script", func(c *initscript.Cmd) { c.Script = "x = 1\n\nx = '\x00'" },
			`Script: init.script:3: NUL byte: not a Lua source text`},
		{"unknown namespace", func(c *initscript.Cmd) { c.Namespaces = 1 << 20 },
			`Namespaces: unknown namespace 0x100000`},
		{"maps without namespace", func(c *initscript.Cmd) {
			c.UIDMap = []initscript.IDMap{idMap(0, 0,
				1)}
		}, `UIDMap: id maps need NewUser in Namespaces`},
		{"negative limit", func(c *initscript.Cmd) { c.MemoryLimit = -1 },
			`MemoryLimit: -1 is negative`},
		{"too many files", func(c *initscript.Cmd) { c.ExtraFiles = many },
			`ExtraFiles: 300 files; at most 243 can be passed`},
		{"nil file", func(c *initscript.Cmd) { c.ExtraFiles = []*os.File{nil} },
			`ExtraFiles[0]: is nil or closed`},
		{"closed arg", func(c *initscript.Cmd) { c.Arg = closedFile }, `Arg: is nil or closed`},
		{"closed stdout", func(c *initscript.Cmd) { c.Stdout = closedFile }, `Stdout: is nil or closed`},
		{"nil stdin", func(c *initscript.Cmd) { c.Stdin = (*os.File)(nil) }, `Stdin: is nil or closed`},
		{"missing directory", func(c *initscript.Cmd) { c.Dir = missing },
			`Dir: open ` + missing + `: no such file or directory`},
		{"directory that is a file", func(c *initscript.Cmd) { c.Dir = garbage },
			`Dir: open ` + garbage + `: not a directory`},
		{"missing program", func(c *initscript.Cmd) { c.Path = missing },
			`exec ` + missing + `: no such file or directory (ENOENT)`},
		{"not in PATH", func(c *initscript.Cmd) { c.Path = "no-such-program" },
			`exec no-such-program: not found in the PATH of the given environment`},
		{"no PATH", func(c *initscript.Cmd) { c.Path, c.Env = "true", nil },
			`exec true: not found in the PATH of the given environment`},
		{"not executable", func(c *initscript.Cmd) { c.Path = notExecutable },
			`exec ` + notExecutable + `: permission denied (EACCES)`},
		{"not executable in PATH", func(c *initscript.Cmd) {
			c.Path, c.Env = "data", []string{"PATH=/usr/bin:" + directory + ":/bin"}
		}, `exec ` + notExecutable + `: permission denied (EACCES)`},
		{"directory as program", func(c *initscript.Cmd) { c.Path = directory },
			`exec ` + directory + `: permission denied (EACCES)`},
		{"no format", func(c *initscript.Cmd) { c.Path = garbage },
			`exec ` + garbage + `: exec format error (ENOEXEC)`},
		{"missing interpreter", func(c *initscript.Cmd) { c.Path = badShebang },
			`exec ` + badShebang + `: its interpreter /no/such/interpreter is not there`},
		{"missing loader", func(c *initscript.Cmd) { c.Path = badLoader },
			`exec ` + badLoader + `: its interpreter /no/such/ld.so is not there`},
		{"bad script", func(c *initscript.Cmd) { c.Script = "x = = 1" },
			`init.script:1: unexpected symbol near '='`},
		{"bytecode", func(c *initscript.Cmd) { c.Script = "\x1bLJ\x02" },
			`init.script: attempt to load chunk with wrong mode`},
		{"error value", func(c *initscript.Cmd) { c.Script = "\nerror({})" },
			`init.script:2: (error object is a table value)`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cmd := testkit.Command(t, "", "true")
			test.change(cmd)
			err := cmd.Run()
			if err == nil || err.Error() != test.want {
				t.Errorf("error: %v\nwant:  %s", err, test.want)
			}
		})
	}
}

func TestCmdScriptSizes(t *testing.T) {
	for _, size := range []int{0, 1, 212_000, 213_000, 10 << 20} {
		script := "--" + strings.Repeat("x", max(size-10, 0)) + "\nx = 1"
		if size == 0 {
			script = ""
		}
		cmd := testkit.Command(t, script, "true")
		if err := cmd.Run(); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	// Too much code for the memory limit: Emilua's message, and the reason as data.
	cmd := testkit.Command(t, strings.Repeat("f(function() return 1, 'a' end)\n", 300_000))
	cmd.MemoryLimit = 1 << 20
	out, err := cmd.CombinedOutput()
	var scriptError *initscript.ScriptError
	if string(out) != "<3>ipc_actor/init/alloc: Cannot allocate memory\n" ||
		!errors.As(err, &scriptError) ||
		!errors.Is(err, unix.ENOMEM) || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("%q, %v", out, err)
	}
}

func TestCmdContext(t *testing.T) {
	for name, script := range map[string]string{
		"looping script": `C.write(arg, "ready") while true do end`,
		"program":        ``,
	} {
		for _, namespaces := range []initscript.Namespaces{0, initscript.NewUser | initscript.NewPID} {
			t.Run(fmt.Sprintf("%s, namespaces %q", name, namespaces), func(t *testing.T) {
				if namespaces != 0 {
					testkit.RequireUserNamespaces(t)
				}
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				host, arg := testkit.Socketpair(t)
				cmd := initscript.CommandContext(ctx, "/bin/sh", "-c",
					"echo ready >&3; while :; do :; done")
				cmd.Script, cmd.Arg, cmd.ExtraFiles, cmd.Namespaces = script, arg, []*os.File{arg},
					namespaces
				testkit.Must(t, cmd.Start())
				if _, err := host.Read(make([]byte, 10)); err != nil {
					t.Fatal(err)
				}
				pidfd := testkit.OpenPidfd(t, cmd.Process.Pid)
				cancel()
				if err := cmd.Wait(); !errors.Is(err, context.Canceled) {
					t.Errorf("Wait: %v", err)
				}
				testkit.AwaitDeath(t, pidfd)
				if cmd.ProcessState.Signal() != syscall.SIGKILL {
					t.Errorf("state: %v", cmd.ProcessState)
				}
			})
		}
	}
	t.Run("done before the start", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := initscript.CommandContext(ctx, "true").Run(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("Cancel", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		host, arg := testkit.Socketpair(t)
		cmd := initscript.CommandContext(ctx, "/bin/sh", "-c",
			`trap 'exit 9' TERM; echo ready >&3; while :; do :; done`)
		cmd.ExtraFiles = []*os.File{arg}
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		testkit.Must(t, cmd.Start())
		if _, err := host.Read(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := cmd.Wait(); !errors.Is(err, context.Canceled) || cmd.ProcessState.ExitCode() != 9 {
			t.Errorf("%v, %v", err, cmd.ProcessState)
		}
	})
}

func TestCmdMisuse(t *testing.T) {
	cmd := testkit.Command(t, "", "true")
	if err := cmd.Wait(); err == nil {
		t.Error("Wait before Start succeeds")
	}
	if err := cmd.WaitScript(); err == nil {
		t.Error("WaitScript before Start succeeds")
	}
	testkit.Must(t, cmd.Run())
	if err := cmd.Start(); err == nil {
		t.Error("a second Start succeeds")
	}
	if err := cmd.Wait(); err == nil {
		t.Error("a second Wait succeeds")
	}
	if err := cmd.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("Kill after Wait: %v", err)
	}
	if _, err := cmd.Process.PidFD(); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("PidFD after Wait: %v", err)
	}
}

func TestCmdWaitScript(t *testing.T) {
	cmd := testkit.Command(t, "", "cat")
	stdin, err := cmd.StdinPipe()
	testkit.Must(t, err)
	testkit.Must(t, cmd.Start())
	for range 2 { // while the program runs
		testkit.Must(t, cmd.WaitScript())
	}
	stdin.Close()
	testkit.Must(t, cmd.Wait())

	for range 50 { // a success of the script, even where the rest has failed before it is asked for
		cmd := testkit.Command(t, "", "/nonexistent")
		testkit.Must(t, cmd.Start())
		if err := cmd.WaitScript(); err != nil {
			t.Errorf("WaitScript before a program that is not there: %v", err)
		}
		var execError *initscript.ExecError
		if err := cmd.Wait(); !errors.As(err, &execError) {
			t.Errorf("Wait: %v", err)
		}
	}
	for _, script := range []string{
		`C.execve("/nonexistent", {"x"})`, `errexit = false C.execve("/nonexistent", {"x"}) error("x")`,
		`C.open("/nonexistent", 0)`, `error("x")`, `x = = 1`, `os.exit(3)`,
		`require "ffi".cdef "int raise(int);" require "ffi".C.raise(6)`,
	} {
		t.Run(script, func(t *testing.T) {
			cmd := testkit.Command(t, script, "true")
			testkit.Must(t, cmd.Start())
			early := cmd.WaitScript()
			late := cmd.Wait()
			if early == nil || late == nil || early.Error() != late.Error() {
				t.Errorf("WaitScript: %v, Wait: %v", early, late)
			}
		})
	}
}

func TestProcess(t *testing.T) {
	cmd := testkit.Command(t, "", "sleep", "1000")
	testkit.Must(t, cmd.Start())
	testkit.Must(t, cmd.WaitScript())
	pidfd, err := cmd.Process.PidFD()
	testkit.Must(t, err)
	defer pidfd.Close()
	testkit.Must(t, unix.PidfdSendSignal(int(pidfd.Fd()), 0, nil, 0))
	testkit.Must(t, cmd.Process.Signal(syscall.SIGTERM))
	err = cmd.Wait()
	var exit *initscript.ExitError
	if !errors.As(err, &exit) || exit.Signal() != syscall.SIGTERM || exit.ExitCode() != -1 ||
		err.Error() != "signal: terminated" {
		t.Errorf("%v", err)
	}
}

// The kinds of failure, as the caller tells them apart.
func TestErrorKinds(t *testing.T) {
	t.Run("call", func(t *testing.T) {
		cmd := testkit.Command(t, "\n\nlocal function f() C.mount('none', '/nonexistent\\n', 'tmpfs', "+
			"C.MS_NODEV, nil) end\nf()", "true")
		cmd.ScriptName = "box.lua"
		err := cmd.Run()
		var e *initscript.ScriptError
		if !errors.As(err, &e) {
			t.Fatalf("%v", err)
		}
		if e.ScriptName != "box.lua" || e.Line != 3 || e.Func != "mount" ||
			strings.Join(e.Args, ",") != `"none","/nonexistent\010","tmpfs",4` {
			t.Errorf("%#v", e)
		}
		if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EPERM) {
			t.Errorf("errno: %v", e.Errno)
		}
		want := "stack traceback:\n\tbox.lua:3: in function 'f'\n\tbox.lua:4: in main chunk"
		if e.Traceback != want {
			t.Errorf("traceback %q, want %q", e.Traceback, want)
		}
	})
	t.Run("signal", func(t *testing.T) {
		cmd := testkit.Command(t, `require "ffi".cdef "int raise(int);" require "ffi".C.raise(31)`,
			"true")
		err := cmd.Run()
		var e *initscript.ScriptError
		if !errors.As(err, &e) || e.Signal != syscall.SIGSYS ||
			err.Error() != "init.script: killed by signal: bad system call" {
			t.Errorf("%v", err)
		}
	})
	t.Run("signal after a failed execve", func(t *testing.T) {
		cmd := testkit.Command(t, `errexit = false C.execve("/nonexistent", {}) require "ffi".cdef `+
			`"int raise(int);" require "ffi".C.raise(6)`)
		err := cmd.Run()
		var e *initscript.ScriptError
		if !errors.As(err, &e) || e.Signal != syscall.SIGABRT {
			t.Errorf("%v", err)
		}
	})
	t.Run("script ends the process", func(t *testing.T) {
		cmd := testkit.Command(t, `os.exit(7)`, "true")
		err := cmd.Run()
		var e *initscript.ScriptError
		var exit *initscript.ExitError
		if !errors.As(err, &e) || e.Exited.ExitCode() != 7 || errors.As(err, &exit) {
			t.Errorf("%v", err)
		}
	})
	t.Run("script executes", func(t *testing.T) {
		cmd := testkit.Command(t, `C.execve("/bin/sh", {"sh", "-c", "exit 5"}, {})`, "true")
		err := cmd.Run()
		var e *initscript.ExitError
		if !errors.As(err, &e) || e.ExitCode() != 5 {
			t.Errorf("%v", err)
		}
	})
	t.Run("namespaces", func(t *testing.T) {
		if os.Geteuid() == 0 {
			if !testkit.RunInSubprocess(t, nil) {
				return
			}
			testkit.Must(t, syscall.Setresuid(1000, 1000, 1000))
		}
		for _, set := range []initscript.Namespaces{initscript.NewNet,
			initscript.NewNet | initscript.NewPID} {
			cmd := testkit.Command(t, "", "true")
			cmd.Namespaces = set
			err := cmd.Start()
			var e *initscript.NamespaceError
			if !errors.As(err, &e) || e.Namespaces != set || !errors.Is(err, unix.EPERM) {
				t.Errorf("%v: %v", set, err)
			}
		}
	})
	t.Run("id map", func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		for _, m := range [][]initscript.IDMap{{idMap(0, os.Getuid(), 0)}, {idMap(0, -1, 1)},
			{idMap(0, 0, 1), idMap(0, 1, 1)}} {
			for _, pid := range []initscript.Namespaces{0, initscript.NewPID} {
				cmd := testkit.Command(t, `C.write(2, "the script has run")`, "true")
				cmd.Namespaces, cmd.UIDMap = initscript.NewUser|pid, m
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				err := cmd.Run()
				var e *initscript.IDMapError
				if !errors.As(err, &e) || e.File != "uid_map" || stderr.Len() > 0 {
					t.Errorf("%v: %v, stderr %q", m, err, stderr.String())
				}
			}
		}
	})
}
