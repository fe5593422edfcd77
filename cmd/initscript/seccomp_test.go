package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// A filter would set the terminal on its head.
func TestFilterIsNotWrittenToTerminal(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("default_action: allow"), 0o600); err != nil {
		t.Fatal(err)
	}
	master, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, "initscript", "seccomp", "compile", policy)
	var stderr strings.Builder
	command.Stdout, command.Stderr = terminal, &stderr
	if status := exitCode(t, command.Run()); status != statusFailed {
		t.Errorf("exit status %d", status)
	}
	const want = "initscript: the filter is binary: it is not written to a terminal (use -o FILE)\n"
	if stderr.String() != want {
		t.Errorf("stderr %q, want %q", stderr.String(), want)
	}
	terminal.Close()
	output := make([]byte, 1)
	if n, err := master.Read(output); n > 0 || err == nil {
		t.Error("something was written to the terminal")
	}
}
