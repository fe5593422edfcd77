package start_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript/internal/actortest"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
	"golang.org/x/sys/unix"
)

// On every older kernel the core passes: what is newer has a fallback.
func TestOlderKernels(t *testing.T) {
	testkit.RunOnOlderKernels(t, testkit.CoreTests{
		Tests: []func(*testing.T){
			TestCmdRunsProgram, TestCmdEnvironment, TestCmdStdio, TestCmdWaitDelay,
			TestCmdDescriptors, TestCmdBadInput, TestCmdScriptSizes, TestCmdContext, TestCmdMisuse,
			TestCmdWaitScript, TestProcess, TestErrorKinds, TestNamespaces,
			TestTimeNamespaceOffsets, TestPID1Status, TestPID1ForwardsSignals,
			TestChildIsLikeHostNow, TestServerIsKept, TestServerHoldsNothingOfTheHost,
			TestProgramFileIsOutOfReach, TestServerIsRestarted, TestServerDeathEndsChildren,
			TestHostDeathLeavesNothing, TestManyAtOnce,
		},
		Users: map[string][]func(*testing.T){
			// What these find out without pidfds is in TestProcessWithoutPidfd.
			"pidfd_open": {
				TestCmdContext, TestProcess, TestServerIsRestarted, TestServerDeathEndsChildren,
				TestHostDeathLeavesNothing,
			},
			// Each start has a server of its own.
			"statx": {TestServerIsKept, TestServerDeathEndsChildren},
		},
		NoNewPrivs: "^TestChildIsLikeHostNow$/no_new_privs",
	})
}

// A child without a pidfd is signalled, and waited for when its server has died, all the same.
func TestProcessWithoutPidfd(t *testing.T) {
	if !testkit.Lacking(unix.SYS_PIDFD_OPEN) {
		testkit.RunWithout(t, "pidfd_open", TestProcessWithoutPidfd)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancelled := initscript.CommandContext(ctx, "sleep", "1000")
	cancelled.Env = []string{"PATH=/usr/bin:/bin"}
	testkit.Must(t, cancelled.Start())
	cancel()
	if err := cancelled.Wait(); !errors.Is(err, context.Canceled) ||
		cancelled.ProcessState.Signal() != syscall.SIGKILL {
		t.Errorf("Wait after the context is done: %v, %v", err, cancelled.ProcessState)
	}

	server := testkit.TheServer(t)
	cmd := testkit.Command(t, "", "cat")
	_, err := cmd.StdinPipe()
	testkit.Must(t, err)
	testkit.Must(t, cmd.Start())
	if _, err := cmd.Process.PidFD(); !errors.Is(err, unix.ENOSYS) {
		t.Errorf("PidFD: %v", err)
	}
	testkit.Must(t, cmd.WaitScript())
	testkit.Must(t, cmd.Process.Signal(syscall.SIGSTOP))
	testkit.Must(t, syscall.Kill(server, syscall.SIGKILL))
	var serverError *initscript.ServerError
	if err := cmd.Wait(); !errors.As(err, &serverError) {
		t.Errorf("Wait: %v, want a *ServerError", err)
	}
	// It may still be there as a zombie, if who inherits it is slow.
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err == nil && !strings.HasPrefix(testkit.StatusField(string(status), "State"), "Z") {
		t.Errorf("it outlives its server:\n%s", status)
	}
	if err := cmd.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("Kill afterwards: %v", err)
	}

	// Nor is there another way to a child where /proc is that of another PID namespace.
	t.Run("in a PID namespace", func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		inner := actortest.Spawn(t, actortest.MappedToRoot(initscript.Actor{
			Entry: "probe", Namespaces: initscript.NewPID, Stderr: os.Stderr,
		}))
		got := fmt.Sprint(actortest.Ask(t, inner, "spawn", 1))
		if !strings.Contains(got, "pidfd_open: function not implemented") {
			t.Errorf("an actor of PID 1: %s", got)
		}
	})
}
