package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// Each test here is run with the program as the direct child and with an init process between.
var namespaceVariants = []struct {
	name  string
	flags []string
}{
	{"child", nil},
	{"pid namespace", []string{"--ns", "user,pid", "--map-root"}},
}

func forEachVariant(t *testing.T, test func(t *testing.T, flags []string)) {
	handleIgnoredSignals()
	for _, variant := range namespaceVariants {
		t.Run(variant.name, func(t *testing.T) {
			if variant.flags != nil {
				requireUserNamespaces(t)
			}
			test(t, append(variant.flags, "--env", "PATH=/usr/bin:/bin", "--status-fd", "3"))
		})
	}
}

// handleIgnoredSignals lets the tests begin with default dispositions, also where the caller of the
// test ignores signals: what has a handler here is at its default in a new process.
func handleIgnoredSignals() {
	for _, sig := range forwardedSignals {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
}

// printSignals is a program that prints each signal with its number, until it reads the line "done".
// Its exit status is 40 and the number of signals. (The traps of a shell that reads may be late.)
func printSignals() {
	incoming := make(chan os.Signal, 16)
	signal.Notify(incoming, forwardedSignals...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for input := bufio.NewScanner(os.Stdin); input.Scan() && input.Text() != "done"; {
		}
	}()
	fmt.Println("ready")
	for count := 0; ; {
		select {
		case sig := <-incoming:
			count++
			fmt.Println(count, unix.SignalName(sig.(syscall.Signal)))
		case <-done:
			os.Exit(40 + count + len(incoming))
		}
	}
}

func signalPrinter(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("print-signals")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// session is a command whose output is read as it comes. Its descriptor 3 is for status events.
type session struct {
	t              *testing.T
	command        *exec.Cmd
	input          io.Writer
	output, status *bufio.Reader
}

// startOnTerminal makes the command the leader of a session on a new terminal.
func startOnTerminal(t *testing.T, command *exec.Cmd) *session {
	t.Helper()
	status := openStatusPipe(t, command)
	terminal, err := pty.Start(command)
	if err != nil {
		t.Fatal(err)
	}
	command.ExtraFiles[0].Close()
	t.Cleanup(func() { terminal.Close() })
	keepOutput(t, terminal)
	pollable := os.NewFile(duplicate(t, terminal), terminal.Name())
	t.Cleanup(func() { pollable.Close() })
	if err := pollable.SetDeadline(time.Now().Add(testTimeout)); err != nil {
		t.Fatal(err)
	}
	return &session{t, command, pollable, bufio.NewReader(pollable), status}
}

// startDetached starts the command without a terminal.
func startDetached(t *testing.T, command *exec.Cmd) *session {
	t.Helper()
	status := openStatusPipe(t, command)
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	command.Stderr = t.Output()
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	command.ExtraFiles[0].Close()
	return &session{t, command, input, bufio.NewReader(output), status}
}

// openStatusPipe gives the command its descriptor 3.
func openStatusPipe(t *testing.T, command *exec.Cmd) *bufio.Reader {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close(); writer.Close() })
	if err := reader.SetDeadline(time.Now().Add(testTimeout)); err != nil {
		t.Fatal(err)
	}
	command.ExtraFiles = []*os.File{writer}
	return bufio.NewReader(reader)
}

// keepOutput has the terminal not forget what is still unread when it sends a signal.
func keepOutput(t *testing.T, terminal *os.File) {
	t.Helper()
	settings, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err == nil {
		settings.Lflag |= unix.NOFLSH
		err = unix.IoctlSetTermios(int(terminal.Fd()), unix.TCSETS, settings)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// duplicate returns a non-blocking descriptor of the file.
func duplicate(t *testing.T, file *os.File) uintptr {
	t.Helper()
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	return uintptr(fd)
}

// await reads the output up to a line that ends with text.
func (s *session) await(text string) {
	s.t.Helper()
	awaitLine(s.t, s.output, text)
}

// awaitProgram waits until the program says that it is ready, and the command knows that the script
// has ended.
func (s *session) awaitProgram() {
	s.t.Helper()
	awaitLine(s.t, s.status, `{"event":"script-done"}`)
	s.await("ready")
}

func awaitLine(t *testing.T, reader *bufio.Reader, end string) {
	t.Helper()
	var before strings.Builder
	for {
		line, err := reader.ReadString('\n')
		before.WriteString(line)
		if strings.HasSuffix(strings.TrimRight(line, "\r\n"), end) {
			return
		}
		if err != nil {
			t.Fatalf("%q does not come: %v; instead:\n%s", end, err, before.String())
		}
	}
}

func (s *session) typeKeys(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.input, keys); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.command.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) awaitStop() {
	s.t.Helper()
	var status unix.WaitStatus
	_, err := unix.Wait4(s.command.Process.Pid, &status, unix.WUNTRACED, nil)
	if err != nil || !status.Stopped() {
		s.t.Fatalf("the command does not stop: %v, status %#x", err, status)
	}
}

// exitsWith waits for the end of the command.
func (s *session) exitsWith(want int) {
	s.t.Helper()
	rest, _ := io.ReadAll(s.output) // a terminal ends with EIO
	if got := exitCode(s.t, s.command.Wait()); got != want {
		s.t.Errorf("exit status %d, want %d; output:\n%s", got, want, rest)
	}
}

const (
	ctrlC         = "\x03"
	ctrlZ         = "\x1a"
	ctrlBackslash = "\x1c"

	loopingScript = `print("ready") io.stdout:flush() while true do end`
)

func TestTerminalEndsProgram(t *testing.T) {
	forEachVariant(t, func(t *testing.T, flags []string) {
		for _, test := range []struct {
			name, script, key string
			status            int
		}{
			{"SIGINT", "", ctrlC, 130},
			{"SIGQUIT", "", ctrlBackslash, 131},
			{"SIGINT in another session", "C.setsid()", ctrlC, 130},
		} {
			t.Run(test.name, func(t *testing.T) {
				args := append(flags, "-e", test.script, "--", "sh", "-c", "ulimit -c 0; echo "+
					"ready; exec cat")
				s := startOnTerminal(t, newInitscript(t, args...))
				s.awaitProgram()
				s.typeKeys(test.key)
				s.exitsWith(test.status)
			})
		}
	})
}

// The program decides what an interrupt means.
func TestTerminalInterruptsProgram(t *testing.T) {
	forEachVariant(t, func(t *testing.T, flags []string) {
		s := startOnTerminal(t, newInitscript(t, append(flags, "-e", "", "--", signalPrinter(t))...))
		s.awaitProgram()
		s.typeKeys(ctrlC)
		s.await("1 SIGINT")
		s.typeKeys(ctrlC)
		s.await("2 SIGINT")
		s.typeKeys("done\n")
		s.exitsWith(42)
	})
}

// The command must not send what the terminal has sent already. It is stopped meanwhile, so that a
// second interrupt could not merge with the first.
func TestTerminalInterruptsProgramOnce(t *testing.T) {
	forEachVariant(t, func(t *testing.T, flags []string) {
		s := startOnTerminal(t, newInitscript(t, append(flags, "-e", "", "--", signalPrinter(t))...))
		s.awaitProgram()
		s.signal(unix.SIGSTOP)
		s.awaitStop()
		s.typeKeys(ctrlC)
		s.await("1 SIGINT")
		s.signal(unix.SIGUSR1)
		s.signal(unix.SIGCONT)
		s.await("2 SIGUSR1")
		s.typeKeys("done\n")
		s.exitsWith(42)
	})
}

func TestTerminalEndsScript(t *testing.T) {
	forEachVariant(t, func(t *testing.T, flags []string) {
		s := startOnTerminal(t, newInitscript(t, append(flags, "-e", loopingScript)...))
		s.await("ready")
		s.typeKeys(ctrlC)
		s.exitsWith(130)
	})
}

// The shell must see the command stop, or it would not come back.
func TestTerminalStopsCommand(t *testing.T) {
	const shell = `set -m
		initscript run "$@" -e '' -- sh -c 'echo ready; exec cat'
		echo "stopped $?"
		fg
		echo "ended $?"`
	forEachVariant(t, func(t *testing.T, flags []string) {
		s := startOnTerminal(t, newShell(t, shell, flags...))
		s.awaitProgram()
		s.typeKeys(ctrlZ)
		s.await("stopped 148")
		s.typeKeys("again\n")
		s.await("again") // the terminal's echo
		s.await("again") // the program's
		s.typeKeys(ctrlC)
		s.await("ended 130")
		s.exitsWith(0)
	})
}

// A background job gets nothing from the terminal: what it gets is meant for it alone.
func TestBackgroundJobForwardsInterrupt(t *testing.T) {
	const shell = `set -m
		initscript run "$@" -e '' -- "$PROGRAM" <"$FIFO" &
		read line
		kill -INT $!
		read line
		echo done >"$FIFO"
		wait $!
		echo "ended $?"`
	forEachVariant(t, func(t *testing.T, flags []string) {
		fifo := filepath.Join(t.TempDir(), "fifo")
		if err := unix.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		keepOpen, err := os.OpenFile(fifo, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer keepOpen.Close()
		command := newShell(t, shell, flags...)
		command.Env = append(os.Environ(), "FIFO="+fifo, "PROGRAM="+signalPrinter(t))
		s := startOnTerminal(t, command)
		s.awaitProgram()
		s.typeKeys("go on\n")
		s.await("1 SIGINT")
		s.typeKeys("go on\n")
		s.await("ended 41")
		s.exitsWith(0)
	})
}

func TestSignalIsForwarded(t *testing.T) {
	signals := []syscall.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2}
	forEachVariant(t, func(t *testing.T, flags []string) {
		s := startDetached(t, newInitscript(t, append(flags, "-e", "", "--", signalPrinter(t))...))
		s.awaitProgram()
		for i, sig := range signals {
			s.signal(sig)
			s.await(fmt.Sprintf("%d %s", i+1, unix.SignalName(sig)))
		}
		s.typeKeys("done\n")
		s.exitsWith(40 + len(signals))
	})
}

func TestSignalEndsProgram(t *testing.T) {
	forEachVariant(t, func(t *testing.T, flags []string) {
		for _, sig := range []syscall.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGTERM, unix.SIGUSR1,
			unix.SIGUSR2} {
			t.Run(unix.SignalName(sig), func(t *testing.T) {
				s := startDetached(
					t,
					newInitscript(
						t,
						append(flags, "-e", "", "--", "sh", "-c", "echo ready; exec cat")...),
				)
				s.awaitProgram()
				s.signal(sig)
				s.exitsWith(128 + int(sig))
			})
		}
	})
}

func TestSignalEndsScript(t *testing.T) {
	forEachVariant(t, func(t *testing.T, flags []string) {
		for _, sig := range []syscall.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM} {
			t.Run(unix.SignalName(sig), func(t *testing.T) {
				s := startDetached(t, newInitscript(t, append(flags, "-e", loopingScript)...))
				s.await("ready")
				s.signal(sig)
				s.exitsWith(128 + int(sig))
			})
		}
	})
}

// What the caller ignores, as nohup(1) does, ends neither the command nor the program.
func TestIgnoredSignalStaysIgnored(t *testing.T) {
	const shell = `trap "" HUP
		exec initscript run "$@" -e "" -- sh -c "echo ready; exec cat"`
	forEachVariant(t, func(t *testing.T, flags []string) {
		s := startDetached(t, newShell(t, shell, flags...))
		s.awaitProgram()
		s.signal(unix.SIGHUP)
		s.signal(unix.SIGTERM)
		s.exitsWith(128 + int(unix.SIGTERM))
	})
}
