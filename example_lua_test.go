package initscript_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/go-initscript/initscript"
)

// A Lua program in a sandbox. No Go runtime boots for it.
func ExampleActor_lua() {
	ctx := context.Background()
	actor, err := initscript.Spawn(ctx, initscript.Actor{
		ModuleSource: `
			local numbers, sum = inbox:receive(), 0
			for _, n in ipairs(numbers) do sum = sum + n end
			parent:send(sum)`,
		Script: `set_no_new_privs()`,
		Stderr: os.Stderr,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer actor.Close()
	if err := actor.Send(ctx, []int{1, 2, 3}); err != nil {
		log.Fatal(err)
	}
	sum, err := actor.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sum, actor.Wait())
	// Output: 6 <nil>
}
