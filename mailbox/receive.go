//go:build (linux || freebsd) && cgo

package mailbox

import (
	"bytes"
	"io"
	"os"
	"slices"
	"sync"
	"syscall"

	"github.com/go-initscript/initscript/internal/seqpacket"
	"github.com/go-initscript/initscript/internal/wire"
	"golang.org/x/sys/unix"
)

// packet is one message. It stays in the socket until it was found to be good and somebody wants it,
// so that the kernel drops the descriptors of one that is not.
type packet struct {
	buffer      *packetBuffer
	length      int
	taken       bool // it has left the socket
	socket      syscall.RawConn
	descriptors *descriptors
}

// packetBuffer has room for the longest packet and the most descriptors that the kernel passes.
type packetBuffer struct {
	data    [messageHeaderSize + maxInlineBody]byte
	control [4*wire.MaxDescriptors + 3<<10]byte // the descriptors, and what socket options add
}

// A buffer is in use only while there is something to receive: sources that wait hold none.
var packetBuffers = sync.Pool{New: func() any { return new(packetBuffer) }}

func (p *packet) content() []byte { return p.buffer.data[:p.length] }

// free gives back the memory, and closes descriptors that are not part of a value.
func (p *packet) free() {
	p.descriptors.close()
	if p.buffer != nil {
		packetBuffers.Put(p.buffer)
		p.buffer = nil
	}
}

// awaitPacket waits for a packet and looks at it and its descriptors. The end of the source is
// io.EOF. The packet has to be freed, even if there is an error.
func awaitPacket(socket *os.File) (*packet, error) {
	p := &packet{descriptors: &descriptors{}}
	connection, err := socket.SyscallConn()
	if err != nil {
		return p, err
	}
	p.socket = connection
	waitErr := connection.Read(func(fd uintptr) bool {
		p.buffer = packetBuffers.Get().(*packetBuffer)
		err = p.look(int(fd))
		if err == unix.EAGAIN {
			p.free()
		}
		return err != unix.EAGAIN
	})
	if waitErr != nil {
		return p, waitErr
	}
	return p, err
}

// look reads what is next in the socket and leaves it there, but where no process can be made that
// looks at descriptors. EAGAIN: there is nothing.
func (p *packet) look(socket int) error {
	n, _, flags, err := receiveNow(socket, p.buffer.data[:], nil, unix.MSG_PEEK)
	p.length = n
	if err == nil {
		err = checkReceived(n, flags&^unix.MSG_CTRUNC)
	}
	if err != nil || flags&unix.MSG_CTRUNC == 0 { // nothing came for which there is no room here
		return err
	}
	examined, errno := seqpacket.Examine(socket)
	switch errno {
	case 0:
		p.descriptors.Examined = examined
		p.descriptors.peek = p.peekFirst
		return nil
	case unix.ENOSYS: // no process can be made
		_, err := p.takeNow(socket)
		return err
	case unix.EMFILE: // RLIMIT_NOFILE is the same there
		return checkReceived(n, unix.MSG_CTRUNC)
	default:
		return errno
	}
}

// checkReceived returns io.EOF for the end of the source, or what is wrong with the packet.
func checkReceived(n, flags int) error {
	switch {
	case flags&unix.MSG_CTRUNC != 0:
		return receiveErrorf("some descriptors were not received; is RLIMIT_NOFILE reached?")
	case flags&unix.MSG_TRUNC != 0:
		return receiveErrorf("malformed: more than %d bytes that are not in a memfd", maxInlineBody)
	case n == 0:
		return io.EOF
	}
	return nil
}

// peekFirst opens the first descriptor of the packet, which stays in the socket. It is a memfd: closing
// that waits for nobody.
func (p *packet) peekFirst() (fd int, err error) {
	controlErr := p.socket.Control(func(socket uintptr) {
		// unix.CmsgSpace has room for two.
		control := make([]byte, p.descriptors.Offset+unix.CmsgLen(4))
		var length int
		_, length, _, err = receiveNow(int(socket), make([]byte, 1), control, unix.MSG_PEEK)
		if fds := seqpacket.TakeRights(control[:length]); len(fds) > 0 {
			fd = fds[0]
		} else if err == nil {
			err = unix.EMFILE
		}
	})
	switch {
	case controlErr != nil:
		return -1, controlErr
	case err != nil:
		return -1, os.NewSyscallError("recvmsg", err)
	}
	// Whoever reads this socket, too, may have taken the packet that was examined.
	if seqpacket.Describe([]int{fd}).First != p.descriptors.First {
		seqpacket.CloseAside(fd)
		return -1, os.NewSyscallError("recvmsg", unix.EAGAIN)
	}
	return fd, nil
}

// takeNow takes the packet that is next out of the socket with its descriptors. It is not same if
// somebody else has taken the one that was looked at; then this one has to be decoded.
func (p *packet) takeNow(socket int) (same bool, err error) {
	buffer := packetBuffers.Get().(*packetBuffer)
	n, controlLength, flags, err := receiveNow(socket, buffer.data[:], buffer.control[:], 0)
	if err != nil {
		packetBuffers.Put(buffer)
		return false, err
	}
	looked, before := p.descriptors, p.buffer
	p.descriptors = takenDescriptors(seqpacket.TakeRights(buffer.control[:controlLength]))
	same = slices.Equal(looked.IsChannel, p.descriptors.IsChannel) &&
		looked.First == p.descriptors.First &&
		bytes.Equal(p.content(), buffer.data[:n])
	p.buffer, p.length, p.taken = buffer, n, true
	packetBuffers.Put(before)
	looked.close()
	return same, checkReceived(n, flags)
}

// finish takes the packet and completes its value. EAGAIN: somebody else has taken it.
func (p *packet) finish(value any, limit int64) (any, error) {
	if !p.taken {
		same := false
		var err error
		controlErr := p.socket.Control(func(socket uintptr) { same, err = p.takeNow(int(socket)) })
		if controlErr != nil {
			return nil, controlErr
		}
		if err != nil {
			return nil, err
		}
		if same {
			p.descriptors.skipMemfd(p.hasMemfd())
		} else if value, err = p.decode(limit); err != nil {
			return nil, err
		}
	}
	value, messageErr := p.descriptors.fill(value)
	if messageErr != nil {
		return nil, messageErr
	}
	return value, nil
}

func (p *packet) hasMemfd() bool { return p.buffer.data[1]&messageInMemfd != 0 }

// decode makes the value, whose files and channels finish puts in.
func (p *packet) decode(limit int64) (any, error) {
	scratch := p.buffer.data[messageHeaderSize:] // not in use if the body is in a memfd
	value, err := decodeMessage(p.content(), p.descriptors, limit, scratch)
	if err != nil {
		return nil, err
	}
	return value, nil
}

func receiveErrorf(format string, args ...any) error {
	err := messageErrorf(format, args...)
	err.Op = "receive message"
	return err
}

// receiveNow does not trust O_NONBLOCK, which everybody with a duplicate of the socket can clear.
func receiveNow(fd int, data, control []byte, how int) (n, controlLength, flags int, err error) {
	for {
		n, controlLength, flags, _, err = unix.Recvmsg(fd, data, control,
			how|unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
		switch err {
		case unix.EINTR:
		case unix.ECONNRESET: // said once when the peer left a message unread; what it sent follows
		default:
			return n, controlLength, flags, err
		}
	}
}
