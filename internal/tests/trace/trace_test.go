package trace_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// traceEvents runs the script and returns its trace.
func traceEvents(t *testing.T, script string, options ...func(*initscript.Cmd)) ([]initscript.TraceEvent,
	testkit.Result) {
	t.Helper()
	var events []initscript.TraceEvent
	options = append(options, func(cmd *initscript.Cmd) {
		cmd.Trace = func(e initscript.TraceEvent) { events = append(events, e) }
	})
	r := testkit.RunScript(t, script, options...)
	for _, e := range events {
		if e.ScriptName != "init.script" || e.Lost != 0 || e.Start < 0 || e.Start > testkit.Timeout ||
			e.Duration < 0 || e.Duration > testkit.Timeout {
			t.Errorf("%+v", e)
		}
	}
	return events, r
}

var durationPattern = regexp.MustCompile(` <\d+ us>$`)

// traceText is the text of the events without the script's name and the durations.
func traceText(events []initscript.TraceEvent) []string {
	var lines []string
	for _, e := range events {
		line := durationPattern.ReplaceAllString(e.String(), "")
		lines = append(lines, strings.TrimPrefix(line, "init.script:"))
	}
	return lines
}

// machineSpecific is what differs by machine and user, and what repeats itself.
var (
	machineSpecific = regexp.MustCompile(`^(\d+: (?:setsid\(\)|umask\(027\)|umount2\(.*\)) =) .*$`)
	repeated        = regexp.MustCompile(`("argument",)(?: "argument",)+`)
)

func TestTrace(t *testing.T) {
	directory := t.TempDir()
	testkit.Must(t, os.WriteFile(filepath.Join(directory, "file"), []byte(strings.Repeat("x", 70)+"\n"),
		0o600))
	inDirectory := func(cmd *initscript.Cmd) { cmd.Dir = directory }
	tests := []struct {
		name, script string
		want         []string
	}{
		{"nothing", ``, nil},
		{"lines", "\n\nC.setsid()\n\nC.chdir('/')",
			[]string{`3: setsid() = VARIES`, `5: chdir("/") = 0`}},
		{"flags and descriptors", `
			local fd = C.open("file", bit.bor(C.O_RDWR, C.O_CLOEXEC))
			C.read(fd, 100)
			local copy = C.dup(fd)
			C.close(fd)
			C.fcntl(copy, C.F_SETFD, C.FD_CLOEXEC)
			C.closefrom(5)
			errexit = false
			C.close(copy)`, []string{
			`2: open("file", O_RDWR|O_CLOEXEC) = 5<file>`,
			`3: read(5<file>, 100) = "` + strings.Repeat("x", 64) + `"...`,
			`4: dup(5<file>) = 6<file>`,
			`5: close(5<file>) = 0`,
			`6: fcntl(6<file>, F_SETFD, FD_CLOEXEC) = 0`,
			`7: closefrom(5)`,
			`9: close(6) = -1 EBADF (bad file descriptor)`,
		}},
		{"paths below a descriptor", `
			local fd = C.open("/", bit.bor(C.O_PATH, C.O_DIRECTORY))
			local usr = C.openat2(fd, "usr", {flags = C.O_PATH, ` +
			`resolve = bit.bor(C.RESOLVE_BENEATH, C.RESOLVE_NO_XDEV)})
			C.dup2(usr, 9)
			errexit = false
			C.unlinkat(9, "no\nsuch", C.AT_REMOVEDIR)
			C.mkdirat(C.AT_FDCWD, "file", mode(7, 5, 0))`, []string{
			`2: open("/", O_RDONLY|O_DIRECTORY|O_PATH) = 5</>`,
			`3: openat2(5</>, "usr", {flags = O_RDONLY|O_PATH, resolve = ` +
				`RESOLVE_NO_XDEV|RESOLVE_BENEATH}) = 6</usr>`,
			`4: dup2(6</usr>, 9) = 9</usr>`,
			`6: unlinkat(9</usr>, "no\nsuch", AT_REMOVEDIR) = -1 ENOENT (no such file or directory)`,
			`7: mode(7, 5, 0) = 0750`,
			`7: mkdirat(AT_FDCWD, "file", 0750) = -1 EEXIST (file exists)`,
		}},
		{"pairs", `
			local r, w = C.pipe2(bit.bor(C.O_CLOEXEC, C.O_NONBLOCK))
			C.socketpair(C.AF_UNIX, bit.bor(C.SOCK_SEQPACKET, C.SOCK_CLOEXEC), 0)
			write_all(w, "x\0")
			send_with_fd(7, "m", r)
			receive_with_fd(8, 10)`, []string{
			`2: pipe2(O_CLOEXEC|O_NONBLOCK) = 5<pipe, read end>, 6<pipe, write end>`,
			`3: socketpair(AF_UNIX, SOCK_SEQPACKET|SOCK_CLOEXEC, 0) = 7<socketpair>, 8<socketpair>`,
			`4: write_all(6<pipe, write end>, "x\x00") = 2`,
			`5: send_with_fd(7<socketpair>, "m", 5<pipe, read end>) = 1`,
			`6: receive_with_fd(8<socketpair>, 10) = "m", 9<received>`,
		}},
		{"sockets", `
			local fd = C.socket(C.AF_UNIX, C.SOCK_STREAM, 0)
			bind_unix(fd, "\0a name")
			C.listen(fd, C.SOMAXCONN)`, []string{
			`2: socket(AF_UNIX, SOCK_STREAM, 0) = 5<socket AF_UNIX>`,
			`3: bind_unix(5<socket AF_UNIX>, "\x00a name") = 0`,
			`4: listen(5<socket AF_UNIX \x00a name>, SOMAXCONN) = 0`,
		}},
		{"numbers that mean something", `
			C.umask(mode(0, 2, 7))
			C.umask(0)
			C.setrlimit(C.RLIMIT_CORE, 0, 0)
			C.getrlimit(C.RLIMIT_CORE)
			C.prctl(C.PR_SET_PDEATHSIG, C.SIGKILL)
			errexit = false
			C.mknod("file", bit.bor(C.S_IFCHR, mode(6, 6, 6)), C.makedev(1, 3))
			C.umount2("file", bit.bor(C.MNT_DETACH, C.UMOUNT_NOFOLLOW))
			C.access("file", C.F_OK)`, []string{
			`2: mode(0, 2, 7) = 027`,
			`2: umask(027) = VARIES`,
			`3: umask(0) = 027`,
			`4: setrlimit(RLIMIT_CORE, 0, 0) = 0`,
			`5: getrlimit(RLIMIT_CORE) = 0, 0`,
			`6: prctl(PR_SET_PDEATHSIG, SIGKILL) = 0`,
			`8: mode(6, 6, 6) = 0666`,
			`8: makedev(1, 3) = makedev(1, 3)`,
			`8: mknod("file", S_IFCHR|0666, makedev(1, 3)) = -1 EEXIST (file exists)`,
			`9: umount2("file", MNT_DETACH|UMOUNT_NOFOLLOW) = VARIES`,
			`10: access("file", F_OK) = 0`,
		}},
		{"what raises an error", `
			pcall(C.chdir, nil)
			pcall(C.chdir, {})
			C.access("file", C.R_OK)`, []string{
			`2: chdir(nil) = ? (Lua error)`, `3: chdir({}) = ? (Lua error)`,
			`4: access("file", R_OK) = 0`,
		}},
		{"an error at the end", `C.chdir(print)`, []string{`1: chdir((function)) = ? (Lua error)`}},
		{"an error before os.exit", `pcall(C.chdir) os.exit(0)`, []string{`1: chdir() = ? (Lua error)`}},
		{"a failure that ends the process", `C.chdir("/missing") C.chdir("/")`,
			[]string{`1: chdir("/missing") = -1 ENOENT (no such file or directory)`}},
		{"a value that ends the process", `C.setgroups({"x"})`,
			[]string{`1: setgroups({"x"}) = -1 EINVAL (invalid argument)`}},
		// Looking up errexit calls back into the script.
		{"a call within a call", `
			errexit = nil
			setmetatable(_G, {__index = function() ` +
			`C.access("/", C.F_OK) pcall(C.chdir) C.access("/", C.X_OK) end})
			C.chdir("/missing")
			setmetatable(_G, nil)
			C.chdir("/")`, []string{
			`3: access("/", F_OK) = 0`,
			`3: chdir() = ? (Lua error)`,
			`3: access("/", X_OK) = 0`,
			`4: chdir("/missing") = -1 ENOENT (no such file or directory)`,
			`6: chdir("/") = 0`,
		}},
		{"values of all types", `pcall(C.chdir, true, 1.5, print, {1, {2, {3, {4}}}, ["a b"] = false, ` +
			`c = "d"}, "0x10", -2^53)`,
			[]string{`1: chdir(true, 1.5, (function), {1, {2, {3, (table)}}, ["a b"] = false, c = ` +
				`"d"}, "0x10", -9.007199254741e+15) = ? (Lua error)`}},
		{"more than a record holds", `
			local long = {}
			for i = 1, 10000 do long[i] = "argument" end
			errexit = false
			C.execve("/missing", long, {})
			C.chdir("/")`, []string{
			`5: execve("/missing", {"argument", ...}, ...) = -1 ENOENT (no such file or directory)`,
			`6: chdir("/") = 0`,
		}},
		{"a long string", `errexit = false C.chdir(string.rep("x", 4096)) C.chdir(string.rep("x", ` +
			`4097))`, []string{
			`1: chdir("` + strings.Repeat("x", 4096) + `") = -1 ENAMETOOLONG (file name too long)`,
			`1: chdir("` + strings.Repeat("x", 256) + `"...) = -1 ENAMETOOLONG (file name too long)`,
		}},
		{"execve", `C.execve("/bin/true", {"true", "x"}, {SECRET = "xyzzy", A = "1"})`,
			[]string{`1: execve("/bin/true", {"true", "x"}, {"A=...", "SECRET=..."}) = ?`}},
		{"landlock", `
			local fd = C.landlock_create_ruleset({handled_access_fs = {"execute", "write_file"}})
			local etc = C.open("/etc", C.O_PATH)
			C.landlock_add_rule(fd, "path_beneath", {allowed_access = {"execute"}, parent_fd = etc})
			set_no_new_privs()
			C.landlock_restrict_self(fd)
			errexit = false
			C.open("file", C.O_WRONLY)`, []string{
			`2: landlock_create_ruleset({handled_access_fs = {"execute", "write_file"}}) = 5<landlock ` +
				`ruleset>`,
			`3: open("/etc", O_RDONLY|O_PATH) = 6</etc>`,
			`4: landlock_add_rule(5<landlock ruleset>, "path_beneath", {allowed_access = {"execute"}, ` +
				`parent_fd = 6</etc>}) = 0`,
			`5: set_no_new_privs() = 0`,
			`6: landlock_restrict_self(5<landlock ruleset>) = 0`,
			`8: open("file", O_WRONLY) = -1 EACCES (permission denied)`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			events, r := traceEvents(t, test.script, inDirectory)
			got := traceText(events)
			for i, line := range got {
				got[i] = repeated.ReplaceAllString(machineSpecific.ReplaceAllString(line, "$1 VARIES"),
					"$1")
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n\t%s\nwant\n\t%s\n%+v", strings.Join(got, "\n\t"),
					strings.Join(test.want, "\n\t"), r)
			}
		})
	}
}

// Tracing must not be noticed: what the script does and what is told of it are the same.
func TestTraceChangesNothing(t *testing.T) {
	for _, script := range []string{
		`S(tostring(pcall(C.chdir))) S(select(2, pcall(C.chdir, {}))) S(select(2, pcall(function() ` +
			`C.mkdir("/x") end)))`,
		`S(select("#", C.chdir("/"))) S(select("#", C.closefrom(10))) S(type(C.chdir) .. type(mode))`,
		`local function f() C.chdir("/missing") end f()`,
		`set_no_new_privs("x") receive_with_fd(-1, 1)`,
		`local mkdir = C.mkdir mkdir({})`,
		`errexit = false S(C.read(99, 1) == nil) S(select(2, write_all(99, "x"))) S(C.pipe2(-1)) ` +
			`os.exit(3)`,
		`local n = 12 C.access(n, 0)`,
	} {
		plain := testkit.RunScript(t, script)
		events, traced := traceEvents(t, script)
		if len(events) == 0 {
			t.Errorf("%s: no events", script)
		}
		plainErr, tracedErr := fmt.Sprintf("%+v", plain.Err), fmt.Sprintf("%+v", traced.Err)
		var a, b *initscript.ScriptError
		if errors.As(plain.Err, &a) && errors.As(traced.Err, &b) {
			plainErr, tracedErr = fmt.Sprintf("%+v", *a), fmt.Sprintf("%+v", *b)
		}
		if plainErr != tracedErr || !slices.Equal(plain.Sent, traced.Sent) ||
			plain.Stdout != traced.Stdout || plain.Stderr != traced.Stderr {
			t.Errorf("%s:\nnot traced: %+v, %s\ntraced: %+v, %s", script, plain, plainErr, traced,
				tracedErr)
		}
	}
}

// onlyCalls is a filter that kills the process for all other system calls.
func onlyCalls(systemCalls ...uint32) string {
	program := testkit.Instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, 0)
	for i, number := range systemCalls {
		program = append(program, testkit.Instruction(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K,
			uint8(len(systemCalls)-i), 0, number)...)
	}
	program = append(program, testkit.Instruction(unix.BPF_RET|unix.BPF_K, 0, 0,
		unix.SECCOMP_RET_KILL_PROCESS)...)
	return testkit.LuaLiteral(append(program,
		testkit.Instruction(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ALLOW)...))
}

// Behind this filter one system call more would be the end.
func TestTraceMakesNoSystemCall(t *testing.T) {
	if testkit.WithASan {
		t.Skip("the sanitizer makes system calls of its own")
	}
	script := testkit.Install(onlyCalls(unix.SYS_GETPPID, unix.SYS_EXIT_GROUP)) + `
		local getppid = C.getppid
		for i = 1, 100 do getppid() end
		os.exit(7)`
	events, r := traceEvents(t, script)
	var exit *initscript.ExitError
	if !errors.As(r.Err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("%+v, want status 7", r)
	}
	if len(events) != 102 {
		t.Fatalf("%d events", len(events))
	}
	if want := "1: seccomp_set_mode_filter((5 instructions)) = 0"; traceText(events)[1] != want {
		t.Errorf("got %s, want %s", events[1], want)
	}
	for _, e := range events[2:] {
		if e.Func != "getppid" || e.Line != 3 || e.End != initscript.TraceReturned ||
			len(e.Results) != 1 {
			t.Errorf("%+v", e)
		}
	}
}

func TestTraceOfKilledCall(t *testing.T) {
	events, r := traceEvents(t, testkit.Install(onlyCalls(unix.SYS_GETPPID))+"C.getppid() C.chdir('/')")
	if got := traceText(events); len(got) != 4 || got[3] != `1: chdir("/") = ?` ||
		events[3].End != initscript.TraceUnfinished {
		t.Errorf("%q", got)
	}
	var script *initscript.ScriptError
	if !errors.As(r.Err, &script) || script.Signal != syscall.SIGSYS {
		t.Errorf("%+v", r.Err)
	}
}

// A reader that is too slow loses calls, never the count of them, and the script does not wait.
func TestTraceCountsLostCalls(t *testing.T) {
	const calls = 100000
	cmd := testkit.Command(t, fmt.Sprintf("local f = C.getppid for i = 1, %d do f() end", calls),
		"/bin/true")
	scriptEnded := make(chan struct{})
	var seen, lost, more uint64
	cmd.Trace = func(e initscript.TraceEvent) {
		<-scriptEnded
		lost += e.Lost
		switch {
		case e.Func == "getppid" && e.End == initscript.TraceReturned:
			seen++
		case e.Func != "":
			more++
		}
	}
	testkit.Must(t, cmd.Start())
	testkit.Must(t, cmd.WaitScript())
	close(scriptEnded)
	testkit.Must(t, cmd.Wait())
	if seen == 0 || lost == 0 || seen+lost != calls || more != 0 {
		t.Errorf("%d calls seen and %d lost of %d; %d more", seen, lost, calls, more)
	}
}

func TestTraceArrivesWhileTheScriptRuns(t *testing.T) {
	events := make(chan initscript.TraceEvent)
	host, arg := testkit.Socketpair(t)
	cmd := testkit.Command(t, `C.chdir("/") C.read(arg, 1)`)
	cmd.Arg = arg
	cmd.Trace = func(e initscript.TraceEvent) { events <- e }
	testkit.Must(t, cmd.Start())
	if e := <-events; e.Func != "chdir" {
		t.Errorf("%+v", e)
	}
	for state := ""; !strings.HasPrefix(state, "S"); { // until it sleeps in read
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		testkit.Must(t, err)
		state = testkit.StatusField(string(status), "State")
	}
	// The coarsest clock that a trace uses must have moved meanwhile.
	for asleep := coarseTime(t); coarseTime(t) == asleep; {
	}
	_, err := host.Write([]byte("x"))
	testkit.Must(t, err)
	if e := <-events; e.Func != "read" || e.Duration <= 0 {
		t.Errorf("%+v", e)
	}
	testkit.Must(t, cmd.Wait())
}

func coarseTime(t *testing.T) unix.Timespec {
	t.Helper()
	var now unix.Timespec
	testkit.Must(t, unix.ClockGettime(unix.CLOCK_MONOTONIC_COARSE, &now))
	return now
}

func TestTraceInNamespaces(t *testing.T) {
	testkit.RequireUserNamespaces(t)
	events, r := traceEvents(t, `
		C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE), nil)
		C.mount("tmpfs", "/tmp", "tmpfs", bit.bor(C.MS_NOSUID, C.MS_NODEV), "size=1M")
		local fs = C.fsopen("tmpfs", C.FSOPEN_CLOEXEC)
		C.fsconfig(fs, C.FSCONFIG_SET_STRING, "size", "1M", 0)
		C.fsconfig(fs, C.FSCONFIG_CMD_CREATE, nil, nil, 0)
		local mnt = C.fsmount(fs, C.FSMOUNT_CLOEXEC, bit.bor(C.MOUNT_ATTR_NODEV, C.MOUNT_ATTR_NOATIME))
		C.move_mount(mnt, "", C.AT_FDCWD, "/tmp", C.MOVE_MOUNT_F_EMPTY_PATH)
		C.sethostname("box")
		C.cap_set_proc("=")`,
		testkit.InUserNamespace(initscript.NewMount|initscript.NewPID|initscript.NewUTS),
		testkit.WithProgram("/bin/true"))
	want := []string{
		`2: mount(nil, "/", nil, MS_PRIVATE|MS_REC, nil) = 0`,
		`3: mount("tmpfs", "/tmp", "tmpfs", MS_NODEV|MS_NOSUID, "size=1M") = 0`,
		`4: fsopen("tmpfs", FSOPEN_CLOEXEC) = 5<fs tmpfs>`,
		`5: fsconfig(5<fs tmpfs>, FSCONFIG_SET_STRING, "size", "1M", 0) = 0`,
		`6: fsconfig(5<fs tmpfs>, FSCONFIG_CMD_CREATE, nil, nil, 0) = 0`,
		`7: fsmount(5<fs tmpfs>, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV|MOUNT_ATTR_NOATIME) = 6<mount of ` +
			`fs tmpfs>`,
		`8: move_mount(6<mount of fs tmpfs>, "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH) = 0`,
		`9: sethostname("box") = 0`,
		`10: cap_set_proc("=") = 0`,
	}
	if got := traceText(events); r.Err != nil || !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s\n%+v", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"), r)
	}
}

// The descriptors that a script begins with.
func TestTraceNamesInheritedDescriptors(t *testing.T) {
	passwd, err := os.Open("/etc/passwd")
	testkit.Must(t, err)
	defer passwd.Close()
	events, r := traceEvents(t, `C.dup(0) C.dup(3) C.dup(4) C.dup(5) C.dup2(5, 10)`,
		func(cmd *initscript.Cmd) {
			cmd.Arg, cmd.ExtraFiles = passwd, []*os.File{passwd}
		})
	want := []string{
		`1: dup(0</dev/null>) = 6</dev/null>`, `1: dup(3</dev/null>) = 7</dev/null>`,
		`1: dup(4</etc/passwd>) = 8</etc/passwd>`, `1: dup(5</etc/passwd>) = 9</etc/passwd>`,
		`1: dup2(5</etc/passwd>, 10) = 10</etc/passwd>`,
	}
	if got := traceText(events); r.Err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, want %q; %+v", got, want, r)
	}
}

// A script sees no descriptor and no global more than without.
func TestTraceLeavesNoDescriptor(t *testing.T) {
	const script = `errexit = false for fd = 0, 2000 do if C.fcntl(fd, C.F_GETFD) ~= -1 then S(fd) ` +
		`end end`
	_, traced := traceEvents(t, script)
	if plain := testkit.RunScript(t, script); !slices.Equal(plain.Sent, traced.Sent) ||
		len(plain.Sent) == 0 {
		t.Errorf("%q, and traced %q", plain.Sent, traced.Sent)
	}
}

// Without Cmd.Trace there is neither the memory nor anything between the script and its functions.
func TestTraceCostsNothingWhenOff(t *testing.T) {
	const script = `
		local mapped = false
		for line in io.lines("/proc/self/maps") do
			mapped = mapped or line:find("initscript trace", 1, true) ~= nil
		end
		S(mapped) S(debug.getupvalue(C.chdir, 1) ~= nil) S(debug.getupvalue(mode, 1) ~= nil)`
	if r := testkit.RunScript(t, script); !slices.Equal(r.Sent, []string{"false", "false", "false"}) {
		t.Errorf("%+v", r)
	}
	if _, r := traceEvents(t, script); !slices.Equal(r.Sent, []string{"true", "true", "true"}) {
		t.Errorf("traced: %+v", r)
	}
}

func TestTraceEventString(t *testing.T) {
	call := initscript.TraceEvent{
		ScriptName: "box.lua", Line: 3, Func: "open", Args: []string{`"/x"`, "O_RDONLY"},
		Results: []string{"-1"},
		Errno:   unix.ENOENT, End: initscript.TraceReturned, Start: 2 * time.Millisecond,
		Duration: 15 * time.Microsecond,
	}
	noErrno := call
	noErrno.Errno, noErrno.Results, noErrno.Line = 0, nil, 0
	odd := call
	odd.Errno = 4000
	late := call
	late.Lost, late.End = 2, initscript.TraceUnfinished
	for _, test := range []struct {
		event      initscript.TraceEvent
		text, json string
	}{
		{call, `box.lua:3: open("/x", O_RDONLY) = -1 ENOENT (no such file or directory) <15 us>`,
			`{"script":"box.lua","line":3,"func":"open","args":["\"/x\"","O_RDONLY"],` +
				`"results":["-1"],"errno":"ENOENT","end":"returned","start_us":2000,"us":15}`},
		{noErrno, `box.lua: open("/x", O_RDONLY) <15 us>`,
			`{"script":"box.lua","func":"open","args":["\"/x\"","O_RDONLY"],` +
				`"end":"returned","start_us":2000,"us":15}`},
		{odd, `box.lua:3: open("/x", O_RDONLY) = -1 errno 4000 (errno 4000) <15 us>`,
			`{"script":"box.lua","line":3,"func":"open","args":["\"/x\"","O_RDONLY"],` +
				`"results":["-1"],"errno":"errno 4000","end":"returned","start_us":2000,"us":15}`},
		{late, "box.lua: 2 calls lost\nbox.lua:3: open(\"/x\", O_RDONLY) = ?",
			`{"script":"box.lua","line":3,"func":"open","args":["\"/x\"","O_RDONLY"],` +
				`"results":["-1"],"errno":"ENOENT","end":"unfinished",` +
				`"start_us":2000,"us":15,"lost":2}`},
		{initscript.TraceEvent{ScriptName: "box.lua", Lost: 7}, "box.lua: 7 calls lost",
			`{"script":"box.lua","start_us":0,"us":0,"lost":7}`},
	} {
		encoded, err := json.Marshal(test.event)
		testkit.Must(t, err)
		if test.event.String() != test.text || string(encoded) != test.json {
			t.Errorf("got\n%s\n%s\nwant\n%s\n%s", test.event, encoded, test.text, test.json)
		}
	}
}

// failingWriter fails from the second Write on.
type failingWriter struct{ written []string }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.written = append(w.written, string(p)); len(w.written) > 1 {
		return 0, errors.New("full")
	}
	return len(p), nil
}

func TestTraceWriters(t *testing.T) {
	for name, make := range map[string]func(*failingWriter) func(initscript.TraceEvent){
		"s: f() = ?\n": func(w *failingWriter) func(initscript.TraceEvent) {
			return initscript.TraceText(w)
		},
		`{"script":"s","func":"f","end":"unfinished","start_us":0,"us":0}` +
			"\n": func(w *failingWriter) func(initscript.TraceEvent) { return initscript.TraceJSON(w) },
	} {
		var w failingWriter
		trace := make(&w)
		for range 4 {
			trace(initscript.TraceEvent{ScriptName: "s", Func: "f", End: initscript.TraceUnfinished})
		}
		if !slices.Equal(w.written, []string{name, name}) {
			t.Errorf("%q", w.written)
		}
	}
}

func TestTraceTakesPlaceOfOneExtraFile(t *testing.T) {
	null, err := os.Open(os.DevNull)
	testkit.Must(t, err)
	defer null.Close()
	cmd := testkit.Command(t, "")
	cmd.Trace = func(initscript.TraceEvent) {}
	cmd.ExtraFiles = slices.Repeat([]*os.File{null}, 242)
	testkit.Must(t, cmd.Run())
	cmd = testkit.Command(t, "")
	cmd.Trace = func(initscript.TraceEvent) {}
	cmd.ExtraFiles = slices.Repeat([]*os.File{null}, 243)
	var field *initscript.FieldError
	if err := cmd.Run(); !errors.As(err, &field) || field.Field != "ExtraFiles" {
		t.Errorf("%v", err)
	}
}
