package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/ffitest"
)

// The fork server is started before the Go runtime boots: by fork(2), where Go would use vfork(2); and
// only by those that need it.
func TestEarlyServer(t *testing.T) {
	if withASan {
		t.Skip("LeakSanitizer does not work under ptrace")
	}
	executed := regexp.MustCompile(`(?m)^(\d+) +execveat\(.*"initscript-server"`)
	for _, test := range []struct {
		name        string
		code        string // of a shell
		out         string
		early, late int
	}{
		{"run", `initscript run -e 'print(C.umask(18) >= 0)'`, "true\n", 1, 0},
		{"closed standard streams", `initscript run -e '' -- /bin/sh -c 'ls /proc/self/fd | wc ` +
			`-l' <&- 2>&-`, "4\n", 1, 0},
		{"limit of open files", `ulimit -Sn 300; initscript run -e '' -- /bin/sh -c 'ulimit -Sn'`,
			"300\n", 1, 0},
		{"few open files", `ulimit -n 40; initscript run -e '' -- /bin/sh -c 'ulimit -n'`, "40\n", 1, 1},
		{"help", `initscript run --help | head -c 5`, "Runs ", 1, 0},
		{"host, whose umask changes", `echo 'require("ffi").cdef("unsigned umask(unsigned);") ` +
			`require("ffi").C.umask(63) ` +
			`print((spawn_vm{subprocess = {stdout = "share", init = {script = "print(C.umask(0)) ` +
			`os.exit(0)"}}}:wait()))' >$D/h.lua; initscript host $D/h.lua`, "63\ntrue\n", 0, 1},
		{"no child", `initscript --version | head -c 10`, "initscript", 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			ffitest.Require(t, test.code)
			if strings.Contains(test.code, "initscript host") {
				requireHost(t)
			}
			trace := filepath.Join(t.TempDir(), "trace")
			directory := t.TempDir()
			t.Setenv("D", directory)
			cmd := newProcess(t, "strace", "-f", "-qq", "-e", "trace=execveat,vfork,clone", "-o", trace,
				"/bin/sh", "-c", test.code)
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			if string(out) != test.out {
				t.Errorf("output: %q, want %q", out, test.out)
			}
			calls, err := os.ReadFile(trace)
			if err != nil {
				t.Fatal(err)
			}
			early, late := 0, 0
			for _, server := range executed.FindAllStringSubmatch(string(calls), -1) {
				if regexp.MustCompile(`(?m)vfork.* = ` + server[1] + `$`).Match(calls) {
					late++
				} else {
					early++
				}
			}
			if early != test.early || late != test.late {
				t.Errorf("%d servers before Go boots, %d later, want %d and %d:\n%s", early, late,
					test.early, test.late, calls)
			}
		})
	}
}
