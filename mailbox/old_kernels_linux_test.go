package mailbox_test

import (
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"
)

// Messages arrive on every older kernel, too.
func TestOlderKernels(t *testing.T) {
	testkit.RunOnOlderKernels(t, testkit.CoreTests{
		Tests: []func(*testing.T){
			TestMessageRoundTrip, TestSendFiles, TestSendChannels, TestReceiveEnds, TestLuaRoundTrip,
			TestLuaFilesAndChannels,
		},
		Users: map[string][]func(*testing.T){
			"statx": {TestSendFiles}, // what kind of file was received cannot be told, so none is polled
		},
	})
}
