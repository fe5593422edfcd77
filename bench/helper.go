//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// helper is a process that makes starts of its own on demand, and measures them; see
// limit/limit.c for what is said.
type helper struct {
	process *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Reader
	broken  error // it could not be started
}

func startHelper(path string) (*helper, error) {
	h := &helper{process: exec.Command(path)}
	h.process.Stderr = os.Stderr
	var err error
	if h.input, err = h.process.StdinPipe(); err != nil {
		return nil, err
	}
	output, err := h.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h.output = bufio.NewReader(output)
	if err := h.process.Start(); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *helper) close() {
	if h == nil || h.broken != nil {
		return
	}
	h.input.Close() // it ends then
	h.process.Wait()
}

// ask sends one command and returns the number it is answered with.
func (h *helper) ask(format string, args ...any) (int64, error) {
	if h.broken != nil {
		return 0, h.broken
	}
	if _, err := fmt.Fprintf(h.input, format+"\n", args...); err != nil {
		return 0, err
	}
	answer, err := h.output.ReadString('\n')
	if err != nil {
		return 0, err
	}
	answer = strings.TrimSuffix(answer, "\n")
	if message, failed := strings.CutPrefix(answer, "error: "); failed {
		return 0, errors.New(message)
	}
	return strconv.ParseInt(answer, 10, 64)
}

// start returns a contender's function: one start of the helper's.
func (h *helper) start(level level, ending string) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		nanoseconds, err := h.ask("start %s %s", level, ending)
		return time.Duration(nanoseconds), err
	}
}
