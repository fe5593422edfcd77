package start_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

func TestServerIsKept(t *testing.T) {
	if first, second := testkit.TheServer(t), testkit.TheServer(t); first != second {
		t.Errorf("second start used server %d, the first %d", second, first)
	}
}

func TestServerIsRestarted(t *testing.T) {
	first := testkit.TheServer(t)
	testkit.KillAndAwait(t, first)
	if second := testkit.TheServer(t); second == first {
		t.Errorf("server %d is used after its death", first)
	}
}

func TestRenewServer(t *testing.T) {
	first := testkit.TheServer(t)
	cmd := testkit.Command(t, "", "cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	initscript.RenewServer()
	if err := testkit.Command(t, "").Run(); err != nil {
		t.Fatalf("run with the new server: %v", err)
	}
	pidfd := testkit.OpenPidfd(t, first)
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("a process of the old server ended with: %v", err)
	}
	testkit.AwaitDeath(t, pidfd) // with its last child
}

// A child that the kernel refuses to make must not keep its server, also if the host has lost
// interest in it before.
func TestRefusedStartIsForgotten(t *testing.T) {
	attr := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		attr.Credential = &syscall.Credential{Uid: testkit.OrdinaryID, Gid: testkit.OrdinaryID}
	}
	if !testkit.RunInSubprocess(t, attr) {
		return
	}
	pidfd := testkit.OpenPidfd(t, testkit.TheServer(t))
	cmd := testkit.Command(t, "")
	cmd.Namespaces = initscript.NewPID
	var refusal *initscript.NamespaceError
	if err := cmd.Run(); !errors.As(err, &refusal) || !errors.Is(err, unix.EPERM) {
		t.Fatalf("a PID namespace for an ordinary user: %v", err)
	}
	initscript.RenewServer()
	testkit.AwaitDeath(t, pidfd)

	pidfd = testkit.OpenPidfd(t, testkit.TheServer(t))
	syscall.Umask(0o137) // the start finds that the server is unlike the host, and takes another
	again := testkit.Command(t, "")
	again.Namespaces = initscript.NewPID
	if err := again.Run(); !errors.As(err, &refusal) {
		t.Fatalf("a PID namespace for an ordinary user: %v", err)
	}
	testkit.AwaitDeath(t, pidfd)
}

func TestServerDeathEndsChildren(t *testing.T) {
	scripts := map[string]string{
		"looping script": `S("ready") while true do end`,
		"program":        ``,
	}
	if os.Geteuid() == 0 {
		// The kernel clears the parent-death signal then.
		scripts["other credentials"] = `C.setresgid(1, 1, 1) C.setresuid(1, 1, 1)`
	}
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			host, arg := testkit.Socketpair(t)
			script := "local function S(x) C.write(arg, x) end " + script
			cmd := testkit.Command(t, script, "/bin/sh", "-c", "echo ready >&3; cat")
			cmd.Arg = arg
			cmd.ExtraFiles = []*os.File{arg}
			if _, err := cmd.StdinPipe(); err != nil {
				t.Fatal(err)
			}
			server := testkit.TheServer(t)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if n, err := host.Read(make([]byte, 10)); err != nil || n == 0 {
				t.Fatalf("not ready: %v", err)
			}
			pidfd := testkit.OpenPidfd(t, cmd.Process.Pid)
			testkit.KillAndAwait(t, server)
			testkit.AwaitDeath(t, pidfd)
			var serverError *initscript.ServerError
			if err := cmd.Wait(); !errors.As(err, &serverError) {
				t.Errorf("Wait: %v, want a *ServerError", err)
			}
		})
	}
}

// hostProgram is a process of its own that starts three children, says their pids, and waits.
func TestHostDeathLeavesNothing(t *testing.T) {
	if os.Getenv("INITSCRIPT_TEST_HOST") == "1" {
		beHost(t)
		return
	}
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			host := exec.Command("/proc/self/exe", "-test.run=^TestHostDeathLeavesNothing$")
			host.Env = append(os.Environ(), "INITSCRIPT_TEST_HOST=1")
			host.Stderr = os.Stderr
			stdout, err := host.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := host.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(stdout).ReadString('\n')
			if err != nil {
				t.Fatalf("the host said nothing: %v", err)
			}
			var pidfds []int
			for _, word := range strings.Fields(line) {
				pid, err := strconv.Atoi(word)
				if err != nil {
					t.Fatalf("host: %s", line)
				}
				pidfds = append(pidfds, testkit.OpenPidfd(t, pid))
			}
			if len(pidfds) < 3 {
				t.Fatalf("host: %s", line)
			}
			for _, server := range testkit.ServersOf(t, host.Process.Pid) {
				pidfds = append(pidfds, testkit.OpenPidfd(t, server))
			}
			host.Process.Signal(signal)
			host.Wait()
			for _, pidfd := range pidfds {
				testkit.AwaitDeath(t, pidfd)
			}
		})
	}
}

func beHost(t *testing.T) {
	var pids []int
	for _, script := range []string{
		``,
		`while true do end`,
		`if C.O_RDONLY == 0 then errexit = false C.setresuid(1, 1, 1) end`,
	} {
		cmd := testkit.Command(t, script, "sleep", "1000")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(script, "while") {
			if err := cmd.WaitScript(); err != nil {
				t.Fatal(err)
			}
		}
		pids = append(pids, cmd.Process.Pid)
	}
	fmt.Println(strings.Trim(fmt.Sprint(pids), "[]"))
	select {}
}

func TestServerHoldsNothingOfTheHost(t *testing.T) {
	server := testkit.TheServer(t)
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", server))
	if err != nil {
		t.Fatal(err)
	}
	kind := func(process, fd string) string {
		target, _ := os.Readlink("/proc/" + process + "/fd/" + fd)
		kind, _, _ := strings.Cut(target, ":[")
		return kind
	}
	var targets []string
	for _, entry := range entries {
		targets = append(targets, kind(strconv.Itoa(server), entry.Name()))
	}
	// The last are a signalfd, and what children see the end of the server by that cannot see its
	// number.
	want := []string{"/dev/null", "/dev/null", "/dev/null", "socket", "anon_inode", "pipe"}
	slices.Sort(want)
	slices.Sort(targets)
	if !slices.Equal(targets, want) {
		t.Errorf("descriptors of the server: %v, want %v", targets, want)
	}
	if cwd, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", server)); cwd != "/" {
		t.Errorf("working directory of the server: %s", cwd)
	}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", server))
	if err != nil {
		t.Fatal(err)
	}
	for entry := range strings.SplitSeq(strings.Trim(string(environ), "\x00"), "\x00") {
		if !strings.HasPrefix(entry, "INITSCRIPT_SERVER=") && !strings.HasPrefix(entry, "LD_") {
			t.Errorf("the server was given %q", entry)
		}
	}
}

// What leads from a child to the program's file, /proc/self/exe and the descriptor of the fork
// server, must not be a way to write to it (CVE-2019-5736).
func TestProgramFileIsOutOfReach(t *testing.T) {
	const (
		inPlace  = "file"
		readOnly = "/" // disconnected: the root of a mount in no namespace
		memfd    = "/memfd:initscript (deleted)"
	)
	ordinary := &syscall.Credential{Uid: testkit.OrdinaryID, Gid: testkit.OrdinaryID}
	tests := []struct {
		name       string
		owner      int
		mode       uint32
		credential *syscall.Credential
		want       string
	}{
		{"root", 0, 0o755, nil, readOnly},
		{"root, a set-user-ID file", 0, 0o4755, nil, readOnly},
		{"a user and root's file", 0, 0o755, ordinary, inPlace},
		{"a user and root's file for all to write", 0, 0o757, ordinary, memfd},
		{"a user and root's file for a group to write", 0, 0o775, ordinary, memfd},
		{"a user and their file", testkit.OrdinaryID, 0o555, ordinary, memfd},
		{"a user and another's file", testkit.OrdinaryID + 1, 0o755, ordinary, memfd},
	}
	if marker := os.Getenv("INITSCRIPT_TEST_PROGRAM"); marker != "" {
		checkProgramFile(t, marker)
		return
	}
	if os.Geteuid() != 0 { // who can try with this file only
		if !testkit.RunInSubprocess(t, nil) { // where nothing has needed a copy before
			return
		}
		var status unix.Stat_t
		testkit.Must(t, unix.Stat("/proc/self/exe", &status))
		want := memfd
		if status.Uid == 0 && status.Mode&0o022 == 0 {
			program, err := os.Readlink("/proc/self/exe")
			testkit.Must(t, err)
			want = program
		}
		checkProgramFile(t, want)
		return
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			directory, err := os.MkdirTemp("", "initscript-test-")
			testkit.Must(t, err)
			defer os.RemoveAll(directory)
			testkit.Must(t, os.Chmod(directory, 0o755))
			program := filepath.Join(directory, "program")
			copyProgramTo(t, program)
			testkit.Must(t, os.Chown(program, test.owner, test.owner))
			testkit.Must(t, syscall.Chmod(program, test.mode))
			want := test.want
			switch {
			case want == inPlace:
				want = program
			case want == readOnly && !mountsAreAllowed():
				want = memfd
			}
			cmd := exec.Command(program, "-test.run=^TestProgramFileIsOutOfReach$", "-test.v")
			cmd.Dir = directory
			cmd.Env = append(os.Environ(), "INITSCRIPT_TEST_PROGRAM="+want)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: test.credential}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func checkProgramFile(t *testing.T, want string) {
	r := testkit.RunScript(t, `
		errexit = false
		for _, flags in ipairs{C.O_WRONLY, C.O_RDWR, bit.bor(C.O_WRONLY, C.O_TRUNC)} do
			local fd, e = C.open("/proc/self/exe", flags) S(fd .. " " .. e)
		end
		local stat = C.read(C.open("/proc/self/stat", C.O_RDONLY), 10)
		local f = io.popen("readlink /proc/" .. stat:match("%d+") .. "/exe")
		S(f:read("*l"))`)
	if r.Err != nil || len(r.Sent) != 4 {
		t.Fatalf("%+v", r)
	}
	// As long as the file is executed, most attempts fail with ETXTBSY. The last comes to what lasts.
	last := map[string]syscall.Errno{"/": unix.EROFS, "/memfd:initscript (deleted)": unix.ETXTBSY}[want]
	if last == 0 {
		last = unix.EACCES
	}
	for i, opened := range r.Sent[:3] {
		if !strings.HasPrefix(opened, "-1 ") || i == 2 && opened != fmt.Sprintf("-1 %d", last) {
			t.Errorf("open for writing: %s", opened)
		}
	}
	if r.Sent[3] != want {
		t.Errorf("/proc/self/exe is %s, want %s", r.Sent[3], want)
	}
}

func mountsAreAllowed() bool {
	tree, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return false
	}
	defer unix.Close(tree)
	attributes := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	return unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &attributes) == nil
}

func copyProgramTo(t *testing.T, path string) {
	t.Helper()
	source, err := os.Open("/proc/self/exe")
	testkit.Must(t, err)
	defer source.Close()
	target, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	testkit.Must(t, err)
	_, err = io.Copy(target, source)
	testkit.Must(t, errors.Join(err, target.Close()))
}
