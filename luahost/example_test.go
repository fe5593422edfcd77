//go:build (linux || freebsd) && cgo && luajit

package luahost_test

import (
	"fmt"
	"log"
	"os"

	"github.com/aarzilli/golua/lua"
	"github.com/go-initscript/initscript/luahost"
)

const greeter = `
local child = spawn_vm{
    module_source = [[
        local request = inbox:receive()
        request.reply_to:send("hello, " .. request.name)
    ]],
    subprocess = { stderr = "share", init = { script = "set_no_new_privs()" } },
}
child:send{ name = arg[1], reply_to = inbox }
print(inbox:receive())
`

func Example() {
	file, err := os.CreateTemp("", "greeter-*.lua")
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(file.Name())
	file.WriteString("function print(text) answer = text end" + greeter)
	file.Close()

	L := lua.NewState()
	defer L.Close() // kills what is still running
	L.OpenLibs()
	if err := luahost.Open(L); err != nil {
		log.Fatal(err)
	}
	if err := luahost.Run(L, file.Name(), "world"); err != nil {
		log.Fatal(err)
	}
	L.GetGlobal("answer")
	fmt.Println(L.ToString(-1))
	// Output: hello, world
}
