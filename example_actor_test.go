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
		if a.Key == slog.TimeKey || a.Key == "pid" || a.Value.Kind() == slog.KindDuration || a.Key == "maxrss" {
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
