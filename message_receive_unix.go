//go:build (linux || freebsd) && cgo

package initscript

import (
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// packet is one message as it came from the socket.
type packet struct {
	buffer      *packetBuffer
	length      int
	descriptors descriptors
}

// packetBuffer has room for the longest packet and the most descriptors that the kernel passes.
type packetBuffer struct {
	data    [messageHeaderSize + maxInlineBody]byte
	control [1152]byte // more than CMSG_SPACE(253 * sizeof(int))
}

// A buffer is in use only while there is something to receive: sources that wait hold none.
var packetBuffers = sync.Pool{New: func() any { return new(packetBuffer) }}

func (p *packet) content() []byte { return p.buffer.data[:p.length] }

func (p *packet) free() {
	if p.buffer != nil {
		packetBuffers.Put(p.buffer)
		p.buffer = nil
	}
}

// receivePacket waits for a packet. The end of the source is io.EOF. The packet has to be freed,
// and its descriptors to be closed, even if there is an error.
func receivePacket(socket *os.File) (*packet, error) {
	p := &packet{}
	connection, err := socket.SyscallConn()
	if err != nil {
		return p, err
	}
	var controlLength, flags int
	waitErr := connection.Read(func(fd uintptr) bool {
		p.buffer = packetBuffers.Get().(*packetBuffer)
		p.length, controlLength, flags, err = receiveNow(int(fd), p.buffer)
		if err == unix.EAGAIN {
			p.free()
		}
		return err != unix.EAGAIN
	})
	if waitErr != nil {
		return p, waitErr
	}
	if err != nil {
		return p, os.NewSyscallError("recvmsg", err)
	}
	p.descriptors.fds = parseRights(p.buffer.control[:controlLength])
	switch {
	case flags&unix.MSG_CTRUNC != 0:
		return p, receiveErrorf("some descriptors were not received; is RLIMIT_NOFILE reached?")
	case flags&unix.MSG_TRUNC != 0:
		return p, receiveErrorf("malformed: more than %d bytes that are not in a memfd", maxInlineBody)
	case p.length == 0:
		return p, io.EOF
	}
	return p, nil
}

func receiveErrorf(format string, args ...any) error {
	err := messageErrorf(format, args...)
	err.Op = "receive message"
	return err
}

// receiveNow does not trust O_NONBLOCK, which everybody with a duplicate of the socket can clear.
func receiveNow(fd int, buffer *packetBuffer) (n, controlLength, flags int, err error) {
	for {
		n, controlLength, flags, _, err = unix.Recvmsg(fd, buffer.data[:], buffer.control[:],
			unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
		switch err {
		case unix.EINTR:
		case unix.ECONNRESET: // said once when the peer left a message unread; what it sent follows
		default:
			return n, controlLength, flags, err
		}
	}
}
