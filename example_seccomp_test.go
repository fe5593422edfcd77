package initscript_test

import (
	"fmt"
	"log"
	"os"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/seccomp"
)

// A policy becomes a filter, which the script gets through its global arg.
func ExampleCmd_seccomp() {
	policy, err := seccomp.ParsePolicy([]byte(`
default_action: allow
rules:
  - names: [mkdir, mkdirat]
    action: {errno: EROFS}
    optional: true # arm64 has no mkdir
`))
	if err != nil {
		log.Fatal(err)
	}
	filter, err := policy.Compile()
	if err != nil {
		log.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	defer reader.Close()
	if _, err := writer.Write(filter); err != nil { // the largest filter is smaller than a pipe
		log.Fatal(err)
	}
	writer.Close()

	cmd := initscript.Command("/bin/sh", "-c", "mkdir new; echo status $?")
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	cmd.Arg = reader
	cmd.Script = `
		local filter = C.read(arg, 32768)
		set_no_new_privs()
		C.seccomp_set_mode_filter(filter)
	`
	out, err := cmd.CombinedOutput()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", out)
	// Output:
	// mkdir: cannot create directory 'new': Read-only file system
	// status 1
}
