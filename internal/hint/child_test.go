//go:build linux

package hint

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/go-initscript/initscript/internal/wire"
	"golang.org/x/sys/unix"
)

// bytesOf returns structures as the child sends them.
func bytesOf(t *testing.T, structures ...any) string {
	t.Helper()
	var text bytes.Buffer
	for _, s := range structures {
		if err := binary.Write(&text, binary.NativeEndian, s); err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}

// What the child has told is in the hint.
func TestChild(t *testing.T) {
	notes := wire.Notes{HasEffective: 1, Unshared: unix.CLONE_NEWUSER}
	notes.Lines[wire.NoteCapabilities] = 7
	path := wire.SeenPath{Mode: unix.S_IFREG | 0o644}
	child := DecodeChild([]string{bytesOf(t, notes), bytesOf(t, path, path), "text"})
	if !child.known || child.notes != notes || len(child.paths) != 2 || child.paths[1] != path ||
		child.text != "text" {
		t.Errorf("%+v", child)
	}
	call := Failure{Child: child, Errno: unix.EPERM, Name: "mount"}
	want := "CAP_SYS_ADMIN is needed, and the script has given it up in line 7: call mount before that"
	if got := call.Call(); got != want {
		t.Errorf("%q", got)
	}
	program := Failure{Child: child, Errno: unix.EACCES}
	if got := program.Program(); got != "the file is not executable (mode 0644): chmod +x" {
		t.Errorf("%q", got)
	}
}

// After its script, what comes is an attacker's: it has no hint, or one about whatever it says.
func TestChildThatTellsNonsense(t *testing.T) {
	notes := bytesOf(t, wire.Notes{})
	for _, fields := range [][]string{
		nil, {notes}, {notes, ""}, {notes, "", "", ""}, {notes + "x", "", ""}, {notes[1:], "", ""},
		{"", notes, notes},
	} {
		if child := DecodeChild(fields); child.known {
			t.Errorf("%q: %+v", fields, child)
		}
		f := Failure{Child: DecodeChild(fields), Errno: unix.EPERM, Name: "mount"}
		if got := f.Call(); got != "" {
			t.Errorf("%q: %s", fields, got)
		}
	}
	child := DecodeChild([]string{notes, bytesOf(t, wire.SeenPath{}) + "x", ""})
	if !child.known || len(child.paths) != 1 {
		t.Errorf("%+v", child)
	}
}
