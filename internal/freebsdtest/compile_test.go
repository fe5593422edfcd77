//go:build freebsdtest

// Package freebsdtest compiles FreeBSD's C files on Linux, and compares their functions and constants
// with the definitions.
package freebsdtest

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// compiler returns the command that checks a C file as one for FreeBSD.
func compiler(t *testing.T, file string) *exec.Cmd {
	t.Helper()
	luajit, err := exec.Command("pkg-config", "--cflags", "luajit").Output()
	if err != nil {
		t.Fatal(err)
	}
	flags := []string{
		"--target=x86_64-unknown-freebsd14", "-fsyntax-only", "-nostdlibinc", "-Iinclude", "-Ilibjail",
		"-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden",
	}
	return exec.Command("clang", append(append(flags, strings.Fields(string(luajit))...), file)...)
}

func TestCompiles(t *testing.T) {
	own := 0
	for _, file := range sources(t) {
		if strings.HasSuffix(file, "_freebsd.c") {
			own++
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			if out, err := compiler(t, file).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	if own == 0 {
		t.Error("there is nothing of FreeBSD")
	}
}

// What is of Linux does not compile: the headers of this machine are not in use.
func TestLinuxDoesNotCompile(t *testing.T) {
	for _, file := range []string{"sys_process_linux.c", "sys_births_linux.c", "api_mount_linux.c"} {
		out, err := compiler(t, filepath.Join("../../csrc", file)).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "error:") {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}
