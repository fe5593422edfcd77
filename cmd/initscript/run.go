//go:build (linux || freebsd) && cgo

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/go-initscript/initscript"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const runHelp = `Runs the init script in a new process, then PROGRAM in its place. SCRIPT may be "-",
the standard input. PROGRAM is an absolute path, or is looked up in the PATH that
--env gives, below the root that the script made. Its environment is what --env
gives and nothing else. Without PROGRAM the process ends after the script. Standard
input, output and error are shared.

Exit status: that of PROGRAM; 128+n if signal n ended it; 125 if the script failed
or the process could not be set up; 126 if PROGRAM could not be executed; 127 if it
was not found. A script that ends the process itself, as os.exit does, gives its own
status: PROGRAM has not run then, and the event is failed.

SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 are forwarded to the process; SIGINT and
SIGQUIT too, unless both are in the foreground of the terminal, which sends them
there itself. While the script runs, SIGTERM, SIGHUP, SIGINT and SIGQUIT end it,
with status 128+n.

With --status-fd each of these events is one line of JSON: started (pid),
script-done, exited (status or signal, user_ms, system_ms, max_rss in bytes), failed
(kind, message, and what is known of func, args, errno, line, traceback, signal,
status).

` + traceHelp

const runExample = `  initscript run --ns user,uts --map-root -e 'C.sethostname("box")' -- /bin/hostname
  initscript run --ns user,mount,pid,net,uts,ipc --map-root --env PATH=/usr/bin:/bin box.lua -- sh`

type runOptions struct {
	namespaces     namespacesFlag
	mapRoot        bool
	uidMap, gidMap idMapFlag
	env            []string
	argFile        string
	code           string
	memoryLimit    sizeFlag
	dir            string
	statusFD       int
	trace          traceOptions

	codeGiven, statusGiven bool
}

func newRunCommand() *cobra.Command {
	o := &runOptions{memoryLimit: initscript.DefaultMemoryLimit}
	command := &cobra.Command{
		Use:                   "run [flags] {-e CODE | SCRIPT} [-- PROGRAM ARG...]",
		Short:                 "Run a script, then a program in its place",
		Long:                  runHelp,
		Example:               runExample,
		DisableFlagsInUseLine: true,
	}
	flags := command.Flags()
	flags.SetInterspersed(false) // what follows SCRIPT is not ours
	flags.SortFlags = false
	o.addSandboxFlags(flags)
	flags.StringVar(&o.argFile, "arg-file", "",
		"open `PATH` for reading; arg is the descriptor in the script")
	flags.StringVarP(&o.code, "code", "e", "", "the script itself, `CODE` in Lua")
	o.trace.addTo(flags)
	flags.IntVar(&o.statusFD, "status-fd", 0, "write status events to descriptor `N`")
	command.RegisterFlagCompletionFunc("ns", completeNamespaces)
	command.RunE = func(command *cobra.Command, args []string) error {
		script, program, err := o.splitArguments(command, args)
		if err != nil {
			return &usageError{err, command}
		}
		return o.run(script, program)
	}
	return command
}

// addSandboxFlags adds the flags that say in what the script runs.
func (o *runOptions) addSandboxFlags(flags *pflag.FlagSet) {
	flags.Var(&o.namespaces, "ns", "new namespaces: user,mount,pid,net,uts,ipc,cgroup,time")
	flags.BoolVar(&o.mapRoot, "map-root", false, "map root in the user namespace to the caller")
	flags.Var(&o.uidMap, "uid-map", "map N user ids from IN in the user namespace to OUT (repeatable)")
	flags.Var(&o.gidMap, "gid-map", "the same for group ids (repeatable)")
	flags.StringArrayVar(&o.env, "env", nil,
		"environment `K=V` of the program; K: the caller's value (repeatable)")
	flags.StringVarP(&o.dir, "chdir", "C", "", "working directory `DIR` in which the script starts")
	flags.Var(&o.memoryLimit, "memory-limit", "what the script may use, in bytes, or with K, M or G")
}

// splitArguments returns the path of the script, unless that is given by -e, and the program.
func (o *runOptions) splitArguments(
	command *cobra.Command, args []string,
) (script string, program []string, err error) {
	o.codeGiven = command.Flags().Changed("code")
	o.statusGiven = command.Flags().Changed("status-fd")
	// Parsing has stopped at SCRIPT, and then left "--" where it is, or at "--".
	if command.ArgsLenAtDash() == 0 {
		args = slices.Insert(args, 0, "--")
	}
	if !o.codeGiven {
		if len(args) == 0 || args[0] == "--" {
			return "", nil, errors.New("no script is given")
		}
		script, args = args[0], args[1:]
	}
	if len(args) == 0 {
		return script, nil, nil
	}
	if args[0] != "--" {
		return "", nil, fmt.Errorf(`unexpected %q: flags go before the script, the program after "--"`,
			args[0])
	}
	if len(args) == 1 || args[1] == "" {
		return "", nil, errors.New(`no program is given after "--"`)
	}
	return script, args[1:], nil
}

func (o *runOptions) run(script string, program []string) error {
	var status *statusWriter
	if o.statusGiven {
		var err error
		if status, err = openStatus(o.statusFD); err != nil {
			return err
		}
	}
	command, err := o.command(script, program)
	if err != nil {
		status.failed(err)
		return err
	}
	return execute(command, status)
}

// command makes what the options say.
func (o *runOptions) command(script string, program []string) (*initscript.Cmd, error) {
	command := &initscript.Cmd{
		Script:      o.code,
		ScriptName:  "command line",
		Namespaces:  initscript.Namespaces(o.namespaces),
		UIDMap:      o.uidMap,
		GIDMap:      o.gidMap,
		Dir:         o.dir,
		Stdin:       os.Stdin,
		Stdout:      os.Stdout,
		Stderr:      os.Stderr,
		MemoryLimit: int64(o.memoryLimit),
	}
	if len(program) > 0 {
		command.Path, command.Args = program[0], program
	}
	if err := o.mapIDs(command); err != nil {
		return nil, err
	}
	if err := o.trace.apply(command); err != nil {
		return nil, err
	}
	var err error
	if command.Env, err = environment(o.env); err != nil {
		return nil, err
	}
	if o.argFile != "" {
		if command.Arg, err = os.Open(o.argFile); err != nil {
			return nil, fmt.Errorf("--arg-file: %w", err)
		}
	}
	if !o.codeGiven {
		command.Script, command.ScriptName, err = readScript(script)
	}
	return command, err
}

func (o *runOptions) mapIDs(command *initscript.Cmd) error {
	hasMaps := len(o.uidMap)+len(o.gidMap) > 0
	switch {
	case o.mapRoot && hasMaps:
		return errors.New("--map-root and --uid-map or --gid-map exclude each other")
	case o.mapRoot && command.Namespaces&initscript.NewUser == 0:
		return errors.New("--map-root needs user in --ns")
	case hasMaps && command.Namespaces&initscript.NewUser == 0:
		return errors.New("--uid-map and --gid-map need user in --ns")
	case o.mapRoot:
		command.UIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		command.GIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return nil
}
