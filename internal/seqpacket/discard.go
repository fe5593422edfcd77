//go:build (linux || freebsd) && cgo

package seqpacket

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Peek looks at the next message without taking it. n is 0 if there is none; hasDescriptors reports
// whether it comes with some.
func Peek(socket *os.File) (n int, hasDescriptors bool) {
	connection, err := socket.SyscallConn()
	if err != nil {
		return 0, false
	}
	var flags int
	connection.Control(func(fd uintptr) {
		n, _, flags, _, err = unix.Recvmsg(int(fd), make([]byte, 1), nil,
			unix.MSG_PEEK|unix.MSG_DONTWAIT)
	})
	if err != nil {
		return 0, false
	}
	return n, flags&unix.MSG_CTRUNC != 0 // there was no room for them
}

// discardTimeout is how long a message may take to be discarded.
const discardTimeout = 100 * time.Millisecond

// Discard takes the next message off a socket and has the kernel drop its descriptors: none gets into
// the table of this process. That can take as long as the sender wants: a TCP socket that lingers is
// closed by whoever drops it. Nobody waits for that; the result is false then, and the socket is still
// being used.
func Discard(socket *os.File) bool {
	discarded := make(chan struct{})
	go func() {
		Receive(socket, make([]byte, 1), nil)
		close(discarded)
	}()
	timeout := time.NewTimer(discardTimeout)
	defer timeout.Stop()
	select {
	case <-discarded:
		return true
	case <-timeout.C:
		return false
	}
}
