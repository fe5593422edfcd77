package initscript

import (
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript/internal/start"
	"github.com/go-initscript/initscript/internal/wire"
)

// Whatever a record says, an error can be made of it.
func FuzzScriptError(f *testing.F) {
	f.Add(uint32(wire.CallFailed), int32(2), 3, "open\ntrace\nnil")
	f.Add(uint32(wire.ScriptFailed), int32(0), 0, "init.script:7: message\ntraceback")
	f.Add(uint32(wire.LoadFailed), int32(0), 0, "init.script:1: unexpected symbol")
	f.Fuzz(func(t *testing.T, kind uint32, errno int32, line int, fields string) {
		r := start.Record{Kind: wire.RecordKind(kind), Err: syscall.Errno(errno), Line: line,
			Fields: strings.Split(fields, "\n")}
		if text := scriptError(&r, "init.script").Error(); !strings.HasPrefix(text, "init.script") &&
			!strings.Contains(text, ":") {
			t.Errorf("%q", text)
		}
	})
}
