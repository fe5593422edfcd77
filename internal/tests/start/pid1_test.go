package start_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// inPIDNamespace also gives the box a /proc of its own.
func newPID1Cmd(t *testing.T, script string, program ...string) *initscript.Cmd {
	t.Helper()
	testkit.RequireUserNamespaces(t)
	cmd := testkit.Command(t, `C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE)) `+
		`C.mount("proc", "/proc", "proc", 0, nil) `+script, program...)
	testkit.InUserNamespace(initscript.NewPID | initscript.NewMount)(cmd)
	return cmd
}

func TestPID1ForwardsSignals(t *testing.T) {
	signals := map[string]syscall.Signal{
		"RTMIN+4": syscall.Signal(34 + 4), // libc keeps the first two for itself
		"TERM":    unix.SIGTERM, "USR1": unix.SIGUSR1, "USR2": unix.SIGUSR2, "HUP": unix.SIGHUP,
		"INT": unix.SIGINT,
	}
	var traps strings.Builder
	for name := range signals {
		fmt.Fprintf(&traps, "trap 'echo %s' %s; ", name, name)
	}
	testkit.RequireProgram(t, "bash")
	cmd := newPID1Cmd(t, "", "bash", "-c", traps.String()+`trap 'echo WINCH' WINCH
		sleep 1000 & echo $$ ready; while :; do wait; done`)
	stdout, err := cmd.StdoutPipe()
	testkit.Must(t, err)
	testkit.Must(t, cmd.Start())
	lines := bufio.NewScanner(stdout)
	expect := func(want string) {
		t.Helper()
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("the program says %q (%v), want %q", lines.Text(), lines.Err(), want)
		}
	}
	expect("2 ready")
	// Not forwarded: the next answer is to another signal.
	testkit.Must(t, cmd.Process.Signal(unix.SIGWINCH))
	for name, signal := range signals {
		testkit.Must(t, cmd.Process.Signal(signal))
		expect(name)
	}
	testkit.Must(t, cmd.Process.Kill())
	cmd.Wait()
}

func TestPID1Status(t *testing.T) {
	tests := []struct {
		script, program string
		want            int
	}{
		{"", "exit 0", 0},
		{"", "exit 17", 17},
		{"", "kill -TERM $$", 128 + 15},
		{"", "kill -KILL $$", 128 + 9},
		{"C.execve('/bin/sh', {'sh', '-c', 'exit 3'}, {})", "exit 1", 3},
		{"os.exit(6)", "exit 1", 6},
	}
	for _, test := range tests {
		cmd := newPID1Cmd(t, test.script, "/bin/sh", "-c", test.program)
		err := cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != test.want || (err == nil) != (test.want == 0) {
			t.Errorf("script %q, program %q: status %d (%v), want %d", test.script, test.program, got,
				err, test.want)
		}
	}
	var execError *initscript.ExecError
	cmd := newPID1Cmd(t, "", "/nonexistent")
	if err := cmd.Run(); !errors.As(err, &execError) || cmd.ProcessState.ExitCode() != 127 {
		t.Errorf("missing program: %v, %v", err, cmd.ProcessState)
	}
}

func TestPID1(t *testing.T) {
	tests := []struct{ name, script, program, want string }{
		{"script is PID 1", `io.write(io.open("/proc/self/stat"):read("*n"), "\n") io.stdout:flush()`,
			"echo $$", "1\n2\n"},
		// An orphan whose parent is gone is reaped: its entry disappears while PID 1 lives on.
		{"reaps orphans", "", `
			orphan=$( (sleep 1000 > /dev/null & echo $!) )
			[ -d /proc/$orphan ] && echo alive
			kill -KILL $orphan
			while [ -d /proc/$orphan ]; do :; done
			echo reaped`, "alive\nreaped\n"},
		{"ends everything with the program", "", "sleep 1000 & echo done", "done\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cmd := newPID1Cmd(t, test.script, "/bin/sh", "-c", test.program)
			stdin, err := cmd.StdinPipe()
			testkit.Must(t, err)
			defer stdin.Close()
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v", err)
			}
			if string(out) != test.want {
				t.Errorf("output %q, want %q", out, test.want)
			}
		})
	}
}

// What lives on as PID 1 holds neither descriptors nor the script nor the environment.
func TestPID1KeepsNoSecrets(t *testing.T) {
	testkit.RequireRoot(t) // to look into it
	secret := fmt.Sprintf("secret-%d", os.Getpid())
	cmd := newPID1Cmd(t, fmt.Sprintf("local text = string.rep(%q, 3) x = text:upper()", secret),
		"/bin/sh", "-c", "echo ready; read x")
	cmd.Env = append(cmd.Env, "SECRET="+secret)
	stdin, err := cmd.StdinPipe()
	testkit.Must(t, err)
	stdout, err := cmd.StdoutPipe()
	testkit.Must(t, err)
	testkit.Must(t, cmd.Start())
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", cmd.Process.Pid)); err != nil ||
		len(entries) != 0 {
		t.Errorf("descriptors of PID 1: %v, %v", entries, err)
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", cmd.Process.Pid))
	testkit.Must(t, err)
	defer memory.Close()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", cmd.Process.Pid))
	testkit.Must(t, err)
	read := 0
	for line := range strings.Lines(string(maps)) {
		var start, end int64
		if _, err := fmt.Sscanf(line, "%x-%x", &start, &end); err != nil || end-start > 1<<26 {
			continue
		}
		content := make([]byte, end-start)
		n, _ := memory.ReadAt(content, start)
		read += n
		for _, s := range []string{secret, strings.ToUpper(secret)} {
			if strings.Contains(string(content[:n]), s) {
				at := strings.Index(string(content[:n]), s)
				t.Errorf("PID 1 still holds %q at %#x in %s%q", s, start+int64(at), line,
					content[max(at-100, 0):min(at+200, n)])
			}
		}
	}
	if read < 1<<20 {
		t.Errorf("only %d bytes of PID 1 could be read", read)
	}
	stdin.Close()
	cmd.Wait()
}

// Root of the box, with all capabilities there, cannot look into PID 1, nor end or stop it.
func TestPID1IsOutOfReach(t *testing.T) {
	const attack = `
		trap '' HUP INT USR1 USR2 TERM RTMIN+4 # these come back
		for name in environ maps mem auxv; do
			head -c 1 /proc/1/$name && echo reached $name
		done 2>/dev/null
		for name in fd root cwd map_files; do
			[ -n "$(ls /proc/1/$name/)" ] && echo reached $name
		done 2>/dev/null
		readlink /proc/1/exe
		nsenter -t 1 -m true 2>/dev/null && echo entered
		signal=1
		while [ $signal -le 64 ]; do
			kill -$signal 1 2>/dev/null
			signal=$((signal + 1))
		done
		(exit 3) & wait $! # it still reaps
		grep -E "State|CapEff" /proc/1/status`
	testkit.RequireProgram(t, "bash")
	cmd := newPID1Cmd(t, "", "bash", "-c", attack)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "State:\tS (sleeping)\nCapEff:\t") ||
		strings.Contains(string(out), "CapEff:\t0000000000000000") {
		t.Errorf("%v\n%s", err, out)
	}
}

// A program that links libpsx, as this one does, has libcap call the kernel on all threads, which it
// finds in /proc. A script has one, and may have no /proc.
func TestCapabilitiesWithoutProc(t *testing.T) {
	testkit.RequireUserNamespaces(t)
	for _, more := range []initscript.Namespaces{0, initscript.NewPID} {
		r := testkit.RunScript(
			t,
			`C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE))
			C.mount("tmpfs", "/proc", "tmpfs", 0, nil)
			C.cap_drop_bound("0") C.cap_reset_ambient() C.cap_set_proc("=") S("done")`,
			testkit.InUserNamespace(initscript.NewMount|more),
		)
		if r.Err != nil || len(r.Sent) != 1 {
			t.Errorf("with %q: %+v", more, r)
		}
	}
}
