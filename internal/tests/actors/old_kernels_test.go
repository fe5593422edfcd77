package actors_test

import (
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"
)

// Actors of every older kernel start, end and answer.
func TestOlderKernels(t *testing.T) {
	testkit.RunOnOlderKernels(t, testkit.CoreTests{
		Tests: []func(*testing.T){TestActorEnvironment, TestActorsDieWithTheirHost, TestNestedActors},
		Users: map[string][]func(*testing.T){
			"pidfd_open": {TestActorsDieWithTheirHost, TestNestedActors},
		},
	})
}
