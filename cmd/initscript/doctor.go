//go:build (linux || freebsd) && cgo

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/capability"
	"github.com/go-initscript/initscript/internal/doctor"
	"github.com/go-initscript/initscript/internal/printable"
	"github.com/spf13/cobra"
)

const doctorHelp = `Says what this machine allows a script to do, and what would help where it does not.
Namespaces, mounts and filters are tried in children; nothing outside of them
changes. A line begins with OK, NO, or "-" for what is neither.

With --json it is one object: ok, and findings, a list of objects with name, status
("ok", "no", "info"), detail and fix.

Exit status: 0 if a script can be run in a new process at all, 1 if not; what else
is missing matters only to scripts that use it.`

// doctorTimeout ends what hangs.
const doctorTimeout = 20 * time.Second

func newDoctorCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:                   "doctor [--json]",
		Short:                 "Say what this machine allows, and what would help where it does not",
		Long:                  doctorHelp,
		Example:               "  initscript doctor\n  initscript doctor --json",
		DisableFlagsInUseLine: true,
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	command.RunE = func(command *cobra.Command, args []string) error {
		if len(args) > 0 {
			return &usageError{fmt.Errorf("unexpected %q", args[0]), command}
		}
		return runDoctor(asJSON)
	}
	return command
}

func runDoctor(asJSON bool) error {
	report := doctor.Examine(tryScript, capability.Name)
	var err error
	if asJSON {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		if err = encoder.Encode(report); err == nil {
			_, err = os.Stdout.Write(printable.JSON(text.Bytes()))
		}
	} else {
		err = report.WriteText(os.Stdout)
	}
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	if !report.OK {
		return foundError{} // the report has told
	}
	return nil
}

// tryScript is a [doctor.Try].
func tryScript(kinds []string, script string) (hint string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), doctorTimeout)
	defer cancel()
	command := initscript.CommandContext(ctx, "")
	command.Script = script
	command.ScriptName = "doctor"
	if command.Namespaces, err = initscript.ParseNamespaces(strings.Join(kinds, ",")); err != nil {
		return "", err
	}
	if slices.Contains(kinds, "user") {
		command.UIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		command.GIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	err = command.Run()
	return initscript.Hint(err), err
}
