package seccomp_test

import (
	"errors"
	"fmt"
	"log"
	"syscall"

	"github.com/go-initscript/initscript/seccomp"
)

// A policy is compiled, here for 64-bit x86, on whatever system this runs.
func Example() {
	policy, err := seccomp.ParsePolicy([]byte(`
default_action: allow
rules:
  - names: [mkdir, mkdirat]
    action: {errno: EROFS}
  - names: [socket]
    action: {errno: EAFNOSUPPORT}
    args: [{arg: 0, width: 32, ne: 1}] # not AF_UNIX
`))
	if err != nil {
		log.Fatal(err)
	}
	filter, err := policy.CompileFor("amd64")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d instructions; the first is % x\n", len(filter)/8, filter[:8])
	// Output:
	// 18 instructions; the first is 20 00 00 00 04 00 00 00
}

// What is wrong in a text is told with its line.
func ExampleParsePolicy() {
	_, err := seccomp.ParsePolicy([]byte("default_action: allow\nrules:\n- names: [read]\n  " +
		"action: deny"))
	fmt.Println(err)
	// Output: seccomp policy: line 4: unknown action "deny"
}

// A policy can also be made of Go values, and compiled for another architecture.
func ExamplePolicy_CompileFor() {
	policy := seccomp.Policy{
		DefaultAction: seccomp.Allow,
		Rules: []seccomp.Rule{{
			Names:  []string{"socket"},
			Action: seccomp.Errno(syscall.EAFNOSUPPORT),
			Args: []seccomp.Condition{
				{Arg: 0, Width: 32, Op: seccomp.NotEqual, Value: 1}, // AF_UNIX
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

// An Error tells the line, and the system call that is not known.
func ExampleError() {
	policy, err := seccomp.ParsePolicy([]byte("default_action: allow\nrules:\n- {names: [opne], " +
		"action: trap}"))
	if err != nil {
		log.Fatal(err)
	}
	_, err = policy.CompileFor("arm64")
	var policyError *seccomp.Error
	if errors.As(err, &policyError) {
		fmt.Printf("line %d, %s: %v\n", policyError.Line, policyError.Syscall, policyError.Err)
	}
	// Output: line 3, opne: not known on arm64
}
