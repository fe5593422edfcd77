//go:build (linux || freebsd) && cgo

package initscript

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// sendMessage sends one message with descriptors on a SEQPACKET socket.
func sendMessage(socket *os.File, message []byte, fds ...int) error {
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	connection, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	waitErr := connection.Write(func(fd uintptr) bool {
		for {
			err = unix.Sendmsg(int(fd), message, rights, nil, sendFlags|unix.MSG_DONTWAIT)
			if err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	})
	if waitErr != nil {
		return waitErr
	}
	return os.NewSyscallError("sendmsg", err)
}

// receiveMessage receives one message and at most cap(fds) descriptors, which it appends to fds.
// The end of the connection is io.EOF. A message that is longer or comes with more descriptors, or
// for whose descriptors this process has no room, is EMSGSIZE: n bytes of it are there, and no
// descriptor.
func receiveMessage(socket *os.File, message []byte, fds []int) (int, []int, error) {
	connection, err := socket.SyscallConn()
	if err != nil {
		return 0, nil, err
	}
	var n, flags, controlLength int
	var control []byte
	if cap(fds) > 0 {
		control = make([]byte, unix.CmsgSpace(4*cap(fds)))
	}
	waitErr := connection.Read(func(fd uintptr) bool {
		for {
			n, controlLength, flags, _, err = unix.Recvmsg(int(fd), message, control, unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
			switch err {
			case unix.EINTR:
			case unix.ECONNRESET: // said once when the peer left a message unread; what it sent follows
			default:
				return err != unix.EAGAIN
			}
		}
	})
	if waitErr != nil {
		return 0, nil, waitErr
	}
	if err != nil {
		return 0, nil, os.NewSyscallError("recvmsg", err)
	}
	fds = append(fds, parseRights(control[:controlLength])...)
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		for _, fd := range fds {
			unix.Close(fd)
		}
		return n, nil, os.NewSyscallError("recvmsg", unix.EMSGSIZE)
	}
	if n == 0 {
		return 0, fds, io.EOF
	}
	return n, fds, nil
}

func parseRights(control []byte) []int {
	var fds []int
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil
	}
	for i := range messages {
		if received, err := unix.ParseUnixRights(&messages[i]); err == nil {
			fds = append(fds, received...)
		}
	}
	return fds
}
