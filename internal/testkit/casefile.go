//go:build linux

package testkit

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"
)

// CaseFile has the cases of one file in the format of txtar. The text above the first section says
// what the file is about. A section with any other name than those below is a script, and begins a
// case of that name. The sections that follow it belong to that case:
//
//	with          what the script finds, a word with its arguments on each line:
//	                  as root, as ordinary user
//	                  in NAMESPACE,...    where the script is root of a user namespace
//	                  peer [stream] [hang-up] [credentials] [pidfd]    makes descriptor 5, a socket
//	                  queued "TEXT" N     what is to be received there, with N descriptors
//	                  numbered N          "1" to "N" are queued, with a descriptor each
//	                  received "TEXT" N   what the script has sent there afterwards
//	                  anything else is the name of a Hook
//	sent          the messages of S and R, one on each line
//	then          shell commands that run after the script
//	stdout, stderr
//	file NAME     what that file contains afterwards
//	ends          how, if not with success:
//	                  fails ERRNO CALL    a call that errexit makes the end
//	                  raises MESSAGE      a Lua error
//	                  out of memory
//	                  killed SIGNAL       the script, by that signal
//	                  line N              where it failed, if not on line 1
//	                  name NAME           of the script, if it is not init.script
//	                  exits N             the script ends the process in place of the program
//	                  status N, signal SIGNAL    of the process, if the above does not imply it
//
// The sections "failures", "deaths" and "raises" have many small cases each, with an empty line between
// them. Each line of those is a word and a value, which goes on in the lines below that are indented:
//
//	about TEXT       what the case is about, where the call does not say it
//	before LUA       precedes the call
//	call LUA
//	fails ERRNO CALL    the call as *ScriptError has it
//	returns VALUES      without errexit; "-1,ERRNO" if not given
//	dies NAME ARGUMENTS what the message calls it, and its arguments as *ScriptError has them
//	raises MESSAGE
//
// What begins with a quote in "sent", "stdout", "stderr" and "file" is a Go string on each line. In Lua,
// ${NAME} stands for the text of that name in prelude.txtar, or for what value computes. An empty line
// at the end of a section does not belong to it. Lines that begin with # are comments in "with",
// "ends" and the small cases.
type CaseFile struct {
	Cases    []ScriptCase
	Failures []FailureCase
	Deaths   []DeathCase
	Raises   []RaiseCase
}

// A Hook prepares what a case needs, or skips the test; args is what follows its name.
type Hook func(t *testing.T, cmd *initscript.Cmd, args []string)

// RunCaseFile runs all cases of a file.
func RunCaseFile(t *testing.T, path string, hooks map[string]Hook) {
	t.Helper()
	file, err := LoadCases(path, hooks)
	Must(t, err)
	file.Run(t)
}

// Run runs all cases of the file as subtests.
func (f *CaseFile) Run(t *testing.T) {
	t.Helper()
	RunCases(t, f.Cases)
	RunFailures(t, f.Failures)
	RunDeaths(t, f.Deaths)
	RunRaises(t, f.Raises)
}

// LoadCases reads a file. Without hooks its cases can be looked at, but not run.
func LoadCases(path string, hooks map[string]Hook) (*CaseFile, error) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		return nil, err
	}
	parser := caseParser{hooks: hooks}
	for _, section := range archive.Files {
		text := string(section.Data)
		if text == "\n" || strings.HasSuffix(text, "\n\n") {
			text = text[:len(text)-1]
		}
		if err := parser.section(section.Name, text); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, section.Name, err)
		}
	}
	file := &parser.file
	if len(file.Cases)+len(file.Failures)+len(file.Deaths)+len(file.Raises) == 0 {
		return nil, fmt.Errorf("%s: no cases", path)
	}
	return file, nil
}

type caseParser struct {
	hooks map[string]Hook
	file  CaseFile
}

// current is the case that a section belongs to.
func (p *caseParser) current() (*ScriptCase, error) {
	if len(p.file.Cases) == 0 {
		return nil, fmt.Errorf("no script precedes it")
	}
	return &p.file.Cases[len(p.file.Cases)-1], nil
}

func (p *caseParser) section(name, text string) error {
	switch name {
	case "failures", "deaths", "raises":
		return p.entries(name, text)
	}
	parse, ok := caseSections[name]
	file, isFile := strings.CutPrefix(name, "file ")
	if !ok && !isFile {
		script, err := ExpandLua(strings.TrimSuffix(text, "\n"))
		p.file.Cases = append(p.file.Cases, ScriptCase{Name: name, Script: script})
		return err
	}
	c, err := p.current()
	if err != nil {
		return err
	}
	if isFile {
		content, err := unquoted(text)
		if c.Files == nil {
			c.Files = make(map[string]string)
		}
		c.Files[file] = content
		return err
	}
	return parse(p, c, text)
}

var caseSections map[string]func(p *caseParser, c *ScriptCase, text string) error

func init() { // its functions refer to it
	caseSections = map[string]func(p *caseParser, c *ScriptCase, text string) error{
		"with": (*caseParser).with,
		"ends": (*caseParser).ends,
		"sent": func(_ *caseParser, c *ScriptCase, text string) (err error) {
			c.Sent, err = messages(text)
			return err
		},
		"then": func(_ *caseParser, c *ScriptCase, text string) error {
			c.Then = strings.TrimSuffix(text, "\n")
			return nil
		},
		"stdout": func(_ *caseParser, c *ScriptCase, text string) (err error) {
			c.Stdout, err = unquoted(text)
			return err
		},
		"stderr": func(_ *caseParser, c *ScriptCase, text string) (err error) {
			c.Stderr, err = unquoted(text)
			return err
		},
	}
}

// messages returns the lines of a section, without quotes where they have some.
func messages(text string) ([]string, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		plain, err := unquoted(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
		lines[i] = plain
	}
	return lines, nil
}

// unquoted returns a text as it is, or, if it begins with a quote, the strings of its lines.
func unquoted(text string) (string, error) {
	if !strings.HasPrefix(text, `"`) {
		return text, nil
	}
	var plain strings.Builder
	for line := range strings.Lines(text) {
		part, err := strconv.Unquote(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return "", fmt.Errorf("%s: %w", line, err)
		}
		plain.WriteString(part)
	}
	return plain.String(), nil
}

// words calls what for the first word of each line, and the rest of that line.
func words(text string, what func(word, rest string) error) error {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		if err := what(word, strings.TrimSpace(rest)); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
	}
	return nil
}

func (p *caseParser) with(c *ScriptCase, text string) error {
	return words(text, func(word, rest string) (err error) {
		switch word {
		case "as", "in", "peer", "queued", "numbered", "received":
			return setting(&c.As, &c.In, &c.Peer, word, rest)
		}
		hook, ok := p.hooks[word]
		if !ok && p.hooks != nil {
			return fmt.Errorf("no such hook")
		}
		before := c.Set
		c.Set = func(t *testing.T, cmd *initscript.Cmd) {
			if before != nil {
				before(t, cmd)
			}
			hook(t, cmd, strings.Fields(rest))
		}
		return nil
	})
}

// setting understands what all kinds of cases have.
func setting(as *Privilege, in *initscript.Namespaces, peer **Peer, word, rest string) (err error) {
	switch word {
	case "as":
		privileges := map[string]Privilege{"root": Privileged, "ordinary user": OrdinaryUser}
		var ok bool
		if *as, ok = privileges[rest]; !ok {
			return fmt.Errorf("no such privilege")
		}
	case "in":
		*in, err = initscript.ParseNamespaces(rest)
	case "peer":
		*peer, err = newPeer(strings.Fields(rest))
	case "numbered":
		n, err := strconv.Atoi(rest)
		if err != nil {
			return err
		}
		for i := range n {
			(*peer).Queued = append((*peer).Queued, Message{strconv.Itoa(i + 1), 1})
		}
	case "queued", "received":
		if *peer == nil {
			return fmt.Errorf("there is no peer")
		}
		var m Message
		if _, err := fmt.Sscanf(rest, "%q %d", &m.Data, &m.FDs); err != nil {
			return err
		}
		if word == "queued" {
			(*peer).Queued = append((*peer).Queued, m)
		} else {
			(*peer).Received = append((*peer).Received, m)
		}
	}
	return err
}

func newPeer(options []string) (*Peer, error) {
	var peer Peer
	for _, option := range options {
		switch option {
		case "stream":
			peer.Kind = unix.SOCK_STREAM
		case "hang-up":
			peer.HangUp = true
		case "credentials":
			peer.Set = passCredentials
		case "pidfd":
			peer.Set = passPidfd
		default:
			return nil, fmt.Errorf("no such option: %s", option)
		}
	}
	return &peer, nil
}

func passCredentials(t *testing.T, socket int) {
	Must(t, unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_PASSCRED, 1))
}

func passPidfd(t *testing.T, socket int) {
	const passPidfd = 76 // SO_PASSPIDFD
	if err := unix.SetsockoptInt(socket, unix.SOL_SOCKET, passPidfd, 1); err != nil {
		t.Skipf("needs SO_PASSPIDFD (Linux 6.5): %v", err)
	}
}

func (p *caseParser) ends(c *ScriptCase, text string) error {
	failure := func() *initscript.ScriptError {
		if c.Err == nil {
			c.Err = &initscript.ScriptError{Line: 1}
		}
		return c.Err
	}
	return words(text, func(word, rest string) (err error) {
		switch word {
		case "fails":
			var f FailureCase
			if err := f.parseReport(rest); err != nil {
				return err
			}
			failure().Func, failure().Args, failure().Errno = f.reported(), f.arguments(), f.Errno
		case "raises":
			failure().Message = rest
		case "out":
			if rest != "of memory" {
				return fmt.Errorf("not known")
			}
			*failure() = *MemoryExhausted
		case "killed":
			*failure() = initscript.ScriptError{}
			failure().Signal, err = signal(rest)
		case "line":
			failure().Line, err = strconv.Atoi(rest)
		case "name":
			failure().ScriptName = rest
		case "exits":
			c.Exits = true
			c.Status, err = strconv.Atoi(rest)
		case "status":
			c.Status, err = strconv.Atoi(rest)
		case "signal":
			c.Signal, err = signal(rest)
		default:
			return fmt.Errorf("not known")
		}
		return err
	})
}

func signal(name string) (syscall.Signal, error) {
	if number := unix.SignalNum(name); number != 0 {
		return number, nil
	}
	return 0, fmt.Errorf("no such signal: %s", name)
}

func errno(name string) (syscall.Errno, error) {
	for number := syscall.Errno(1); name != "" && number < 200; number++ {
		if unix.ErrnoName(number) == name {
			return number, nil
		}
	}
	return 0, fmt.Errorf("no such errno: %s", name)
}

// entry is one small case: its words with their values.
type entry map[string]string

var entryWords = map[string][]string{
	"failures": {"about", "before", "call", "fails", "returns", "as", "in", "peer"},
	"deaths":   {"about", "call", "dies"},
	"raises":   {"call", "raises"},
}

// entries reads a section of small cases.
func (p *caseParser) entries(kind, text string) error {
	for _, paragraph := range strings.Split(text, "\n\n") {
		e, err := newEntry(kind, paragraph)
		if err == nil && len(e) > 0 {
			err = p.add(kind, e)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", paragraph, err)
		}
	}
	return nil
}

func newEntry(kind, paragraph string) (entry, error) {
	e, last := entry{}, ""
	for line := range strings.Lines(paragraph) {
		value := strings.TrimSpace(line)
		switch {
		case value == "" || strings.HasPrefix(line, "#"):
			continue
		case line[0] != ' ' && line[0] != '\t':
		case last == "":
			return nil, fmt.Errorf("%q continues nothing", value)
		default:
			e[last] += " " + value
			continue
		}
		last, value, _ = strings.Cut(value, " ")
		if !slices.Contains(entryWords[kind], last) {
			return nil, fmt.Errorf("%q is not known here", last)
		}
		if _, ok := e[last]; ok {
			return nil, fmt.Errorf("%q is there twice", last)
		}
		e[last] = strings.TrimSpace(value)
	}
	for word, value := range e {
		lua, err := ExpandLua(value)
		if err != nil {
			return nil, err
		}
		e[word] = lua
	}
	return e, nil
}

func (p *caseParser) add(kind string, e entry) error {
	if e["call"] == "" {
		return fmt.Errorf("there is no call")
	}
	if word, ok := map[string]string{"deaths": "dies", "raises": "raises"}[kind]; ok && e[word] == "" {
		return fmt.Errorf("%s is missing", word)
	}
	switch kind {
	case "failures":
		c := FailureCase{Name: e["about"], Before: e["before"], Call: e["call"], Results: e["returns"]}
		if err := c.parseReport(e["fails"]); err != nil {
			return err
		}
		for _, word := range []string{"as", "in", "peer"} {
			value, ok := e[word]
			if !ok {
				continue
			}
			if err := setting(&c.As, &c.In, &c.Peer, word, value); err != nil {
				return err
			}
		}
		p.file.Failures = append(p.file.Failures, c)
	case "deaths":
		part, report, _ := strings.Cut(e["dies"], " ")
		c := DeathCase{Name: e["about"], Call: e["call"], Part: part, Report: report}
		p.file.Deaths = append(p.file.Deaths, c)
	case "raises":
		p.file.Raises = append(p.file.Raises, RaiseCase{Call: e["call"], Message: e["raises"]})
	}
	return nil
}

// parseReport reads "ERRNO FUNCTION(ARGUMENTS)".
func (c *FailureCase) parseReport(text string) (err error) {
	name, report, _ := strings.Cut(text, " ")
	c.Report = report
	c.Errno, err = errno(name)
	return err
}

func (c *FailureCase) reported() string {
	function, _, _ := strings.Cut(c.Report, "(")
	return function
}

func (c *FailureCase) arguments() []string {
	_, arguments, _ := strings.Cut(strings.TrimSuffix(c.Report, ")"), "(")
	if arguments == "" {
		return nil
	}
	return strings.Split(arguments, ", ")
}

// CaseFiles returns the cases of all files of a directory, to look at.
func CaseFiles(directory string) (*CaseFile, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, err
	}
	var all CaseFile
	for _, entry := range entries {
		file, err := LoadCases(directory+"/"+entry.Name(), nil)
		if err != nil {
			return nil, err
		}
		all.Cases = append(all.Cases, file.Cases...)
		all.Failures = append(all.Failures, file.Failures...)
		all.Deaths = append(all.Deaths, file.Deaths...)
		all.Raises = append(all.Raises, file.Raises...)
	}
	return &all, nil
}
