package start_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/ffitest"
	"golang.org/x/sys/unix"
)

func init() {
	initscript.Register("outlive", func(*initscript.Self) error {
		fmt.Println("here")
		testkit.WaitForEver()
		return nil
	})
}

const (
	outliveMarker = "INITSCRIPT_TEST_OUTLIVE" // names the namespaces of a host of children
	hereAndWait   = `C.write(1, "here\n") C.read(0, 1) `
	callSetuid    = `local ffi = require "ffi" ffi.cdef "int setuid(unsigned)" ffi.C.setuid(%d) `
)

// outliveChange is how a script loses the signal that ends it with its server.
type outliveChange struct {
	name, script string
	asRoot       bool // outside of a user namespace
	namespaces   initscript.Namespaces
	afterScript  bool // only then the signal is there again
}

func outliveChanges(t *testing.T) []outliveChange {
	all := []outliveChange{
		{name: "nothing"},
		{name: "setresuid", script: `C.setresuid(65534, 65534, 65534) `, asRoot: true},
		{name: "setresgid", script: `C.setgroups({}) C.setresgid(1000, 1000, 1000) `, asRoot: true},
		{name: "there and back", asRoot: true,
			script: `C.setresuid(-1, 65534, -1) C.setresuid(-1, 0, -1) `},
		{name: "capabilities", script: `set_no_new_privs() C.cap_set_proc("=") `, asRoot: true},
		{name: "user namespace", namespaces: initscript.NewUser},
		{name: "unshare", script: `C.unshare(C.CLONE_NEWUSER) `},
		{name: "prctl", script: `C.prctl(C.PR_SET_PDEATHSIG, 0) `, afterScript: true},
		{name: "ffi", script: fmt.Sprintf(callSetuid, 65534), asRoot: true, afterScript: true},
	}
	var possible []outliveChange
	for _, change := range all {
		lacksFFI := strings.Contains(change.script, "ffi") && ffitest.Static(t)
		if (os.Geteuid() == 0 || !change.asRoot) && !lacksFFI {
			possible = append(possible, change)
		}
	}
	return possible
}

// outliveBoxes start something that says "here", and then only waits.
var outliveBoxes = []struct {
	name  string
	start func(box *initscript.Cmd) error
}{
	{"script", func(box *initscript.Cmd) error {
		box.Script += hereAndWait
		return box.Start()
	}},
	{"program", func(box *initscript.Cmd) error {
		box.Path, box.Args = "/bin/sh", []string{"sh", "-c", "echo here; read x"}
		return box.Start()
	}},
	{"program of the script", func(box *initscript.Cmd) error {
		box.Script += `C.execve("/bin/sh", {"sh", "-c", "echo here; read x"}, {})`
		return box.Start()
	}},
	{"actor in Go", func(box *initscript.Cmd) error {
		return spawnOutliving(box, initscript.Actor{Entry: "outlive"})
	}},
	{"actor in Lua", func(box *initscript.Cmd) error {
		const module = `print("here") io.stdout:flush() io.read()`
		return spawnOutliving(box, initscript.Actor{ModuleSource: module})
	}},
}

func spawnOutliving(box *initscript.Cmd, actor initscript.Actor) error {
	actor.Script, actor.Namespaces = box.Script, box.Namespaces
	actor.UIDMap, actor.GIDMap = box.UIDMap, box.GIDMap
	actor.Stdin, actor.Stdout = box.Stdin, box.Stdout
	_, err := initscript.Spawn(context.Background(), actor)
	return err
}

type outliveCase struct {
	name   string
	change outliveChange
	start  func(box *initscript.Cmd) error
}

func outliveCases(t *testing.T) (cases []outliveCase) {
	for _, change := range outliveChanges(t) {
		for _, box := range outliveBoxes {
			if box.name != "script" || !change.afterScript {
				cases = append(cases, outliveCase{change.name + ", " + box.name, change, box.start})
			}
		}
	}
	return cases
}

// Nothing outlives its host, whatever it has done before, whether the server can still see to that, and
// where host and server end at the same time.
func TestNothingOutlivesItsHost(t *testing.T) {
	if order := os.Getenv(outliveMarker); order != "" {
		beHostOfBoxes(t, order == "pid")
	}
	testkit.RequireUserNamespaces(t)
	ways := []struct {
		name    string
		signals func(host, server int) []func() error
	}{
		{"host", func(host, server int) []func() error {
			return []func() error{killer(host, unix.SIGKILL)}
		}},
		{"server", func(host, server int) []func() error {
			return []func() error{killer(server, unix.SIGKILL)}
		}},
		{"both", func(host, server int) []func() error {
			return []func() error{killer(host, unix.SIGKILL), killer(server, unix.SIGKILL)}
		}},
		{"both, a stopped server", func(host, server int) []func() error {
			return []func() error{
				killer(server, unix.SIGSTOP), killer(host, unix.SIGKILL), killer(server, unix.SIGKILL),
			}
		}},
	}
	for _, namespaces := range []string{"none", "pid"} {
		for _, way := range ways {
			t.Run(way.name+", "+namespaces, func(t *testing.T) {
				host, boxes := startHostOfBoxes(t, namespaces)
				servers := testkit.ServersOf(t, host)
				if len(servers) != 1 {
					t.Fatalf("servers: %v", servers)
				}
				for _, send := range way.signals(host, servers[0]) {
					testkit.Must(t, send())
				}
				awaitEnds(t, boxes)
			})
		}
	}
}

// awaitEnds waits for all at once: what comes after one that has outlived its host is not to blame.
func awaitEnds(t *testing.T, boxes []*os.File) {
	t.Helper()
	var group sync.WaitGroup
	deadline := time.Now().Add(testkit.Timeout)
	for i, c := range outliveCases(t) {
		boxes[i].SetReadDeadline(deadline)
		group.Go(func() {
			if rest, err := io.ReadAll(boxes[i]); err != nil {
				t.Errorf("%s: %q, %v", c.name, rest, err)
			}
		})
	}
	group.Wait()
}

func killer(pid int, signal unix.Signal) func() error {
	return func() error { return unix.Kill(pid, signal) }
}

// startHostOfBoxes returns the pid of a host, and for each of its boxes a pipe that ends with it. All
// boxes have said that they are there.
func startHostOfBoxes(t *testing.T, namespaces string) (host int, boxes []*os.File) {
	t.Helper()
	stdin, never, err := os.Pipe()
	testkit.Must(t, err)
	t.Cleanup(func() { never.Close() })
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestNothingOutlivesItsHost$")
	cmd.Env = append(os.Environ(), outliveMarker+"="+namespaces)
	cmd.Stdin = stdin
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // to end what is left, if something is
	for range outliveCases(t) {
		ours, theirs, err := os.Pipe()
		testkit.Must(t, err)
		t.Cleanup(func() { ours.Close() })
		cmd.ExtraFiles = append(cmd.ExtraFiles, theirs)
		boxes = append(boxes, ours)
	}
	testkit.Must(t, cmd.Start())
	t.Cleanup(func() {
		unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		cmd.Wait()
	})
	stdin.Close()
	for _, theirs := range cmd.ExtraFiles {
		theirs.Close()
	}
	for i, c := range outliveCases(t) {
		boxes[i].SetReadDeadline(time.Now().Add(testkit.Timeout))
		if line, err := bufio.NewReader(boxes[i]).ReadString('\n'); line != "here\n" {
			t.Fatalf("%s: %q, %v", c.name, line, err)
		}
	}
	return cmd.Process.Pid, boxes
}

func beHostOfBoxes(t *testing.T, ownPIDs bool) {
	for i, c := range outliveCases(t) {
		unix.CloseOnExec(3 + i)
		stdout := os.NewFile(uintptr(3+i), c.name)
		box := &initscript.Cmd{Script: c.change.script, Stdin: os.Stdin, Stdout: stdout}
		box.Namespaces = c.change.namespaces
		if ownPIDs {
			box.Namespaces |= initscript.NewPID
		}
		if box.Namespaces&initscript.NewUser != 0 || box.Namespaces != 0 && os.Geteuid() != 0 {
			testkit.InUserNamespace(box.Namespaces)(box)
		}
		if err := c.start(box); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		stdout.Close()
	}
	testkit.WaitForEver() // a host that came back would be the test once more
}
