package initscript_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"strings"
	"syscall"

	"github.com/go-initscript/initscript"
)

// This is what usually stands beside the entry.
func init() {
	initscript.Register("example upper", func(self *initscript.Self) error {
		text, err := self.Receive(context.Background())
		if err != nil {
			return err
		}
		return self.Send(context.Background(), strings.ToUpper(text.(string)))
	})
	initscript.Register("example delegate", delegate)
	initscript.Register("example crash", func(*initscript.Self) error {
		panic("index out of bounds")
	})
}

// A function of this program, in a process that can gain no privileges. The function main of a
// program with actors begins with a call of [Main].
func ExampleSpawn() {
	ctx := context.Background()
	actor, err := initscript.Spawn(ctx, initscript.Actor{
		Entry:  "example upper", // see Register
		Script: `set_no_new_privs()`,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer actor.Close()
	if err := actor.Send(ctx, "hello"); err != nil {
		log.Fatal(err)
	}
	answer, err := actor.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer, actor.Wait())
	// Output: HELLO <nil>
}

// delegate is an entry that has another actor do the work, and answer in its place.
func delegate(self *initscript.Self) error {
	ctx := context.Background()
	self.Inbox().SetLimit(64 << 10) // a job is small
	job, err := self.Receive(ctx)
	if err != nil {
		return err
	}
	worker, err := initscript.Spawn(ctx, initscript.Actor{
		Script: `set_no_new_privs()`,
		ModuleSource: `
local job = inbox:receive()
job.answer:send(job.text:reverse())`,
	})
	if err != nil {
		return err
	}
	defer worker.Close()
	if err := worker.Send(ctx, map[string]any{"text": job, "answer": self.Parent()}); err != nil {
		return err
	}
	return worker.Wait()
}

// An actor hands on its channel to the host, so that the answer of another one goes there directly.
func ExampleSelf_Parent() {
	ctx := context.Background()
	actor, err := initscript.Spawn(ctx, initscript.Actor{Entry: "example delegate"})
	if err != nil {
		log.Fatal(err)
	}
	defer actor.Close()
	if err := actor.Send(ctx, "desserts"); err != nil {
		log.Fatal(err)
	}
	answer, err := actor.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer, actor.Wait())
	// Output: stressed <nil>
}

// What an actor receives is its host's choice: a bound that fits the messages that it expects keeps what
// the others cost small.
func ExampleSelf_Inbox() {
	ctx := context.Background()
	actor, err := initscript.Spawn(ctx, initscript.Actor{Entry: "example delegate"})
	if err != nil {
		log.Fatal(err)
	}
	defer actor.Close()
	if err := actor.Send(ctx, strings.Repeat("x", 1<<20)); err != nil {
		log.Fatal(err)
	}
	var failure *initscript.ActorError
	if errors.As(actor.Wait(), &failure) {
		fmt.Println(failure.Message)
	}
	// Output: receive message: too large: it costs its receiver more than the limit of 65536 bytes
}

func ExampleRegister() {
	// In an init function of a real program, so that it is done before Main in every process.
	initscript.Register("example pid", func(self *initscript.Self) error {
		return self.Send(context.Background(), os.Getpid())
	})
}

func ExampleMain() {
	// First in the function main of a program with actors, and in TestMain of its tests.
	initscript.Main()
	// From here on this is not an actor.
}

func ExampleActorError() {
	actor, err := initscript.Spawn(context.Background(), initscript.Actor{Entry: "example crash"})
	if err != nil {
		log.Fatal(err)
	}
	var crash *initscript.ActorError
	if errors.As(actor.Wait(), &crash) {
		fmt.Println(crash.Message)
		fmt.Println(strings.Contains(crash.Stack, "example_actor_test.go"))
	}
	// Output:
	// panic: index out of bounds
	// true
}

func ExampleActor_Signal() {
	actor, err := initscript.Spawn(context.Background(), initscript.Actor{Entry: "example upper"})
	if err != nil {
		log.Fatal(err)
	}
	defer actor.Close()
	if err := actor.Signal(syscall.SIGTERM); err != nil {
		log.Fatal(err)
	}
	fmt.Println(actor.Wait())
	// Output: signal: terminated
}

func ExampleSetLogger() {
	withoutTimes := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "pid" || a.Value.Kind() == slog.KindDuration ||
			a.Key == "maxrss" {
			return slog.Attr{}
		}
		return a
	}
	options := &slog.HandlerOptions{ReplaceAttr: withoutTimes}
	initscript.SetLogger(slog.New(slog.NewTextHandler(os.Stdout, options)))
	defer initscript.SetLogger(nil)
	if err := initscript.Command("/bin/true").Run(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// level=INFO msg="child started" script=init.script program=/bin/true namespaces=""
	// level=INFO msg="child ended" program=/bin/true status="exit status 0"
}
