package confine_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
	"github.com/go-initscript/initscript/internal/threadtest"
	"golang.org/x/sys/unix"
)

// What cannot be run at all is an error, and changes nothing: also not in the test's own process.
func TestConfineErrors(t *testing.T) {
	closed, err := os.Open("/dev/null")
	testkit.Must(t, err)
	closed.Close()
	tests := []struct {
		name        string
		confinement initscript.Confinement
		want        string
	}{
		{"syntax", initscript.Confinement{Script: "set_no_new_privs()\nlocal = 1"},
			"init.script:2: '<name>' expected near '='"},
		{"named script", initscript.Confinement{Script: "x x", ScriptName: "jail.lua"},
			"jail.lua:1: '=' expected near 'x'"},
		{"bytecode", initscript.Confinement{Script: "\x1bLJ\x02"},
			"init.script: attempt to load chunk with wrong mode"},
		{"NUL byte", initscript.Confinement{Script: "set_no_new_privs()\n\x00"},
			"Script: init.script:2: NUL byte: not a Lua source text"},
		{"name with NUL byte", initscript.Confinement{ScriptName: "a\x00b"},
			`ScriptName: "a\x00b" contains a NUL byte`},
		{"negative limit", initscript.Confinement{MemoryLimit: -1}, "MemoryLimit: -1 is negative"},
		{"no memory to compile it", initscript.Confinement{Script: "local x = '" +
			strings.Repeat("x", 8<<20) + "'", MemoryLimit: 1 << 20}, "init.script: not enough memory"},
		{"closed arg", initscript.Confinement{Arg: closed}, "Arg: is nil or closed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := threadState(t, fmt.Sprint(os.Getpid()))
			err := test.confinement.Apply()
			if err == nil || err.Error() != test.want {
				t.Errorf("%v, want %s", err, test.want)
			}
			var scriptError *initscript.ScriptError
			var fieldError *initscript.FieldError
			if !errors.As(err, &scriptError) && !errors.As(err, &fieldError) {
				t.Errorf("type %T", err)
			}
			if after := threadState(t, fmt.Sprint(os.Getpid())); !maps.Equal(after, before) {
				t.Errorf("from %v to %v", before, after)
			}
		})
	}
}

func TestConfineWithoutDescriptors(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	testkit.Must(t, initscript.Confine("", nil))
	var limit syscall.Rlimit
	testkit.Must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	limit.Cur = 3
	testkit.Must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	var setupError *initscript.SetupError
	if err := initscript.Confine("", nil); !errors.As(err, &setupError) || !errors.Is(err, unix.EMFILE) {
		t.Errorf("%v", err)
	}
}

const restrictMakeDir = `C.landlock_restrict_self((C.landlock_create_ruleset({handled_access_fs = ` +
	`{'make_dir'}})))`

// A script that fails while it runs takes the process with it, whatever it has done before.
func TestConfineFailureEndsProcess(t *testing.T) {
	const own = "<3>ipc_actor/init"
	tests := []struct {
		name, script, stderr string
	}{
		{"call", `set_no_new_privs() C.mkdir('/dev/null/x', 0)`,
			own + "/mkdir: Not a directory\nstack traceback:\n\tinit.script:1: in main chunk\n"},
		{"call by every thread", `C.cap_set_secbits(-1)`,
			own + "/cap_set_secbits: Operation not permitted\nstack traceback:\n\tinit.script:1: in " +
				"main chunk\n"},
		{"Lua error", `print('said') error('no', 0)`, own + "/script: no\n"},
		{"error that is no string", `error({})`, own + "/script: (error object is a table value)\n"},
		{"helper", `receive_with_fd(-1, 1)`, own + ": Bad file descriptor\n"},
		{"wrong shape", `C.cap_set_proc('nonsense')`, own + "/cap_set_proc: Invalid argument\n"},
		{"wrong shape in a tail call", `return C.setgroups({'x'})`,
			own + "/setgroups: Invalid argument\n"},
		{"memory", `local t = {} while true do t[#t + 1] = string.rep('x', 1e6) .. #t end`,
			own + "/alloc: Cannot allocate memory\n"},
		{"unshare", `C.unshare(C.CLONE_NEWNS)`,
			own + "/unshare: would change one thread only: not possible in a running program\n" +
				own + "/unshare: Operation not supported\nstack traceback:\n\tinit.script:1: in main " +
				"chunk\n"},
		{"setns", `C.setns(C.open('/proc/self/ns/net', 0), 0)`,
			own + "/setns: would change one thread only: not possible in a running program\n" +
				own + "/setns: Operation not supported\nstack traceback:\n\tinit.script:1: in main " +
				"chunk\n"},
		{"execve", `C.execve('/bin/true', {}, {})`,
			own + "/execve: would end the running program with all its threads: start a child " +
				"instead\n" +
				own + "/execve: Operation not supported\nstack traceback:\n\tinit.script:1: in main " +
				"chunk\n"},
		{"fexecve", `C.fexecve(0, {}, {})`,
			own + "/fexecve: would end the running program with all its threads: start a child " +
				"instead\n" +
				own + "/fexecve: Operation not supported\nstack traceback:\n\tinit.script:1: in main " +
				"chunk\n"},
		{"no answer", testkit.Install(testkit.Filter(unix.SYS_RECVMSG,
			unix.SECCOMP_RET_ERRNO|uint32(unix.EDOM))) + ` errexit = false ` + restrictMakeDir,
			own + ": not every thread could be confined\n"},
		{"no question", testkit.Install(testkit.Filter(unix.SYS_SENDMSG,
			unix.SECCOMP_RET_ERRNO|uint32(unix.EDOM))) + ` ` + restrictMakeDir,
			own + "/landlock_restrict_self: Numerical argument out of domain\nstack " +
				"traceback:\n\tinit.script:1: in main chunk\n"},
		{"finalizer", `local p = newproxy(true) getmetatable(p).__gc = function() ` +
			`C.mkdir('/dev/null/x', 0) end`,
			own + "/mkdir: Not a directory\nstack traceback:\n\tinit.script:1: in function " +
				"<init.script:1>\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if os.Getenv(testkit.SubprocessMarker) == t.Name() {
				err := initscript.Confine(test.script, nil)
				fmt.Fprintln(os.Stderr, "returned:", err)
				os.Exit(3)
			}
			cmd := exec.Command("/proc/self/exe",
				"-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
			cmd.Env = append(os.Environ(), testkit.SubprocessMarker+"="+t.Name())
			if os.Geteuid() == 0 {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{
					Uid: testkit.OrdinaryID, Gid: testkit.OrdinaryID,
				}}
			}
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			if cmd.ProcessState.ExitCode() != 1 || stderr.String() != test.stderr {
				t.Errorf("%v, stderr %q, want %q", err, stderr.String(), test.stderr)
			}
			if test.name == "Lua error" && stdout.String() != "said\n" {
				t.Errorf("stdout %q", stdout.String())
			}
		})
	}
}

// Where a filter refuses messages, all that needs no descriptor still reaches every thread: another
// filter too.
func TestConfineWithoutMessages(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	threads := startThreads(t)
	refuse := testkit.CompilePolicy("default_action: allow\nrules: [{names: [sendmsg, recvmsg, " +
		"sendto, recvfrom, write, read, close], " +
		"action: {errno: EDOM}}]")
	// The Go runtime itself needs some of these to wait for files: nothing here does until the checks.
	testkit.Must(t, initscript.Confine(testkit.Install(refuse)+` C.prctl(C.PR_SET_TIMERSLACK, 54321) `+
		testkit.Install(refuseSysinfo), nil))
	for _, thread := range append(threads, startThreads(t)...) {
		for _, call := range []threadCall{threadReads(unix.PR_GET_TIMERSLACK, "54321"), askingSysinfo} {
			if got := call.try(thread); got != call.want {
				t.Errorf("%s thread: system call %d: %s, want %s", thread.Kind, call.number, got,
					call.want)
			}
		}
	}
}

// The listener of a filter that every thread gets is the script's alone: the program never has it,
// and so cannot be the judge of itself.
func TestConfineListener(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	testkit.Must(t, initscript.Confine("", nil)) // makes the sealed copy of the program
	host, arg := testkit.Socketpair(t)
	startThreads(t)
	startThreads(t)
	before := descriptorTable(t)
	testkit.Must(t, initscript.Confine(`set_no_new_privs() send_with_fd(arg, 'listener', `+
		`(C.seccomp_set_mode_filter(`+
		testkit.Filter(unix.SYS_SYSINFO, unix.SECCOMP_RET_USER_NOTIF)+`, {'new_listener'})))`, arg))
	if now := descriptorTable(t); !maps.Equal(now, before) {
		t.Errorf("before: %v\nafter: %v", before, now)
	}
	checkAllThreads(t, map[string]string{"Seccomp": "2", "NoNewPrivs": "1"})
	listener := testkit.ReceiveListener(t, host)
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", listener))
	if err != nil || name != "anon_inode:seccomp notify" {
		t.Errorf("%s, %v", name, err)
	}
}

// As with Linux 7.0, which a supervisor plays here: a ruleset is applied by one system call, that
// has all threads restricted, and none is stopped.
func TestConfineLandlockAtOnce(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	const abi, tsync, logOff = 8, 1 << 3, 1 << 2
	host, arg := testkit.Socketpair(t)
	policy := testkit.CompilePolicy("default_action: allow\nrules:\n- {names: " +
		"[landlock_restrict_self], action: user_notif}\n" +
		"- {names: [landlock_create_ruleset], action: user_notif, args: [{arg: 2, width: 64, eq: 1}]}")
	testkit.Must(t, initscript.Confine(`set_no_new_privs() `+
		`send_with_fd(arg, 'listener', (C.seccomp_set_mode_filter(`+policy+`, {'new_listener'})))`, arg))
	listener := testkit.ReceiveListener(t, host)
	restrictions := make(chan testkit.Notification, threadsOfAKind)
	go func() {
		for {
			var call testkit.Notification
			if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener),
				unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&call))); errno != 0 {
				return
			}
			answer := testkit.Response{ID: call.ID}
			if call.Number == unix.SYS_LANDLOCK_CREATE_RULESET {
				answer.Value = abi
			} else {
				restrictions <- call
			}
			unix.Syscall(unix.SYS_IOCTL, uintptr(listener),
				unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&answer)))
		}
	}()
	before := descriptorTable(t)
	testkit.Must(t, initscript.Confine(`C.landlock_restrict_self((C.landlock_create_ruleset(`+
		`{handled_access_fs = {'make_dir'}})), {'log_subdomains_off'})`, nil))
	if len(restrictions) != 1 {
		t.Fatalf("%d calls", len(restrictions))
	}
	if call := <-restrictions; call.Args[1] != tsync|logOff {
		t.Errorf("flags %#x", call.Args[1])
	}
	if now := descriptorTable(t); !maps.Equal(now, before) {
		t.Errorf("before: %v\nafter: %v", before, now)
	}
}

// A process that has no room for one more descriptor is not restricted, and is told so.
func TestConfineWithoutRoomForRuleset(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	testkit.Must(t, initscript.Confine(fmt.Sprintf(`
		set_no_new_privs()
		local ruleset = C.landlock_create_ruleset({handled_access_fs = {'make_dir'}})
		local soft, hard = C.getrlimit(C.RLIMIT_NOFILE)
		C.setrlimit(C.RLIMIT_NOFILE, 3, hard)
		errexit = false
		local r, e
		repeat -- what other processes of an ordinary user have under way counts too, while it is
			r, e = C.landlock_restrict_self(ruleset)
		until e ~= %d
		assert(r == -1 and e == C.EMFILE, e)
		errexit = true
		C.setrlimit(C.RLIMIT_NOFILE, soft, hard)
		C.mkdir('/tmp/initscript-room', 448)
		C.rmdir('/tmp/initscript-room')
		C.landlock_restrict_self(ruleset)
		errexit = false
		assert(select(2, C.mkdir('/tmp/initscript-room', 448)) == C.EACCES)`,
		unix.ETOOMANYREFS), nil))
}

// Without a ruleset landlock_restrict_self changes flags only.
func TestConfineWithoutRuleset(t *testing.T) {
	testkit.RequireLandlockABI(t, 7)
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	testkit.Must(t, initscript.Confine(`
		set_no_new_privs()
		C.landlock_restrict_self(-1, {'log_subdomains_off'})
		C.mkdir('/tmp/initscript-free', 448)
		C.rmdir('/tmp/initscript-free')`, nil))
}

// The script can do what it likes with descriptors: they are its own.
func TestConfineDescriptors(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	testkit.Must(t, initscript.Confine("", nil)) // makes the sealed copy of the program
	host, arg := testkit.Socketpair(t)
	_, err := host.Write([]byte("hello"))
	testkit.Must(t, err)
	before := descriptorTable(t)
	testkit.Must(t, initscript.Confine(`
		assert(arg == 4 and C.read(arg, 10) == 'hello')
		C.write(arg, 'one')
		local null = C.open('/dev/null', C.O_RDWR)
		errexit = false
		for fd = 5, 200 do C.dup2(null, fd) end
		errexit = true
		C.write(arg, 'two')
		set_no_new_privs() -- still reaches every thread
		C.landlock_restrict_self((C.landlock_create_ruleset({handled_access_fs = {'make_dir'}})))
		C.closefrom(0)
		C.prctl(C.PR_SET_TIMERSLACK, 50001)
		errexit = false
		assert(select(2, C.write(4, 'three')) == `+fmt.Sprint(int(unix.EBADF))+`)
		assert(C.open('/', C.O_PATH) == 0)`, arg))
	if now := descriptorTable(t); fmt.Sprint(now) != fmt.Sprint(before) {
		t.Errorf("before: %v\nafter: %v", before, now)
	}
	_, err = arg.Write([]byte("from the host"))
	testkit.Must(t, err)
	arg.Close()
	if got := testkit.ReceiveAll(t, host); fmt.Sprint(got) != "[one two from the host]" {
		t.Errorf("%q", got)
	}
	if state := threadState(t, fmt.Sprint(os.Getpid())); state["NoNewPrivs"] != "1" {
		t.Errorf("%v", state)
	}
}

// arg may be any descriptor.
func TestConfineArg(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	for fd := range 12 {
		reader, writer, err := os.Pipe()
		testkit.Must(t, err)
		saved, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 100)
		if err != nil {
			saved = -1
		}
		flags, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if int(writer.Fd()) == fd || int(reader.Fd()) == fd {
			continue
		}
		if saved >= 0 && fd > 2 {
			unix.Close(saved) // not ours to replace: the runtime may use it
			continue
		}
		testkit.Must(t, unix.Dup3(int(writer.Fd()), fd, unix.O_CLOEXEC))
		testkit.Must(t, initscript.Confine(`C.write(arg, 'to arg')`, os.NewFile(uintptr(fd), "arg")))
		if saved >= 0 {
			testkit.Must(t, unix.Dup3(saved, fd, flags&unix.O_CLOEXEC))
			unix.Close(saved)
		}
		got := make([]byte, 100)
		n, err := reader.Read(got)
		if err != nil || string(got[:n]) != "to arg" {
			t.Errorf("as %d: %q, %v", fd, got[:n], err)
		}
	}
}

func TestConfineOutputIsFlushed(t *testing.T) {
	if os.Getenv(testkit.SubprocessMarker) == t.Name() {
		testkit.Must(t, initscript.Confine(`io.write('no newline')`, nil))
		syscall.Exit(0)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), testkit.SubprocessMarker+"="+t.Name())
	if out, err := cmd.Output(); err != nil || string(out) != "no newline" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestConfineScriptExits(t *testing.T) {
	if os.Getenv(testkit.SubprocessMarker) == t.Name() {
		testkit.Must(t, initscript.Confine(`io.write('the end') os.exit(7)`, nil))
		syscall.Exit(0)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), testkit.SubprocessMarker+"="+t.Name())
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != 7 || string(out) != "the end" {
		t.Errorf("%q, %v", out, err)
	}
}

// What is not open in the program is not open for the script: no descriptor of the launcher has its
// number.
func TestConfineWithoutStandardStreams(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	testkit.Must(t, initscript.Confine("", nil)) // makes the sealed copy of the program
	var saved [3]int
	for fd := range saved {
		var err error
		saved[fd], err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 100)
		testkit.Must(t, err)
		testkit.Must(t, unix.Close(fd))
	}
	result := initscript.Confine(`
		errexit = false
		for fd = 0, 2 do
			local written, e = C.write(fd, string.rep('\0', 64))
			if written ~= -1 or e ~= C.EBADF then os.exit(10 + fd) end
		end
		errexit = true
		set_no_new_privs()`, nil)
	for fd := range saved {
		testkit.Must(t, unix.Dup3(saved[fd], fd, 0))
	}
	testkit.Must(t, result)
	checkThreadStatus(t, "main thread", os.Getpid(), map[string]string{"NoNewPrivs": "1"})
}

// Every thread makes the call while others come and go, collect garbage, and change ids.
func TestConfineAmongBusyThreads(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	var busy sync.WaitGroup
	stop := make(chan struct{})
	keepDoing := func(something func()) {
		busy.Add(1)
		go func() {
			defer busy.Done()
			for {
				select {
				case <-stop:
					return
				default:
					something()
				}
			}
		}()
	}
	keepDoing(func() { threadtest.NewGo().Stop() })
	keepDoing(func() {
		thread, err := threadtest.NewC()
		if err != nil {
			t.Errorf("thread: %v", err)
			return
		}
		thread.Stop()
	})
	keepDoing(func() { _ = make([]byte, 1<<20) })
	keepDoing(func() {
		if err := syscall.Setresgid(-1, -1, -1); err != nil { // by libc, with the same signal
			t.Errorf("setresgid: %v", err)
		}
	})
	keepDoing(func() {
		if err := exec.Command("/bin/true").Run(); err != nil {
			t.Errorf("os/exec: %v", err)
		}
	})
	threads := startThreads(t)
	for i := range 40 {
		slack := fmt.Sprint(60000 + i)
		testkit.Must(t, initscript.Confine(`C.prctl(C.PR_SET_TIMERSLACK, 1) `+
			`C.prctl(C.PR_SET_TIMERSLACK, `+slack+`)`, nil))
		for _, thread := range threads {
			if got := threadReads(unix.PR_GET_TIMERSLACK, "").try(thread); got != slack {
				t.Fatalf("round %d: %s thread has %s, want %s", i, thread.Kind, got, slack)
			}
		}
		for _, id := range threadIDs(t) {
			got, err := os.ReadFile("/proc/" + id + "/timerslack_ns")
			if err != nil { // ended meanwhile; or not ours to read without CAP_SYS_NICE
				continue
			}
			if strings.TrimSpace(string(got)) != slack {
				t.Fatalf("round %d: thread %s has %s, want %s", i, id, got, slack)
			}
		}
	}
	close(stop)
	busy.Wait()
}

// A thread that cannot be reached makes the call fail, not hang, and nothing has changed.
func TestConfineUnreachableThread(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	thread, err := threadtest.NewC()
	testkit.Must(t, err)
	mask := uint64(1) << (33 - 1)
	address := addressOf(string(binary.NativeEndian.AppendUint64(nil, mask)))
	if _, errno := thread.Syscall(unix.SYS_RT_SIGPROCMASK, unix.SIG_BLOCK, address, 0, 8); errno != 0 {
		t.Fatal(errno)
	}
	testkit.Must(t, initscript.Confine(`errexit = false local r, e = set_no_new_privs() assert(r == `+
		`-1 and e == `+fmt.Sprint(int(unix.ETIMEDOUT))+`, e)`, nil))
	for _, id := range threadIDs(t) {
		if state := threadState(t, id); state != nil && state["NoNewPrivs"] != "0" {
			t.Errorf("thread %s: %v", id, state)
		}
	}
	if _, errno := thread.Syscall(unix.SYS_RT_SIGPROCMASK, unix.SIG_UNBLOCK, address, 0, 8); errno != 0 {
		t.Fatal(errno)
	}
	testkit.Must(t, initscript.Confine(`set_no_new_privs()`, nil))
	checkThreadStatus(t, "the same thread", thread.ID, map[string]string{"NoNewPrivs": "1"})
}

// A thread with a filter of its own cannot get that of the script; then nobody gets it.
func TestConfineThreadWithOwnFilter(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	before := threadState(t, fmt.Sprint(os.Getpid()))["Seccomp_filters"] // a container's
	thread, err := threadtest.NewC()
	testkit.Must(t, err)
	allow := addressOf("\x06\x00\x00\x00\x00\x00\xff\x7f")
	program := binary.NativeEndian.AppendUint64(nil, 0)
	binary.NativeEndian.PutUint16(program, 1)
	program = binary.NativeEndian.AppendUint64(program, uint64(allow))
	for _, arguments := range [][]uintptr{
		{unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0},
		{unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, addressOf(string(program))},
	} {
		if _, errno := thread.Syscall(unix.SYS_PRCTL, arguments...); errno != 0 {
			t.Fatal(errno)
		}
	}
	testkit.Must(t, initscript.Confine(`set_no_new_privs() errexit = false `+
		`local r, e = C.seccomp_set_mode_filter(`+refuseSysinfo+`) assert(r == -1 and e == C.ESRCH, e)`,
		nil))
	for _, id := range threadIDs(t) {
		if state := threadState(t, id); state != nil && id != fmt.Sprint(thread.ID) &&
			state["Seccomp_filters"] != before {
			t.Errorf("thread %s: %v", id, state)
		}
	}
}

// As in a container with the usual profile.
func TestConfineWithoutUnshare(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	refuse := testkit.CompilePolicy("default_action: allow\nrules: [{names: [unshare], action: " +
		"{errno: EPERM}}]")
	testkit.Must(t, initscript.Confine(testkit.Install(refuse), nil))
	if err := unix.Unshare(unix.CLONE_FS); err != unix.EPERM {
		t.Fatalf("unshare: %v", err)
	}
	testkit.Must(t, initscript.Confine(`C.closefrom(3) C.seccomp_set_mode_filter(`+refuseSysinfo+`)`,
		nil))
	if got := askingSysinfo.try(startThreads(t)[0]); got != askingSysinfo.want {
		t.Error(got)
	}
}

// No file on which the confinement depends is opened when it is too late.
func TestConfineWithoutProc(t *testing.T) {
	testkit.RequireRoot(t)
	testkit.RequireNamespacesForSubprocess(t, initscript.NewMount)
	if !testkit.RunInSubprocess(t, &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}) {
		return
	}
	testkit.Must(t, syscall.Mount("none", "/proc", "tmpfs", 0, ""))
	testkit.Must(t, initscript.Confine(`errexit = false local r, e = set_no_new_privs() assert(r == `+
		`-1 and e == `+fmt.Sprint(int(unix.ENOENT))+`, e)`, nil))
	testkit.Must(t, initscript.Confine(`C.umask(63)`, nil)) // needs no other thread
	testkit.Must(t, initscript.Confine(`C.seccomp_set_mode_filter(`+refuseSysinfo+`)`, nil))
	for _, thread := range startThreads(t) {
		if got := askingSysinfo.try(thread); got != askingSysinfo.want {
			t.Errorf("%s thread: %s", thread.Kind, got)
		}
	}
	if err := testkit.Command(t, "").Run(); err == nil ||
		!strings.Contains(err.Error(), "/proc/self/exe") {
		t.Errorf("start of a child: %v", err)
	}
}
