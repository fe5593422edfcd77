package initscript_test

import (
	"fmt"
	"log"
	"os"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// The script gets the filter through its global arg.
func ExampleParseSeccompPolicy() {
	policy, err := initscript.ParseSeccompPolicy([]byte(`
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

// A policy can also be made of Go values, and compiled for another architecture.
func ExampleSeccompPolicy_CompileFor() {
	policy := initscript.SeccompPolicy{
		DefaultAction: initscript.SeccompAllow,
		Rules: []initscript.SeccompRule{{
			Names:  []string{"socket"},
			Action: initscript.SeccompErrno(unix.EAFNOSUPPORT),
			Args: []initscript.SeccompArg{
				{Index: 0, Width: 32, Op: initscript.SeccompNotEqual, Value: unix.AF_UNIX},
			},
		}},
	}
	for _, arch := range []string{"amd64", "arm64", "riscv64"} {
		filter, err := policy.CompileFor(arch)
		fmt.Println(arch, len(filter) > 0, err)
	}
	// Output:
	// amd64 true <nil>
	// arm64 true <nil>
	// riscv64 false seccomp policy: architecture "riscv64" is not known (known: 386, amd64, arm, arm64)
}

func ExampleSeccompError() {
	_, err := initscript.ParseSeccompPolicy([]byte("default_action: allow\nrules:\n- names: [read]\n  action: deny"))
	fmt.Println(err)
	// Output: seccomp policy: line 4: unknown action "deny"
}
