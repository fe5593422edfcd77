package initscript

import (
	"errors"
	"testing"
)

// What a Cmd says of its end is about what was started, whatever its fields have become since.
func TestErrorsAreAboutWhatWasStarted(t *testing.T) {
	cmd := Command("/bin/true")
	cmd.Script, cmd.ScriptName = "os.exit(3)", "started"
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd.Path, cmd.ScriptName, cmd.Namespaces = "", "changed", NewUser
	var failure *ScriptError
	if err := cmd.Wait(); !errors.As(err, &failure) || failure.ScriptName != "started" ||
		failure.Exited == nil {
		t.Errorf("%T %v", err, err)
	}
}

// A program's own tests may make these.
func TestZeroValues(t *testing.T) {
	state := new(ProcessState)
	if !state.Success() || state.ExitCode() != 0 || state.String() != "exit status 0" {
		t.Errorf("%v", state)
	}
	if err := new(Process).Kill(); err == nil {
		t.Error("a process that is none was killed")
	}
	if file, err := new(Process).PidFD(); err == nil {
		t.Errorf("a process that is none has the descriptor %d", file.Fd())
	}
}
