package start_test

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// A server can be killed when a child is born and has not yet asked for a signal at its parent's
// death. The child must not go on, not even where it cannot see its parent: the host has no
// descriptor of it.
func TestServerKilledAtABirth(t *testing.T) {
	testkit.RequireRoot(t) // to trace a server
	for _, namespaces := range []initscript.Namespaces{0, initscript.NewPID} {
		t.Run(fmt.Sprintf("namespaces %q", namespaces), func(t *testing.T) {
			testkit.RequireNamespacesForSubprocess(t, namespaces)
			if !testkit.RunInSubprocess(t, nil) {
				return
			}
			server := testkit.TheServer(t)
			runtime.LockOSThread() // only the thread that traces may give its commands
			seize(t, server)
			cmd := testkit.Command(t, `while true do end`)
			cmd.Namespaces = namespaces
			started := make(chan error, 1)
			go func() { started <- cmd.Start() }()
			child := awaitBirth(t, server)
			childsEnd, serversEnd := testkit.OpenPidfd(t, child), testkit.OpenPidfd(t, server)
			testkit.Must(t, unix.Kill(server, unix.SIGKILL))
			testkit.AwaitDeath(t, serversEnd)
			testkit.Must(t, unix.PtraceDetach(child))
			testkit.AwaitDeath(t, childsEnd)
			// A host that learns of the end while it compares its state asks another server.
			if err := <-started; err == nil {
				if cmd.Process.Pid == child {
					t.Error("the start was successful")
				}
				testkit.Must(t, cmd.Process.Kill())
				cmd.Wait()
			}
		})
	}
}

func seize(t *testing.T, pid int) {
	t.Helper()
	const options = unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACECLONE
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(pid), 0, options, 0, 0)
	if errno != 0 {
		testkit.Skip(t, "a fork server cannot be traced: "+errno.Error())
	}
}

// awaitBirth returns the next child of a traced process, which is stopped at its first instruction.
func awaitBirth(t *testing.T, parent int) (child int) {
	t.Helper()
	for child == 0 {
		status := awaitStop(t, parent)
		event := status.TrapCause()
		if event == unix.PTRACE_EVENT_FORK || event == unix.PTRACE_EVENT_CLONE {
			message, err := unix.PtraceGetEventMsg(parent)
			testkit.Must(t, err)
			child = int(message)
		}
	}
	awaitStop(t, child)
	return child
}

func awaitStop(t *testing.T, pid int) (status unix.WaitStatus) {
	t.Helper()
	for {
		_, err := unix.Wait4(pid, &status, unix.WALL, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		testkit.Must(t, err)
		if !status.Stopped() {
			t.Fatalf("process %d has ended: %#x", pid, status)
		}
		return status
	}
}
