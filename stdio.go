//go:build (linux || freebsd) && cgo

package initscript

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/go-initscript/initscript/internal/actorself"
)

// stdio holds the descriptors that connect one Cmd with its process.
type stdio struct {
	childEnds []*os.File // closed when the child has them
	hostEnds  []*os.File // closed by Wait
	copies    []func() error
	copied    chan error
}

// hold takes over both ends of a pipe.
func (s *stdio) hold(child, host *os.File) {
	s.childEnds = append(s.childEnds, child)
	s.hostEnds = append(s.hostEnds, host)
}

// open returns the three files for the child, and prepares the copying where there are none.
func (s *stdio) open(stdin io.Reader, stdout, stderr io.Writer) (files [3]*os.File, err error) {
	if files[0], err = s.openInput(stdin); err != nil {
		return files, err
	}
	if files[1], err = s.openOutput(stdout); err != nil {
		return files, err
	}
	if stderr != nil && equalWriters(stdout, stderr) {
		files[2] = files[1]
		return files, nil
	}
	files[2], err = s.openOutput(stderr)
	return files, err
}

// equalWriters compares what may not be comparable.
func equalWriters(a, b io.Writer) bool {
	defer func() { _ = recover() }()
	return a == b
}

func (s *stdio) openInput(reader io.Reader) (*os.File, error) {
	if reader == nil {
		return actorself.OpenNull()
	}
	if file, ok := reader.(*os.File); ok {
		return file, nil
	}
	child, host, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.hold(child, host)
	s.copies = append(s.copies, func() error {
		_, err := io.Copy(host, reader)
		if errors.Is(err, syscall.EPIPE) { // it need not read all
			err = nil
		}
		if closeErr := host.Close(); err == nil && !errors.Is(closeErr, os.ErrClosed) {
			err = closeErr
		}
		return err
	})
	return child, nil
}

func (s *stdio) openOutput(writer io.Writer) (*os.File, error) {
	if writer == nil {
		return actorself.OpenNull()
	}
	if file, ok := writer.(*os.File); ok {
		return file, nil
	}
	host, child, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.hold(child, host)
	s.copies = append(s.copies, func() error {
		_, err := io.Copy(writer, host)
		host.Close() // ends a program whose output nobody takes any more
		return err
	})
	return child, nil
}

// copy begins once the child has its ends.
func (s *stdio) copy() {
	closeFiles(s.childEnds)
	s.childEnds = nil
	s.copied = make(chan error, len(s.copies))
	for _, copy := range s.copies {
		go func() { s.copied <- copy() }()
	}
}

// wait returns when all is copied, or after delay, if that is not 0, without the rest.
func (s *stdio) wait(delay time.Duration) error {
	var expired <-chan time.Time
	if delay > 0 && len(s.copies) > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		expired = timer.C
	}
	var first error
	for range s.copies {
		select {
		case err := <-s.copied:
			if first == nil {
				first = err
			}
		case <-expired:
			s.closeAll() // ends the copying, so nothing is written after our return
			expired = nil
			if <-s.copied; first == nil {
				first = exec.ErrWaitDelay
			}
		}
	}
	s.closeAll()
	return first
}

func (s *stdio) closeAll() {
	closeFiles(s.childEnds)
	closeFiles(s.hostEnds)
	s.childEnds, s.hostEnds = nil, nil
}

func closeFiles(files []*os.File) {
	for _, file := range files {
		file.Close()
	}
}

// tail keeps the last bytes written to it.
type tail struct{ bytes []byte }

const tailSize = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.bytes = append(t.bytes, p...)
	if excess := len(t.bytes) - tailSize; excess > 0 {
		t.bytes = append(t.bytes[:0], t.bytes[excess:]...)
	}
	return len(p), nil
}
