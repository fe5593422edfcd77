//go:build linux

package testkit

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// ReceiveListener receives the descriptor of a seccomp filter's listener, which a script has sent.
func ReceiveListener(t *testing.T, socket *os.File) int {
	t.Helper()
	data, rights := make([]byte, 16), make([]byte, unix.CmsgSpace(4))
	n, rightsLength, _, _, err := unix.Recvmsg(int(socket.Fd()), data, rights, unix.MSG_CMSG_CLOEXEC)
	Must(t, err)
	messages, err := unix.ParseSocketControlMessage(rights[:rightsLength])
	if err != nil || len(messages) != 1 {
		t.Fatalf("%d bytes without a listener: %v", n, err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	Must(t, err)
	return fds[0]
}

// Notification is struct seccomp_notif; see seccomp_unotify(2).
type Notification struct {
	ID           uint64
	Pid, Flags   uint32
	Number, Arch uint32
	Instruction  uint64
	Args         [6]uint64
}

// Response is struct seccomp_notif_resp.
type Response struct {
	ID           uint64
	Value        int64
	Error, Flags int32
}
