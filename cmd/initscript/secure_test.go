package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode"

	"golang.org/x/sys/unix"
)

// everyCommand are command lines that work, or at least say something else, in an ordinary process.
var everyCommand = [][]string{
	{}, {"--help"}, {"--version"}, {"help"}, {"run", "--help"}, {"run", "-e", "print(1)"}, {"repl"},
	{"host", "-"}, {"doctor"}, {"doctor", "--json"}, {"check", "-"}, {"seccomp"}, {"seccomp", "compile",
		"-"},
	{"completion", "bash"}, {"__complete", ""}, {"nonsense"},
}

// secureMarks make a file such that the kernel executes it in secure mode for other users.
var secureMarks = map[string]func(path string) error{
	"set-uid": func(path string) error { return os.Chmod(path, 0o755|os.ModeSetuid) },
	"set-gid": func(path string) error { return os.Chmod(path, 0o755|os.ModeSetgid) },
	"file capabilities": func(path string) error {
		var words []byte // struct vfs_cap_data, of version 2, effective: CAP_NET_BIND_SERVICE
		for _, word := range []uint32{0x02000001, 1 << unix.CAP_NET_BIND_SERVICE, 0, 0, 0} {
			words = binary.LittleEndian.AppendUint32(words, word)
		}
		return unix.Setxattr(path, "security.capability", words, 0)
	},
}

// copyOfCommand returns a copy of this program, which is the command under that name, that others may
// execute.
func copyOfCommand(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	for d := directory; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	own, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(directory, "initscript")
	if err := os.WriteFile(path, own, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func skipUnlessSecureModeWorks(t *testing.T, directory string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make a set-uid program of another user and execute it as a third")
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(directory, &fs); err != nil {
		t.Fatal(err)
	}
	if fs.Flags&unix.ST_NOSUID != 0 {
		t.Skipf("%s is mounted with nosuid", directory)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err == nil && strings.Contains(string(status), "NoNewPrivs:\t1") {
		t.Skip("no_new_privs is set, so set-uid has no effect")
	}
}

// asNobody executes the command as another user.
func asNobody(t *testing.T, path string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := newProcess(t, path, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), complaint.String()
}

// A copy of the command that gives its caller rights refuses everything, in one sentence.
func TestSecureModeIsRefused(t *testing.T) {
	path := copyOfCommand(t)
	skipUnlessSecureModeWorks(t, filepath.Dir(path))
	if status, _, stderr := asNobody(t, path, "--version"); status != 0 {
		t.Fatalf("an ordinary copy: status %d, %s", status, stderr)
	}
	for name, mark := range secureMarks {
		t.Run(name, func(t *testing.T) {
			path := copyOfCommand(t)
			if err := mark(path); errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EPERM) {
				t.Skipf("this file system or user cannot have it: %v", err)
			} else if err != nil {
				t.Fatal(err)
			}
			for _, args := range everyCommand {
				status, stdout, stderr := asNobody(t, path, args...)
				says := strings.HasPrefix(stderr, "initscript: refused: ") &&
					strings.Contains(stderr, "AT_SECURE")
				if status != statusFailed || stdout != "" || strings.Count(stderr, "\n") != 1 || !says {
					t.Errorf("%q: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
				}
			}
		})
	}
}

// A terminal obeys what nobody but an actor has written, unless it is shown.
func TestActorsTextIsHarmless(t *testing.T) {
	requireHost(t)
	const (
		evil  = `\27]0;owned\7\27[2J\194\155\050J\226\128\174 \255\r\ninitscript: forged`
		shown = `\x1b]0;owned\a\x1b[2J\u009b2J\u202e \xff\r\ninitscript: forged`
	)
	for name, program := range map[string]string{
		"an error of the actor": `local c = spawn_vm{ module_source = "error('` + doubled(evil) +
			`', 0)", subprocess = {} } local _, _, _, why = c:wait() error(why, 0)`,
		"a message of the actor": `local c = spawn_vm{ module_source = "parent:send('` + doubled(evil) +
			`')", subprocess = {} } error(c:receive(), 0)`,
		"a field of a message": `local c = spawn_vm{ module_source = "parent:send{ x = '` +
			doubled(evil) + `' }", subprocess = {} } ` +
			`local m = c:receive() local function f() error(m.x, 0) end f()`,
	} {
		t.Run(name, func(t *testing.T) {
			cmd := newProcess(t, "initscript", "host", "-")
			var stderr bytes.Buffer
			cmd.Stdin, cmd.Stderr = strings.NewReader(program), &stderr
			if status := exitCode(t, cmd.Run()); status != statusProgramFailed {
				t.Errorf("status %d", status)
			}
			first, rest, _ := strings.Cut(stderr.String(), "\n")
			if !strings.HasPrefix(first, "initscript: ") || !strings.Contains(first, shown) {
				t.Errorf("first line %q, want %q", first, shown)
			}
			if !strings.HasPrefix(rest, "stack traceback:\n\t") {
				t.Errorf("the traceback has lost its lines: %q", rest)
			}
			requirePrintable(t, stderr.String())
		})
	}
}

// doubled is for an escape in a string within a string.
func doubled(escapes string) string { return strings.ReplaceAll(escapes, `\`, `\\`) }

func requirePrintable(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) || r == '\ufffd' {
			t.Errorf("%q is in what is printed", r)
		}
	}
}

// What the command writes about a script is printable in each of its forms.
func TestScriptsTextIsHarmless(t *testing.T) {
	const evil = `\27]0;owned\7\194\155\050J\226\128\174\255`
	directory := t.TempDir()
	script := filepath.Join(directory, "\x1b[31m\u009b\u202e\xff.lua")
	code := "local e = '" + evil + "'\nlocal function f() error(e) end\nC.access(e, 0) f()"
	if err := os.WriteFile(script, []byte("errexit = false "+code), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		`run --trace --trace-fd 7 "$1"`, `run --trace=json --trace-fd 7 "$1"`, `run --status-fd 7 "$1"`,
		`run --status-fd 7 -e 'C.open("\27[1m\194\155", 0)'`, `run --status-fd 7 -e '' -- "$1"`,
		`check "$1" nothing >&7`, `check --json "$1" nothing >&7`, `check --json -- "$1" <&- >&7`,
		`seccomp compile "$1" 2>&7`, `host "$1" 2>&7`, `host "$1.missing" 2>&7`,
	} {
		out := filepath.Join(directory, "out")
		cmd := newShell(t, `exec initscript `+args+` 7>"$2"`, script, out)
		cmd.Run() // what fails is told, which is the point
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) == 0 && !strings.HasPrefix(args, "check") {
			t.Errorf("%s: nothing is written", args)
		}
		requirePrintable(t, string(text))
	}
}
