package actors_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-initscript/initscript/internal/actortest"
	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

func init() {
	initscript.Register("chain", chain)
	initscript.Register("leave behind", func(self *initscript.Self) error {
		sleeper := initscript.Actor{Entry: "sleep", Stdout: os.Stdout}
		left, err := initscript.Spawn(context.Background(), sleeper)
		if err != nil {
			return err
		}
		if err := left.Detach(); err != nil {
			return err
		}
		return self.Send(context.Background(), left.Pid())
	})
}

func chainActor(namespaces initscript.Namespaces) initscript.Actor {
	config := initscript.Actor{Entry: "chain", Stderr: io.Discard, Namespaces: namespaces}
	if namespaces != 0 {
		config = actortest.MappedToRoot(config)
	}
	return config
}

// heldOpen is for nothing else than to be open as long as the actor lives.
var heldOpen any

// chain keeps the first of the files that it gets and starts an actor for the others, and so on.
// When all are there, it has the one of a level end in some way, and tells its host of that.
func chain(self *initscript.Self) error {
	ctx := context.Background()
	message, err := self.Receive(ctx)
	if err != nil {
		return err
	}
	order := message.([]any)
	files := order[1].([]any)
	heldOpen = files[0]
	var below *initscript.Actor
	if files = files[1:]; len(files) > 0 {
		if below, err = startChain(ctx, order[0], files); err != nil {
			return err
		}
	}
	if err := self.Send(ctx, "ready"); err != nil {
		return err
	}
	if message, err = self.Receive(ctx); err != nil {
		return err
	}
	order = message.([]any)
	if level := order[0].(int64); level > 0 {
		if err := below.Send(ctx, []any{level - 1, order[1]}); err != nil {
			return err
		}
		answer, err := below.Receive(ctx)
		if err == io.EOF {
			answer = "gone"
		}
		if err := self.Send(ctx, answer); err != nil {
			return err
		}
		_, err = self.Receive(ctx)
		return err
	}
	switch order[1] {
	case "exits":
		os.Exit(0)
	case "panics":
		panic("at the end of the chain")
	case "is killed":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	return nil
}

func startChain(ctx context.Context, namespaces any, files []any) (*initscript.Actor, error) {
	below, err := initscript.Spawn(ctx, chainActor(initscript.Namespaces(namespaces.(int64))))
	if err != nil {
		return nil, err
	}
	if err := below.Send(ctx, []any{namespaces, files}); err != nil {
		return nil, err
	}
	for _, file := range files {
		file.(*os.File).Close()
	}
	if _, err := below.Receive(ctx); err != nil {
		return nil, errors.Join(err, below.Wait())
	}
	return below, nil
}

// An actor ends with the one that started it, in whatever way that ends, also several levels below
// and through PID namespaces of their own; those above go on.
func TestActorsDieWithTheirActor(t *testing.T) {
	const levels, ending = 4, 1
	for _, namespaces := range []initscript.Namespaces{0, initscript.NewUser | initscript.NewPID} {
		for _, end := range []string{"returns", "exits", "panics", "is killed"} {
			t.Run(end+" "+namespaces.String(), func(t *testing.T) {
				if namespaces != 0 {
					testkit.RequireUserNamespaces(t)
				}
				actor := actortest.Spawn(t, chainActor(namespaces))
				var alive, held []*os.File
				for range levels {
					reader, writer, err := os.Pipe()
					testkit.Must(t, err)
					defer reader.Close()
					alive, held = append(alive, reader), append(held, writer)
				}
				testkit.Must(t, actor.Send(actortest.Context(t), []any{uint64(namespaces), held}))
				for _, file := range held {
					file.Close()
				}
				if answer, err := actor.Receive(actortest.Context(t)); answer != "ready" {
					actor.Kill()
					t.Fatalf("%v, %v, %v", answer, err, actor.Wait())
				}
				if got := actortest.Ask(t, actor, ending, end); got != "gone" {
					t.Errorf("got %v", got)
				}
				for level, pipe := range alive {
					if level < ending && hasEnded(t, pipe) {
						t.Errorf("level %d has ended, too", level)
					} else if level >= ending {
						awaitEnd(t, pipe)
					}
				}
				testkit.Must(t, actor.Kill())
				awaitEnd(t, alive[0])
			})
		}
	}
}

// hasEnded tells whether nobody has the other end of a pipe open.
func hasEnded(t *testing.T, pipe *os.File) bool {
	t.Helper()
	connection, err := pipe.SyscallConn()
	testkit.Must(t, err)
	poll := []unix.PollFd{{Events: unix.POLLIN}}
	testkit.Must(t, connection.Control(func(fd uintptr) {
		poll[0].Fd = int32(fd)
		_, err = unix.Poll(poll, 0)
	}))
	testkit.Must(t, err)
	return poll[0].Revents != 0
}

func awaitEnd(t *testing.T, pipe *os.File) {
	t.Helper()
	testkit.Must(t, pipe.SetReadDeadline(time.Now().Add(testkit.Timeout)))
	if n, err := pipe.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("still alive: %d, %v", n, err)
	}
}

// What an actor detaches outlives it, and can keep the pipe open that its host reads.
func TestActorWaitDelay(t *testing.T) {
	var output strings.Builder
	actor := actortest.Spawn(t, initscript.Actor{
		Entry: "leave behind", Stdout: &output, WaitDelay: time.Millisecond,
	})
	pid, err := actor.Receive(actortest.Context(t))
	testkit.Must(t, err)
	left := testkit.OpenPidfd(t, int(pid.(int64)))
	if err := actor.Wait(); !errors.Is(err, exec.ErrWaitDelay) {
		t.Errorf("Wait: %v", err)
	}
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(left), Events: unix.POLLIN}}, 0); n != 0 {
		t.Errorf("the detached actor has ended with the one that started it: %v", err)
	}
	testkit.Must(t, unix.PidfdSendSignal(left, unix.SIGKILL, nil, 0))
	testkit.AwaitDeath(t, left)
}

// ProcessState can be asked for while another goroutine waits; the race detector sees to it.
func TestProcessStateWhileWaiting(t *testing.T) {
	actor := actortest.Spawn(t, initscript.Actor{Entry: "wait"})
	known := make(chan *initscript.ProcessState)
	go func() {
		for actor.ProcessState() == nil {
			runtime.Gosched()
		}
		known <- actor.ProcessState()
	}()
	testkit.Must(t, actor.Kill())
	actor.Wait()
	if state := <-known; state.Signal() != syscall.SIGKILL {
		t.Errorf("%v", state)
	}
}

// Who starts and never waits loses no descriptor for ever.
func TestStartedAndForgotten(t *testing.T) {
	testkit.TheServer(t)
	checkDescriptors(t)
	for range 5 {
		testkit.Must(t, initscript.Command("/bin/true").Start())
	}
}

// checkDescriptors fails at the end of the test if more descriptors are open than now. Some are
// closed by goroutines and by the garbage collector, so it asks until it is so.
func checkDescriptors(t *testing.T) {
	t.Helper()
	open := func() int {
		runtime.GC()
		entries, err := os.ReadDir("/proc/self/fd")
		testkit.Must(t, err)
		return len(entries)
	}
	before := open()
	t.Cleanup(func() {
		for deadline := time.Now().Add(testkit.Timeout); open() > before; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d descriptors are open, and %d were", open(), before)
			}
		}
	})
}
