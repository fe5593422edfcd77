//go:build (linux || freebsd) && cgo

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/printable"
	"github.com/go-initscript/initscript/lua"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

const replHelp = `Reads lines and runs each as an init script would, in one new process, with errexit
off. What a line returns is shown, with the name of errno behind what has failed. A
line that is not complete goes on with the next one. Local variables live for one
line.

On a terminal lines can be edited and recalled, and Tab completes names. Ctrl-D ends
the session; then PROGRAM, if there is one, takes the place of the process. Ctrl-C
drops the line that is typed; while a line runs, it ends the process. A call that
ends the process, or executes a program, ends the session.

Exit status: 0, or as with "initscript run".`

const replExample = `  initscript repl --ns user,mount,pid --map-root
  echo 'C.mkdir("/x", mode(7, 0, 0))' | initscript repl
  initscript repl --ns user,mount --map-root --env PATH=/usr/bin:/bin -- sh`

func newReplCommand() *cobra.Command {
	o := &runOptions{memoryLimit: initscript.DefaultMemoryLimit, code: lua.REPL, codeGiven: true}
	command := &cobra.Command{
		Use:                   "repl [flags] [-- PROGRAM ARG...]",
		Short:                 "Run what is typed, line by line, in a new process",
		Long:                  replHelp,
		Example:               replExample,
		DisableFlagsInUseLine: true,
	}
	command.Flags().SortFlags = false
	o.addSandboxFlags(command.Flags())
	command.RegisterFlagCompletionFunc("ns", completeNamespaces)
	command.RunE = func(command *cobra.Command, args []string) error {
		if len(args) > 0 && command.ArgsLenAtDash() != 0 {
			return &usageError{
				fmt.Errorf(`unexpected %q: the program goes after "--"`, args[0]), command,
			}
		}
		return o.runREPL(args)
	}
	return command
}

func (o *runOptions) runREPL(program []string) error {
	command, err := o.command("", program)
	if err != nil {
		return err
	}
	command.ScriptName = "repl"
	host, child, err := openSocketpair()
	if err != nil {
		return err
	}
	defer host.Close()
	command.Arg = child
	lines := newLineReader(os.Stdin, os.Stdout)
	if !lines.isTerminal() {
		command.Stdin = nil // the lines are not for what they call
	}
	signals := catchSignals()
	err = command.Start()
	child.Close()
	if err != nil {
		return err
	}
	signals.forwardTo(command.Process, command.Namespaces&initscript.NewPID != 0)
	r := &repl{socket: host, answers: receiveMessages(host), lines: lines}
	finished := r.run()
	lines.restore()
	unix.Shutdown(int(host.Fd()), unix.SHUT_RDWR) // close would wait for the goroutine that reads
	if command.WaitScript() == nil {
		signals.scriptEnded()
	}
	err = command.Wait()
	if signal := signals.interrupted(); signal != 0 && endSignal(err) != 0 {
		err = &interruptError{signal}
	}
	if !finished && failureText(err) == "" {
		fmt.Fprintf(os.Stderr, "initscript: the process has ended: %v\n", command.ProcessState)
	}
	return err
}

func openSocketpair() (host, child *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return os.NewFile(uintptr(pair[0]), "host's end"), os.NewFile(uintptr(pair[1]), "child's end"), nil
}

// receiveMessages returns what arrives. The channel is closed when nothing can any more.
func receiveMessages(socket *os.File) <-chan string {
	messages := make(chan string)
	go func() {
		defer close(messages)
		buffer := make([]byte, 1<<17)
		for {
			n, err := socket.Read(buffer)
			if n <= 0 || err != nil {
				return
			}
			messages <- string(buffer[:n])
		}
	}()
	return messages
}

// repl is the host's side of a session; lua/repl.lua is the other.
type repl struct {
	socket  *os.File
	answers <-chan string
	lines   *lineReader
}

const (
	prompt         = "> "
	continuePrompt = ">> "
	maxCode        = 65536 // as in lua/repl.lua
)

// run returns true at the end of the input, false if the session has ended by itself.
func (r *repl) run() bool {
	names, alive := <-r.answers
	r.lines.setNames(strings.Split(printable.Lines(names), "\n"))
	for code := ""; alive; {
		line, err := r.readLine(code != "")
		switch {
		case errors.Is(err, errSessionEnded):
			return false
		case errors.Is(err, errLineDropped):
			code = ""
			continue
		case err != nil:
			if err != io.EOF {
				r.complain(err.Error())
			} else if code != "" {
				r.complain("the last line is not complete")
			}
			return true
		}
		if code += line; strings.TrimSpace(code) == "" {
			code = ""
			continue
		}
		if len(code) > maxCode {
			r.complain(fmt.Sprintf("the line is longer than %d bytes", maxCode))
			code = ""
			continue
		}
		var more bool
		if more, alive = r.evaluate(code); more {
			code += "\n"
		} else {
			code = ""
		}
	}
	return false
}

var (
	errSessionEnded = errors.New("the session has ended")
	errLineDropped  = errors.New("the line is dropped")
)

// readLine returns the next line, or errSessionEnded if the process ends meanwhile.
func (r *repl) readLine(isContinued bool) (string, error) {
	text := prompt
	if isContinued {
		text = continuePrompt
	}
	type result struct {
		line string
		err  error
	}
	read := make(chan result, 1)
	go func() {
		line, err := r.lines.read(text)
		read <- result{line, err}
	}()
	select {
	case got := <-read:
		return got.line, got.err
	case _, alive := <-r.answers:
		if !alive {
			return "", errSessionEnded
		}
		return "", errors.New("an answer without a question")
	}
}

// evaluate has the code run and shows its results, or its error.
func (r *repl) evaluate(code string) (more, alive bool) {
	if _, err := r.socket.Write([]byte(code)); err != nil {
		return false, false
	}
	var text strings.Builder
	for answer := range r.answers {
		switch answer[0] {
		case 'T':
			text.WriteString(answer[1:])
		case 'M':
			return true, true
		case 'V':
			if text.Len() > 0 {
				fmt.Println("=> " + printable.Lines(text.String()) + errnoSuffix(answer[1:]))
			}
			return false, true
		case 'E':
			r.complain(text.String())
			return false, true
		}
	}
	return false, false
}

func errnoSuffix(number string) string {
	errno, err := strconv.Atoi(number)
	name := unix.ErrnoName(unix.Errno(errno))
	if err != nil || errno == 0 || name == "" {
		return ""
	}
	return " (" + name + ")"
}

func (r *repl) complain(text string) { fmt.Fprintln(os.Stderr, printable.Lines(text)) }
