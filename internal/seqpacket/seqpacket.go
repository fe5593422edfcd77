//go:build (linux || freebsd) && cgo

// Package seqpacket passes messages with descriptors through AF_UNIX sockets of type SOCK_SEQPACKET, and
// gets rid of what an untrusted peer has sent without waiting for it.
//
// All descriptors are close-on-exec from birth. Errors are *os.SyscallError, but where a function says
// so.
package seqpacket

// #include "../../csrc/sys_examine.h"
import "C"

import (
	"os"
	"syscall"

	_ "github.com/go-initscript/initscript/csrc" // sys_examine.c
	"golang.org/x/sys/unix"
)

// OneWayPair returns a source and a channel that leads there. The receiver must not be able to answer
// through it: that would reach whoever else holds the channel.
func OneWayPair(sourceName, channelName string) (source, channel *os.File, err error) {
	pair, err := Pair(unix.SOCK_NONBLOCK)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	if err := unix.Shutdown(pair[0], unix.SHUT_WR); err != nil {
		unix.Close(pair[0])
		unix.Close(pair[1])
		return nil, nil, os.NewSyscallError("shutdown", err)
	}
	return os.NewFile(uintptr(pair[0]), sourceName), os.NewFile(uintptr(pair[1]), channelName), nil
}

// HangUp has all senders told EPIPE at once, and nothing more come. What is unread makes it ECONNRESET
// once when the socket is closed; dropping that before would make the caller wait for what lingers.
func HangUp(socket *os.File) {
	connection, err := socket.SyscallConn()
	if err != nil {
		return
	}
	connection.Control(func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_RDWR) })
}

// Close closes a socket in whose queue there may be anything, and waits for nobody.
func Close(socket *os.File) error {
	duplicate := -1
	connection, err := socket.SyscallConn()
	if err == nil {
		connection.Control(func(fd uintptr) {
			duplicate, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
		})
	}
	if err == nil && duplicate >= 0 {
		// So that it is not this that drops the queue.
		defer CloseAside(duplicate)
	}
	return socket.Close()
}

// CloseAside is close(2) for what was received, without waiting; see csrc/sys_examine.h.
func CloseAside(fd int) { C.initscript_close_aside(C.int(fd)) }

// Examined describes the descriptors of a message.
type Examined struct {
	IsChannel []bool // an AF_UNIX SOCK_SEQPACKET socket, for each of them
	First     First
	Offset    int // where they begin in the control data
}

// First describes the first descriptor: whether it is a memfd that cannot change.
type First struct {
	Seals int
	Err   error // of F_GET_SEALS, an errno
	Size  int64
}

// Describe looks at descriptors that this process has. It asks no file system and waits for nothing.
func Describe(fds []int) Examined {
	numbers := make([]C.int, len(fds)+1)
	for i, fd := range fds {
		numbers[i] = C.int(fd)
	}
	var examined C.struct_initscript_examined
	C.initscript_describe(&numbers[0], C.size_t(len(fds)), &examined)
	return newExamined(&examined)
}

// Examine looks at the descriptors of the message that the socket has next, which stays there; they
// never get into this process. The errno is ENOSYS if no process can be made that looks at them, EMFILE
// if there is no room for them, EAGAIN if there is no message any more, or another of recvmsg(2); 0 if
// all is well.
func Examine(socket int) (Examined, syscall.Errno) {
	var examined C.struct_initscript_examined
	if errno := C.initscript_examine(C.int(socket), &examined); errno != 0 {
		return Examined{}, syscall.Errno(errno)
	}
	return newExamined(&examined), 0
}

func newExamined(examined *C.struct_initscript_examined) Examined {
	e := Examined{
		IsChannel: make([]bool, examined.count),
		First:     First{Seals: int(examined.seals), Size: int64(examined.size)},
		Offset:    int(examined.offset),
	}
	for i := range e.IsChannel {
		e.IsChannel[i] = bool(examined.is_channel[i])
	}
	if examined.seals_error != 0 {
		e.First.Err = syscall.Errno(examined.seals_error)
	}
	return e
}
