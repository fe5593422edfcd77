package confine_test

import (
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"
)

// A process of every older kernel confines itself, with what that kernel has.
func TestOlderKernels(t *testing.T) {
	testkit.RunOnOlderKernels(t, testkit.CoreTests{
		Tests: []func(*testing.T){
			TestConfineErrors, TestConfineReachesEveryThread, TestConfineChildrenCannotEscape,
		},
		Users: map[string][]func(*testing.T){
			"landlock": {TestConfineReachesEveryThread, TestConfineChildrenCannotEscape},
		},
		NoNewPrivs: "^TestConfineChildrenCannotEscape$/^no_new_privs$",
	})
}
