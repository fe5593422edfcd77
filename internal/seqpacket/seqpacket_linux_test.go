package seqpacket

import (
	"errors"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/go-initscript/initscript/internal/lingertest"
	"golang.org/x/sys/unix"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newPair returns two sockets that can both send.
func newPair(t *testing.T) (a, b *os.File) {
	t.Helper()
	pair, err := Pair(unix.SOCK_NONBLOCK)
	must(t, err)
	a, b = os.NewFile(uintptr(pair[0]), "a"), os.NewFile(uintptr(pair[1]), "b")
	t.Cleanup(func() {
		a.Close()
		b.Close()
	})
	return a, b
}

func TestMessages(t *testing.T) {
	a, b := newPair(t)
	null, err := os.Open(os.DevNull)
	must(t, err)
	defer null.Close()
	fd := int(null.Fd())
	must(t, Send(a, []byte("two"), fd, fd))
	must(t, Send(a, []byte("longer than there is room for"), fd))
	must(t, Send(a, []byte("x"), fd, fd))
	must(t, a.Close())

	if n, has := Peek(b); n == 0 || !has {
		t.Errorf("Peek: %d, %v", n, has)
	}
	message := make([]byte, 16)
	n, fds, err := Receive(b, message, make([]int, 0, 2))
	if err != nil || string(message[:n]) != "two" || len(fds) != 2 {
		t.Fatalf("%q, %v, %v", message[:n], fds, err)
	}
	for _, fd := range fds {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil ||
			flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("not close-on-exec: %v", err)
		}
		must(t, unix.Close(fd))
	}
	for _, what := range []string{"a message that is longer", "more descriptors"} {
		if _, fds, err := Receive(b, message, make([]int, 0, 1)); !errors.Is(err, unix.EMSGSIZE) ||
			fds != nil {
			t.Errorf("%s: %v, %v", what, fds, err)
		}
	}
	if _, _, err := Receive(b, message, nil); err != io.EOF {
		t.Errorf("the end: %v", err)
	}
}

func TestOneWayPair(t *testing.T) {
	source, channel, err := OneWayPair("source", "channel")
	must(t, err)
	defer source.Close()
	defer channel.Close()
	must(t, Send(channel, []byte("x")))
	if err := Send(source, []byte("x")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("backwards: %v", err)
	}
	HangUp(source)
	if err := Send(channel, []byte("x")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("after HangUp: %v", err)
	}
}

// Both ways of looking at descriptors see the same.
func TestExamine(t *testing.T) {
	a, b := newPair(t)
	null, err := os.Open(os.DevNull)
	must(t, err)
	defer null.Close()
	fds := []int{int(null.Fd()), int(a.Fd())}
	must(t, unix.SetNonblock(fds[1], true))
	must(t, Send(a, []byte("x"), fds...))
	described := Describe(fds)
	if !slices.Equal(described.IsChannel, []bool{false, true}) || described.First.Err == nil {
		t.Errorf("Describe: %+v", described)
	}
	examined, errno := Examine(int(b.Fd()))
	if errno != 0 || !slices.Equal(examined.IsChannel, described.IsChannel) ||
		examined.First != described.First {
		t.Errorf("Examine: %+v, %v", examined, errno)
	}
}

// What a peer has sent makes nobody wait, whether it is discarded or left in the queue.
func TestNobodyLingers(t *testing.T) {
	for _, row := range []struct {
		name   string
		getRid func(*os.File) bool
	}{
		{"Discard", func(socket *os.File) bool {
			Discard(socket) // false: somebody else waits
			return true
		}},
		{"Close", func(socket *os.File) bool { return Close(socket) == nil }},
		{"too long", func(socket *os.File) bool {
			_, _, err := Receive(socket, make([]byte, 1), make([]int, 0, 1))
			return errors.Is(err, unix.EMSGSIZE)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			a, b := newPair(t)
			fd := lingertest.Socket(t)
			must(t, Send(a, []byte("xx"), fd))
			must(t, unix.Close(fd))
			done := make(chan bool, 1)
			go func() { done <- row.getRid(b) }()
			select {
			case ok := <-done:
				if !ok {
					t.Error("it fails")
				}
			case <-time.After(30 * time.Second):
				t.Error("it waits")
			}
		})
	}
}

// What is discarded never gets into the table of this process: the last close of a file can wait for its
// file system, which the peer may serve.
func TestDiscardedDescriptorsStayOutside(t *testing.T) {
	a, b := newPair(t)
	must(t, Send(a, []byte("x"), 0, 0))
	var before unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &before))
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: before.Max}))
	discarded := Discard(b)
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &before))
	if !discarded {
		t.Error("it needs room for descriptors")
	}
	if n, _ := Peek(b); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
}

// The next message follows what was discarded.
func TestDiscard(t *testing.T) {
	a, b := newPair(t)
	must(t, Send(a, []byte("x"), 0))
	must(t, Send(a, []byte("xx"), 0, 0, 0))
	must(t, Send(a, []byte("last")))
	for range 2 {
		if !Discard(b) {
			t.Fatal("not discarded")
		}
	}
	message := make([]byte, 16)
	if n, _, err := Receive(b, message, nil); err != nil || string(message[:n]) != "last" {
		t.Errorf("%q, %v", message[:n], err)
	}
}
