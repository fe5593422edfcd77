package luasyntax_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/luasyntax"
	"golang.org/x/sys/unix"
)

// loader answers each message, a letter and a source text, with what load says about the text.
const loader = `
local function verdict(source)
    local _, message = load(source, "=source", "t")
    return message or "accepted"
end
for message in function() return C.read(arg, 200000) end do
    if message == "" then
        break
    end
    C.write(arg, verdict(message:sub(2)))
end`

const accepted = "accepted"

// luaJIT is a process that loads texts and does not run them.
type luaJIT struct {
	mutex  sync.Mutex
	socket *os.File
}

func startLuaJIT(t testing.TB) *luaJIT {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("socketpair: %v", err)
	}
	host, arg := os.NewFile(uintptr(pair[0]), "host end"), os.NewFile(uintptr(pair[1]), "script end")
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	command := initscript.CommandContext(ctx, "")
	command.Script, command.Arg = loader, arg
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatalf("start: %v", err)
	}
	arg.Close()
	t.Cleanup(func() {
		host.Close()
		if err := command.Wait(); err != nil {
			t.Errorf("the process with LuaJIT: %v", err)
		}
		cancel()
	})
	return &luaJIT{socket: host}
}

// verdict returns "accepted", or the message without its place.
func (l *luaJIT) verdict(t testing.TB, source string) (message string, line string) {
	t.Helper()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if _, err := l.socket.WriteString("=" + source); err != nil {
		t.Fatalf("write: %v", err)
	}
	answer := make([]byte, 200_000)
	n, err := l.socket.Read(answer)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	message = string(answer[:n])
	if rest, ok := strings.CutPrefix(message, "source:"); ok {
		line, message, _ = strings.Cut(rest, ": ")
	}
	return message, line
}

// verdict is that of this package.
func verdict(t testing.TB, source string) string {
	t.Helper()
	chunk, err := luasyntax.Parse(source)
	if err == nil {
		if chunk == nil {
			t.Fatal("neither a chunk nor an error")
		}
		return accepted
	}
	var syntaxError *luasyntax.Error
	if !errors.As(err, &syntaxError) {
		t.Fatalf("error of type %T: %v", err, err)
	}
	lines := strings.Count(source, "\n") + strings.Count(source, "\r") + 1
	if syntaxError.Line < 1 || syntaxError.Column < 1 || syntaxError.Line > lines {
		t.Fatalf("position of %v in %q", err, source)
	}
	return syntaxError.Message
}

// beyond are limits of LuaJIT that Parse does not have.
var beyond = []string{
	"function or expression too complex", "control structure too long", "constants",
	"chunk has more than",
}

// compare checks that both say the same.
func compare(t testing.TB, real *luaJIT, source string) {
	t.Helper()
	if len(source) > 150_000 {
		return
	}
	want, line := real.verdict(t, source)
	for _, noText := range []string{"cannot load incompatible bytecode", "cannot load malformed " +
		"bytecode", "wrong mode"} {
		if strings.Contains(want, noText) {
			return
		}
	}
	got := verdict(t, source)
	// A C string ends at the first zero byte.
	cut := func(s string) string { before, _, _ := strings.Cut(s, "\x00"); return before }
	if cut(strings.TrimSuffix(got, "'")) == cut(strings.TrimSuffix(want, "'")) {
		return
	}
	// 120 in newer LuaJIT; Parse has the limit that all versions keep.
	if strings.HasSuffix(got, "more than 60 upvalues") &&
		(want == accepted || strings.HasSuffix(want, "more than 120 upvalues")) {
		return
	}
	if got == accepted || got == "chunk has too many syntax levels" {
		for _, limit := range beyond {
			if strings.Contains(want, limit) {
				return
			}
		}
	}
	t.Errorf("%q: LuaJIT says %q at line %s, the parser %q", source, want, line, got)
}
