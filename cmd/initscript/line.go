//go:build (linux || freebsd) && cgo

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// lineReader reads lines: from a terminal with editing, history and completion, from anything else
// as they are.
type lineReader struct {
	input    *os.File
	output   *os.File
	plain    *bufio.Reader  // what is no terminal
	terminal *term.Terminal // nil if it is none
	names    []string

	mu    sync.Mutex
	saved *term.State // the terminal's, while a line is edited
}

func newLineReader(input, output *os.File) *lineReader {
	r := &lineReader{input: input, output: output}
	if !term.IsTerminal(int(input.Fd())) || !term.IsTerminal(int(output.Fd())) {
		r.plain = bufio.NewReader(input)
		return r
	}
	r.terminal = term.NewTerminal(&struct {
		io.Reader
		io.Writer
	}{&interruptReader{input: input}, output}, "")
	r.terminal.History = &history{}
	r.terminal.AutoCompleteCallback = r.complete
	return r
}

func (r *lineReader) isTerminal() bool { return r.terminal != nil }

// setNames sets what can be completed.
func (r *lineReader) setNames(names []string) { r.names = names }

// read returns the next line without its end. errLineDropped: Ctrl-C; io.EOF: Ctrl-D, or there are no
// more lines.
func (r *lineReader) read(prompt string) (string, error) {
	if !r.isTerminal() {
		line, err := r.plain.ReadString('\n')
		if line != "" && err == io.EOF {
			err = nil
		}
		return strings.TrimRight(line, "\r\n"), err
	}
	if err := r.makeRaw(); err != nil {
		return "", err
	}
	r.terminal.SetPrompt(prompt)
	if width, height, err := term.GetSize(int(r.input.Fd())); err == nil && width > 0 {
		r.terminal.SetSize(width, height)
	}
	line, err := r.terminal.ReadLine()
	r.restore()
	switch {
	case err == io.EOF:
		fmt.Fprintln(r.output)
	case err == term.ErrPasteIndicator:
		err = nil
	case line == interruptedLine:
		err = errLineDropped
	}
	return line, err
}

func (r *lineReader) makeRaw() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	state, err := term.MakeRaw(int(r.input.Fd()))
	r.saved = state
	return err
}

// restore leaves the terminal as it was before a line was edited.
func (r *lineReader) restore() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.saved != nil {
		term.Restore(int(r.input.Fd()), r.saved)
		r.saved = nil
	}
}

// interruptedLine stands for a line that Ctrl-C has ended. It is never Lua.
const interruptedLine = "^C"

// interruptReader has Ctrl-C drop a line; term.Terminal takes it for the end of all input.
type interruptReader struct {
	input   io.Reader
	pending []byte
}

func (r *interruptReader) Read(p []byte) (int, error) {
	if len(r.pending) == 0 {
		buffer := make([]byte, 256)
		n, err := r.input.Read(buffer)
		if n == 0 {
			return 0, err
		}
		const ctrlE, ctrlU = "\x05", "\x15" // to the end, erase to the beginning
		text := strings.ReplaceAll(string(buffer[:n]), "\x03", ctrlE+ctrlU+interruptedLine+"\r")
		r.pending = []byte(text)
	}
	n := copy(p, r.pending)
	r.pending = r.pending[n:]
	return n, nil
}

// history keeps the lines that are worth it.
type history struct{ lines []string }

const maxHistory = 1000

func (h *history) Len() int { return len(h.lines) }

// At returns the newest line for 0.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }

func (h *history) Add(line string) {
	if strings.TrimSpace(line) == "" || line == interruptedLine || h.Len() > 0 && h.At(0) == line {
		return
	}
	if h.lines = append(h.lines, line); len(h.lines) > maxHistory {
		h.lines = h.lines[1:]
	}
}

// complete completes the name before the cursor as far as it is unique, and shows all candidates if
// that is not further.
func (r *lineReader) complete(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' {
		return "", 0, false
	}
	word := line[nameStart(line[:pos]):pos]
	var candidates []string
	for _, name := range r.names {
		if strings.HasPrefix(name, word) && word != "" {
			candidates = append(candidates, name)
		}
	}
	if len(candidates) == 0 {
		return "", 0, false
	}
	if more := commonPrefix(candidates)[len(word):]; more != "" {
		return line[:pos] + more + line[pos:], pos + len(more), true
	}
	if len(candidates) > 1 {
		fmt.Fprintln(r.terminal, strings.Join(candidates, "  "))
	}
	return "", 0, false
}

// nameStart returns where the name begins that ends the text: letters, digits, "_" and ".".
func nameStart(text string) int {
	return strings.LastIndexFunc(text, func(c rune) bool {
		return !(c == '_' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' ||
			'A' <= c && c <= 'Z')
	}) + 1
}

func commonPrefix(names []string) string {
	prefix := names[0]
	for _, name := range names {
		for !strings.HasPrefix(name, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix
}
