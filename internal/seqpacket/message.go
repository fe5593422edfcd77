//go:build (linux || freebsd) && cgo

package seqpacket

import (
	"encoding/binary"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Send sends one message with descriptors on a SEQPACKET socket.
func Send(socket *os.File, message []byte, fds ...int) error {
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
			err = unix.Sendmsg(int(fd), message, rights, nil, SendFlags|unix.MSG_DONTWAIT)
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

// Receive receives one message and at most cap(fds) descriptors, which it appends to fds.
// The end of the connection is io.EOF. A message that is longer or comes with more descriptors, or
// for whose descriptors this process has no room, is EMSGSIZE: its first n bytes are there,
// and no descriptor.
func Receive(socket *os.File, message []byte, fds []int) (int, []int, error) {
	connection, err := socket.SyscallConn()
	if err != nil {
		return 0, nil, err
	}
	var n, flags, controlLength int
	var control []byte
	if cap(fds) > 0 {
		// CmsgSpace has room for one more where their number is odd.
		control = make([]byte, unix.CmsgLen(4*cap(fds)))
	}
	waitErr := connection.Read(func(fd uintptr) bool {
		for {
			n, controlLength, flags, _, err = unix.Recvmsg(int(fd), message, control,
				unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
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
	fds = append(fds, TakeRights(control[:controlLength])...)
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		for _, fd := range fds {
			CloseAside(fd)
		}
		return n, nil, os.NewSyscallError("recvmsg", unix.EMSGSIZE)
	}
	if n == 0 {
		return 0, fds, io.EOF
	}
	return n, fds, nil
}

// TakeRights returns the descriptors that were sent with a message, in their order. Others in the
// control data are closed: pidfds, which the kernel adds for a socket with SO_PASSPIDFD.
func TakeRights(control []byte) []int {
	var fds []int
	for len(control) >= unix.CmsgLen(0) {
		header, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil { // longer than what there is, which the kernel never says
			break
		}
		control = rest
		isRights := header.Type == unix.SCM_RIGHTS // a pidfd is the kernel's
		if header.Level != unix.SOL_SOCKET || !isRights && header.Type != scmPidfd {
			continue
		}
		for ; len(data) >= 4; data = data[4:] {
			fd := int(int32(binary.NativeEndian.Uint32(data)))
			if isRights {
				fds = append(fds, fd)
			} else if fd >= 0 { // the errno value, negated, if there is no pidfd
				unix.Close(fd)
			}
		}
	}
	return fds
}
