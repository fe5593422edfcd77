package initscript_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// A peer sends a file of a FUSE file system that it serves badly. os.NewFile would give it to the
// poller, which would wait for the file system with the epoll instance of this process locked.
func TestReceiveFUSEFile(t *testing.T) {
	requireRoot(t) // /dev/fuse is often root's alone
	requireNamespacesForSubprocess(t, initscript.NewMount)
	if !runInSubprocess(t, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}) {
		return
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	for _, answersFlush := range []bool{true, false} {
		t.Run(fmt.Sprintf("flush answered %v", answersFlush), func(t *testing.T) {
			file, server := openFUSEFile(t, answersFlush)
			inbox, channel := newInbox(t)
			other := address(t, inbox)
			send(t, channel, file)
			if answersFlush {
				received := receive(t, inbox).(*os.File)
				if err := received.SetDeadline(time.Time{}); !errors.Is(err, os.ErrNoDeadline) {
					t.Errorf("the poller has the file: %v", err)
				}
			}
			for range 100 { // the poller works, and so do other sources
				send(t, other, "x")
				if got := receive(t, inbox); got != "x" {
					t.Fatalf("got %v", got)
				}
			}
			if err := inbox.Close(); err != nil {
				t.Error(err)
			}
			unix.Close(server) // ends what still waits
		})
	}
}

// openFUSEFile opens, with O_NONBLOCK, a file that is the whole of a FUSE file system. Requests
// other than those that open it, and flush if wanted, are never answered.
func openFUSEFile(t *testing.T, answersFlush bool) (*os.File, int) {
	t.Helper()
	server, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT || err == unix.EPERM {
		t.Skipf("open /dev/fuse, which containers often lack: %v", err)
	}
	if err != nil {
		t.Fatalf("open /dev/fuse: %v", err)
	}
	path := t.TempDir() + "/file"
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=100600,user_id=0,group_id=0", server)
	if err := unix.Mount("fuse", path, "fuse", unix.MS_NODEV|unix.MS_NOSUID, options); err != nil {
		skip(t, fmt.Sprintf("mount FUSE: %v", err))
	}
	t.Cleanup(func() { unix.Unmount(path, unix.MNT_DETACH) })
	go serveFUSE(server, answersFlush)
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), path)
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	return file, server
}

// serveFUSE answers the least that lets the file be opened; see struct fuse_out_header and the like
// in linux/fuse.h.
func serveFUSE(server int, answersFlush bool) {
	const opGetattr, opOpen, opFlush, opInit = 3, 14, 25, 26
	buffer := make([]byte, 1<<20)
	for {
		n, err := unix.Read(server, buffer)
		if err == unix.EINTR || err == unix.ENOENT {
			continue
		}
		if err != nil || n < 40 {
			return
		}
		var body []byte
		var failure unix.Errno
		switch operation := binary.NativeEndian.Uint32(buffer[4:]); {
		case operation == opInit:
			body = make([]byte, 64)
			binary.NativeEndian.PutUint32(body, 7)
			binary.NativeEndian.PutUint32(body[4:], 31)
			binary.NativeEndian.PutUint32(body[20:], 4096) // max_write
		case operation == opGetattr:
			body = make([]byte, 104)
			binary.NativeEndian.PutUint64(body[16:], 1)           // inode
			binary.NativeEndian.PutUint32(body[16+60:], 0o100600) // mode
			binary.NativeEndian.PutUint32(body[16+64:], 1)        // links
		case operation == opOpen:
			body = make([]byte, 16)
		case operation == opFlush && answersFlush:
			failure = unix.ENOSYS
		default:
			continue
		}
		answer := binary.NativeEndian.AppendUint32(nil, uint32(16+len(body)))
		answer = binary.NativeEndian.AppendUint32(answer, uint32(-int32(failure)))
		answer = append(answer, buffer[8:16]...)
		unix.Write(server, append(answer, body...))
	}
}
