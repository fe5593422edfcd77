package main

import (
	"strings"
	"testing"
)

// startREPL starts a session on a terminal.
func startREPL(t *testing.T, flags ...string) *session {
	t.Helper()
	s := startOnTerminal(t, newProcess(t, "initscript", append([]string{"repl"}, flags...)...))
	s.awaitText("> ")
	return s
}

// awaitText reads until the text has come, which need not be the end of a line.
func (s *session) awaitText(text string) {
	s.t.Helper()
	var before strings.Builder
	for !strings.HasSuffix(before.String(), text) {
		c, err := s.output.ReadByte()
		if err != nil {
			s.t.Fatalf("%q does not come: %v; instead:\n%s", text, err, before.String())
		}
		before.WriteByte(c)
	}
}

const (
	enter = "\r"
	up    = "\x1b[A"
	tab   = "\t"
	ctrlD = "\x04"
)

func TestREPLOnTerminal(t *testing.T) {
	handleIgnoredSignals()
	s := startREPL(t)
	for _, step := range []struct{ keys, await string }{
		{"1 + 1" + enter, "=> 2\r\n> "},
		{"C.chdir('/nope')" + enter, "=> -1, 2 (ENOENT)\r\n> "},
		{"x = {" + enter, ">> "},
		{"5}" + enter, "> "},
		{"x[1]" + enter, "=> 5\r\n> "},
		{up + enter, "=> 5\r\n> "},
		{"dropped(" + ctrlC, "> "},
		{"y = {" + enter, ">> "},
		{ctrlC, "> "},
		{"y" + enter, "=> nil\r\n> "},
		// what was dropped with Ctrl-C is not recalled, what was entered is
		{up + up + enter, "y = {\r\n>> "},
		{"}" + enter, "> "},
		{"1 +" + tab + " 2" + enter, "=> 3\r\n> "},
		{"C.seccomp_s" + tab, "C.seccomp_set_mode_filter"},
		{" == nil" + enter, "=> false\r\n> "},
		{"C.gete" + tab, "C.getegid  C.geteuid\r\n> C.gete"},
		{"u" + tab + "() * 0" + enter, "=> 0\r\n> "},
		{"io.read()" + enter, "io.read()\r\n"}, // the terminal is its input
		{"typed\n", "=> \"typed\"\r\n> "},
		{"print('out')" + enter, "out\r\n> "},
		{"nonsense nonsense" + enter, "near 'nonsense'\r\n> "},
	} {
		s.typeKeys(step.keys)
		s.awaitText(step.await)
	}
	s.typeKeys(ctrlD)
	s.exitsWith(0)
}

// What is executed has the terminal as it was.
func TestREPLGivesTerminalToProgram(t *testing.T) {
	handleIgnoredSignals()
	for name, start := range map[string]func(*testing.T) *session{
		"by the script": func(t *testing.T) *session {
			s := startREPL(t)
			s.typeKeys(`C.execve("/bin/sh", {"sh", "-c", "stty -a | grep -ow -e -echo -e echo; ` +
				`read l; echo got $l; exit 5"}, {PATH = "/usr/bin:/bin"})` + enter)
			return s
		},
		"at the end": func(t *testing.T) *session {
			s := startREPL(t, "--env", "PATH=/usr/bin:/bin", "--", "sh", "-c", "stty -a | grep "+
				"-ow -e -echo -e echo; read l; echo got $l; exit 5")
			s.typeKeys(ctrlD)
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			s.awaitText("\r\necho\r\n")
			s.typeKeys("a line\n")
			s.awaitText("got a line\r\n")
			s.exitsWith(5)
		})
	}
}

func TestREPLInterruptEndsRunningLine(t *testing.T) {
	handleIgnoredSignals()
	for _, variant := range namespaceVariants {
		t.Run(variant.name, func(t *testing.T) {
			if variant.flags != nil {
				requireUserNamespaces(t)
			}
			s := startREPL(t, variant.flags...)
			s.typeKeys(`io.write("running") io.stdout:flush() while true do end` + enter)
			s.awaitText("\r\nrunning")
			s.typeKeys(ctrlC)
			s.exitsWith(130)
		})
	}
}

// A process that something else ends, ends the session at its prompt.
func TestREPLEndsWithItsProcess(t *testing.T) {
	handleIgnoredSignals()
	s := startREPL(t)
	s.typeKeys("C.prctl(C.PR_SET_PDEATHSIG, 0)" + enter)
	s.awaitText("=> 0, 0\r\n> ")
	s.signal(15)
	s.awaitText("killed by signal: terminated\r\n")
	s.exitsWith(143)
}

func TestHistory(t *testing.T) {
	var h history
	for _, line := range []string{"a", "b", "b", " ", interruptedLine, "a"} {
		h.Add(line)
	}
	if h.Len() != 3 || h.At(0) != "a" || h.At(1) != "b" || h.At(2) != "a" {
		t.Errorf("%q", h.lines)
	}
	for range maxHistory {
		h.Add("x")
		h.Add("y")
	}
	if h.Len() != maxHistory || h.At(0) != "y" {
		t.Errorf("%d lines", h.Len())
	}
}
