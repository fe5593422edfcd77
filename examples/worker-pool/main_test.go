package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/examples/internal/exampletest"
	"github.com/go-initscript/initscript/internal/testkit"
)

func TestMain(m *testing.M) {
	initscript.Main()
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		var jobs []any
		for i := range 40 {
			switch {
			case i%10 == 3:
				jobs = append(jobs, "no number")
			case i%10 == 7:
				jobs = append(jobs, -1)
			default:
				jobs = append(jobs, i)
			}
		}
		for i, result := range run(exampletest.Context(t), 3, jobs) {
			switch err, _ := result.(error); {
			case i%10 == 3:
				var crash *initscript.ActorError
				if !errors.As(err, &crash) || !strings.Contains(crash.Message, "interface conversion") {
					t.Errorf("job %d: %v", i, result)
				}
			case i%10 == 7:
				var exit *initscript.ExitError
				if !errors.As(err, &exit) || exit.ExitCode() != 3 {
					t.Errorf("job %d: %v", i, result)
				}
			case result != int64(i*i):
				t.Errorf("job %d: %v", i, result)
			}
		}
	})
}
