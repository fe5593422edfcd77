//go:build !asan

// The sanitizer allocates more than the program asks for.

package mailbox_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/mailbox"
)

// peakMemory returns the most memory that a process has had.
func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes int64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

// A receiver in Lua takes no more memory than a message costs, either: values that cost as much as the
// limit allows, and for which Lua allocates most compared with that.
func TestMessageCostInLua(t *testing.T) {
	list := func(element any) func(int) any {
		return func(n int) any {
			values := make([]any, n)
			for i := range values {
				values[i] = element
			}
			return values
		}
	}
	for name, value := range map[string]func(int) any{
		"one string": func(n int) any { return strings.Repeat("x", n) },
		"long strings": func(n int) any {
			return []any{strings.Repeat("x", n/2), strings.Repeat("y", n/2)}
		},
		"integers":       list(int64(1 << 60)),
		"numbers":        list(0.5),
		"empty arrays":   list([]any{}),
		"arrays of one":  list([]any{true}),
		"empty maps":     list(map[string]any{}),
		"maps of one":    list(map[string]any{"k": true}),
		"maps of number": list(map[any]any{0.5: true}),
		"map": func(n int) any {
			entries := make(map[any]any, n)
			for i := range n {
				entries[fmt.Sprintf("%07x", i)] = true
			}
			return entries
		},
	} {
		t.Run(name, func(t *testing.T) {
			costOf := func(n int) int { return int(mailbox.CostOf(t, value(n))) }
			const few = 1 << 16
			const limit = mailbox.DefaultMessageLimit
			most := few + (limit-costOf(few))*few/(costOf(2*few)-costOf(few))*99/100
			if got := costOf(most); got > limit || got < limit/10*9 {
				t.Fatalf("%d of them cost %d", most, got)
			}
			actor, err := initscript.Spawn(t.Context(), initscript.Actor{
				Stderr: os.Stderr, ModuleSource: `
parent:send(inbox:receive())
local message = inbox:receive()
parent:send(type(message))
inbox:receive()`})
			if err != nil {
				t.Fatal(err)
			}
			defer actor.Kill()
			askFor(t, t.Context(), actor, "ready")
			before := peakMemory(t, actor.Pid())
			askFor(t, t.Context(), actor, value(most))
			used := peakMemory(t, actor.Pid()) - before
			t.Logf("%d: %d bytes", most, used)
			if used > limit+1<<20 { // what of the libraries is used for the first time
				t.Errorf("%d bytes were used", used)
			}
		})
	}
}
