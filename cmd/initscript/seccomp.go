//go:build linux && cgo

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/go-initscript/initscript/seccomp"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

const seccompCompileHelp = `Compiles a policy, in YAML, to the filter that C.seccomp_set_mode_filter
takes in a script. The policy may be "-", the standard input. The filter
kills a process that makes system calls of another architecture, and refuses
those that are not known here, newer ones and x32, with ENOSYS.`

const seccompCompileExample = `  initscript seccomp compile -o policy.bpf policy.yaml
  initscript run --arg-file policy.bpf -e 'set_no_new_privs() local filter = C.read(arg, 32768)
    C.seccomp_set_mode_filter(filter)' -- /bin/true`

// maxPolicySize ends the reading of what is no policy, such as a device.
const maxPolicySize = 1 << 20

// systemCommands are those that only this system has.
func systemCommands() []*cobra.Command { return []*cobra.Command{newSeccompCommand()} }

func newSeccompCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "seccomp",
		Short: "Work with seccomp filters",
	}
	// Without this cobra shows the help for a command that does not exist.
	command.RunE = func(command *cobra.Command, args []string) error {
		if len(args) > 0 {
			return &usageError{fmt.Errorf("unknown command %q", args[0]), command}
		}
		return command.Help()
	}
	command.AddCommand(newSeccompCompileCommand())
	return command
}

func newSeccompCompileCommand() *cobra.Command {
	var output, arch string
	command := &cobra.Command{
		Use:                   "compile [flags] POLICY",
		Short:                 "Compile a policy to a filter for C.seccomp_set_mode_filter",
		Long:                  seccompCompileHelp,
		Example:               seccompCompileExample,
		DisableFlagsInUseLine: true,
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.StringVarP(&output, "output", "o", "-",
		"write the filter to `FILE`; -: to the standard output, if that is no terminal")
	flags.StringVar(&arch, "arch", runtime.GOARCH,
		"architecture of the program: 386, amd64, arm or arm64")
	architectures := []string{"386", "amd64", "arm", "arm64"}
	command.RegisterFlagCompletionFunc("arch",
		cobra.FixedCompletions(architectures, cobra.ShellCompDirectiveNoFileComp))
	command.RunE = func(command *cobra.Command, args []string) error {
		if len(args) != 1 {
			return &usageError{fmt.Errorf("one policy must be given, not %d", len(args)), command}
		}
		filter, err := compilePolicy(args[0], arch)
		if err != nil {
			return err
		}
		return writeFilter(output, filter)
	}
	return command
}

func compilePolicy(path, arch string) ([]byte, error) {
	text, name, err := readPolicy(path)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	policy, err := seccomp.ParsePolicy(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	filter, err := policy.CompileFor(arch)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return filter, nil
}

// readPolicy returns the text of the file, or of the standard input if path is "-", and the name
// that messages give it.
func readPolicy(path string) (text []byte, name string, err error) {
	file, name := os.Stdin, "stdin"
	if path != "-" {
		name = path
		if file, err = os.Open(path); err != nil {
			return nil, "", err
		}
		defer file.Close()
	}
	text, err = io.ReadAll(io.LimitReader(file, maxPolicySize+1))
	if err == nil && len(text) > maxPolicySize {
		err = fmt.Errorf("%s is larger than %d MiB", name, maxPolicySize>>20)
	}
	return text, name, err
}

// writeFilter writes to the file, or to the standard output if path is "-".
func writeFilter(path string, filter []byte) error {
	if path != "-" {
		if err := os.WriteFile(path, filter, 0o666); err != nil {
			return fmt.Errorf("output: %w", err)
		}
		return nil
	}
	if _, err := unix.IoctlGetTermios(unix.Stdout, unix.TCGETS); err == nil {
		return errors.New("the filter is binary: it is not written to a terminal (use -o FILE)")
	}
	if _, err := os.Stdout.Write(filter); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}
