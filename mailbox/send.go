//go:build (linux || freebsd) && cgo

package mailbox

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/go-initscript/initscript/internal/memfd"
	"github.com/go-initscript/initscript/internal/seqpacket"
	"golang.org/x/sys/unix"
)

// newChannel takes over the sending end of a SEQPACKET socket.
func newChannel(socket *os.File) *Channel {
	return &Channel{socket: pollable(socket), sending: make(chan struct{}, 1)}
}

// receivedChannel likewise takes over a socket that came out of a message. When the garbage collector
// closes it, that does not wait either.
func receivedChannel(socket *os.File) *Channel {
	c := newChannel(socket)
	c.received = true
	runtime.AddCleanup(c, func(socket *os.File) { seqpacket.Close(socket) }, c.socket)
	return c
}

// pollable returns the file such that the poller waits for it, which needs O_NONBLOCK when an
// [os.File] is made. If it cannot be had, the file is returned as it is and fails where it would
// have to wait.
func pollable(file *os.File) *os.File {
	if file.SetDeadline(time.Time{}) == nil {
		return file
	}
	connection, err := file.SyscallConn()
	if err != nil {
		return file
	}
	duplicate := -1
	err = connection.Control(func(fd uintptr) {
		duplicate, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err != nil || duplicate < 0 || unix.SetNonblock(duplicate, true) != nil {
		return file
	}
	file.Close()
	return os.NewFile(uintptr(duplicate), file.Name())
}

func (c *Channel) send(ctx context.Context, message any) error {
	if c == nil || c.socket == nil {
		return fmt.Errorf("send message: no channel: %w", os.ErrInvalid)
	}
	packet, files, messageErr := encodeMessage(message, effectiveLimit(c.limit.Load()))
	if messageErr != nil {
		return messageErr
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	fds := make([]int, 0, 1+len(files))
	flags := uint8(0)
	body := packet[messageHeaderSize:]
	if len(body) > maxInlineBody {
		fd, err := memfd.Sealed("initscript message", body)
		if err != nil {
			return fmt.Errorf("send message: %d bytes need a memfd: %w", len(body), err)
		}
		defer unix.Close(fd)
		fds = append(fds, fd)
		flags |= messageInMemfd
		packet = packet[:messageHeaderSize]
	}
	putMessageHeader(packet, flags, len(fds)+len(files), len(body))
	return withDescriptors(files, fds, func(fds []int) error { return c.transmit(ctx, packet, fds) })
}

func putMessageHeader(packet []byte, flags uint8, descriptors, length int) {
	packet[0], packet[1] = messageVersion, flags
	binary.NativeEndian.PutUint16(packet[2:], uint16(descriptors))
	binary.NativeEndian.PutUint32(packet[4:], uint32(length))
}

// withDescriptors calls use with the descriptors of the files, which cannot be closed meanwhile.
// They are not duplicated: closing a duplicate would drop the POSIX locks on the file.
func withDescriptors(files []*os.File, fds []int, use func([]int) error) error {
	if len(files) == 0 {
		return use(fds)
	}
	connection, err := files[0].SyscallConn()
	if err != nil {
		return fmt.Errorf("send message: %w", err)
	}
	var useErr error
	err = connection.Control(func(fd uintptr) {
		useErr = withDescriptors(files[1:], append(fds, int(fd)), use)
	})
	if err != nil {
		return fmt.Errorf("send message: %s was closed meanwhile: %w", files[0].Name(), os.ErrClosed)
	}
	return useErr
}

// transmit sends a packet when it is this sender's turn: the deadline of the socket is for one.
func (c *Channel) transmit(ctx context.Context, packet []byte, fds []int) error {
	select {
	case c.sending <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-c.sending }()
	stop := c.interruptWith(ctx)
	err := seqpacket.Send(c.socket, packet, fds...)
	stop()
	switch {
	case err == nil:
		return nil
	case c.closed.Load():
		return fmt.Errorf("send message: %w", os.ErrClosed)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ctx.Err()
	case isGone(err):
		return fmt.Errorf("send message: the receiver is gone: %w", unix.EPIPE)
	}
	return fmt.Errorf("send message: %w", err)
}

// interruptWith ends waiting for the socket when the context is done, until stop is called.
func (c *Channel) interruptWith(ctx context.Context) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	expired := make(chan struct{})
	unregister := context.AfterFunc(ctx, func() {
		c.socket.SetWriteDeadline(time.Unix(1, 0))
		close(expired)
	})
	return func() {
		if !unregister() {
			<-expired
			c.socket.SetWriteDeadline(time.Time{})
		}
	}
}

// isGone reports whether sendmsg failed because the other end is closed. ECONNRESET is said first
// when it left messages unread.
func isGone(err error) bool {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return false
	}
	switch errno {
	case unix.EPIPE, unix.ECONNRESET, unix.ECONNREFUSED, unix.ENOTCONN:
		return true
	}
	return false
}

func (c *Channel) close() error {
	if c == nil || c.socket == nil {
		return os.ErrInvalid
	}
	if c.closed.Swap(true) {
		return os.ErrClosed
	}
	if c.received {
		return seqpacket.Close(c.socket)
	}
	return c.socket.Close()
}
