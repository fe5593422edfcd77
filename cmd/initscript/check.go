//go:build (linux || freebsd) && cgo

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/go-initscript/initscript/internal/check"
	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/internal/printable"
	"github.com/spf13/cobra"
)

const checkHelp = `Reports mistakes in scripts without running them, one in each line:

  FILE:LINE:COLUMN: error|warning: MESSAGE [NAME]

SCRIPT may be "-", the standard input. Only what is certain is reported. A warning depends on the
privileges that the script is started with, or is about what has no effect. The comment

  -- check: ignore NAME

in the same line, or alone in the line before, turns a diagnostic off. docs/reference/check.md explains
all.

Exit status: 0 if there is no error, 1 if there is one, or a warning with --werror; 125 if a script
could not be read or the command line is wrong.`

const checkExample = `  initscript check box.lua
  initscript check --kernel 5.15 --werror lua/*.lua`

// statusFound is the exit status of a check that has found something.
const statusFound = 1

// foundError says that a script has mistakes, which are printed already.
type foundError struct{}

func (foundError) Error() string { return "a script has mistakes" }

type checkOptions struct {
	target, kernel string
	abi            int
	json, werror   bool
}

func newCheckCommand() *cobra.Command {
	o := &checkOptions{}
	command := &cobra.Command{
		Use:                   "check [flags] SCRIPT...",
		Short:                 "Report mistakes in scripts without running them",
		Long:                  checkHelp,
		Example:               checkExample,
		DisableFlagsInUseLine: true,
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.target, "target", "linux",
		"the `SYSTEM` that the scripts are for: linux or freebsd")
	flags.StringVar(&o.kernel, "kernel", "",
		"also report what Linux `VERSION`, such as 5.15, does not have")
	flags.IntVar(&o.abi, "landlock-abi", 0,
		"the same for version `N` of Landlock; 0 is a kernel without it")
	flags.BoolVar(&o.json, "json", false, "write JSON, one object in each line")
	flags.BoolVar(&o.werror, "werror", false, "let warnings count as errors")
	command.RegisterFlagCompletionFunc("target",
		cobra.FixedCompletions([]string{"linux", "freebsd"}, cobra.ShellCompDirectiveNoFileComp))
	command.RunE = func(command *cobra.Command, args []string) error {
		options, err := o.options(command)
		if err == nil && len(args) == 0 {
			err = errors.New("no script is given")
		}
		if err != nil {
			return &usageError{err, command}
		}
		return o.check(args, options)
	}
	return command
}

func (o *checkOptions) options(command *cobra.Command) (check.Options, error) {
	options := check.Options{Target: o.target}
	if o.target != "linux" && o.target != "freebsd" {
		return options, fmt.Errorf("--target %s: not linux or freebsd", strconv.Quote(o.target))
	}
	given := command.Flags().Changed
	if o.target != "linux" && (given("kernel") || given("landlock-abi")) {
		return options, errors.New("--kernel and --landlock-abi are for --target linux")
	}
	if given("kernel") {
		version, err := definitions.ParseVersion(o.kernel)
		if err == nil && version.Major == 0 {
			err = fmt.Errorf("%q: there is no such Linux", o.kernel)
		}
		if err != nil {
			return options, fmt.Errorf("--kernel: %w", err)
		}
		options.Kernel = version
	}
	if given("landlock-abi") {
		if o.abi < 0 {
			return options, fmt.Errorf("--landlock-abi: %d is negative", o.abi)
		}
		options.LandlockABI = &o.abi
	}
	return options, nil
}

// check reports on all scripts that can be read, and then returns the first error.
func (o *checkOptions) check(paths []string, options check.Options) error {
	var failure error
	found := false
	for _, path := range paths {
		source, name, err := readScript(path)
		if err != nil {
			if failure == nil {
				failure = err
			} else {
				fmt.Fprintln(os.Stderr, "initscript: "+failureText(err))
			}
			continue
		}
		list := check.Check(source, options)
		for _, d := range list {
			found = found || o.werror || d.Severity == check.Error
		}
		if err := o.print(name, list); err != nil {
			return fmt.Errorf("output: %w", err)
		}
	}
	if failure == nil && found {
		failure = foundError{}
	}
	return failure
}

func (o *checkOptions) print(name string, list []check.Diagnostic) error {
	var text strings.Builder
	for _, d := range list {
		if !o.json {
			fmt.Fprintf(&text, "%s:%s\n", oneLine(name), oneLine(d.String()))
			continue
		}
		object, err := json.Marshal(struct {
			File string `json:"file"`
			check.Diagnostic
		}{name, d})
		if err != nil {
			return err
		}
		text.Write(append(printable.JSON(object), '\n'))
	}
	_, err := os.Stdout.WriteString(text.String())
	return err
}
