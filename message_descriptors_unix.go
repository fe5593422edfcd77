//go:build (linux || freebsd) && cgo

package initscript

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// descriptors are those that came with one message. Nothing here may wait for a peer: it chooses
// what a descriptor is, for example a file of a FUSE file system of its own.
type descriptors struct {
	fds    []int // by index; -1 when it is part of the value
	memfd  []int // the one with the body, if there is one
	opened []io.Closer
}

// discard is close without waiting for it.
func (d *descriptors) discard() {
	if len(d.fds)+len(d.memfd)+len(d.opened) > 0 {
		go d.close()
	}
}

// close closes all, also what is part of the value. close(2) can wait for a peer: FUSE is told.
func (d *descriptors) close() {
	d.closeMemfd()
	for i, fd := range d.fds {
		if fd >= 0 {
			unix.Close(fd)
			d.fds[i] = -1
		}
	}
	for _, opened := range d.opened {
		opened.Close()
	}
	d.opened = nil
}

func (d *descriptors) closeMemfd() {
	for _, fd := range d.memfd {
		unix.Close(fd)
	}
	d.memfd = nil
}

// takeMemfd takes the first descriptor as the one with the body.
func (d *descriptors) takeMemfd(size int64) (int, *MessageError) {
	if len(d.fds) == 0 {
		return -1, messageErrorf("malformed: the memfd with the body is missing")
	}
	fd := d.fds[0]
	// F_GET_SEALS comes first, since it never asks a file system.
	const needed = sealShrink | sealGrow | sealWrite
	seals, err := getSeals(fd)
	if err != nil {
		return -1, messageErrorf("malformed: the body is in no memfd: fcntl F_GET_SEALS: %s",
			errnoText(err))
	}
	if seals&needed != needed {
		return -1, messageErrorf("malformed: the memfd with the body has seals %#x, needs %#x",
			seals, needed)
	}
	var status unix.Stat_t
	if err := unix.Fstat(fd, &status); err != nil {
		return -1, messageErrorf("malformed: fstat of the memfd with the body: %w", err)
	}
	if status.Size != size {
		return -1, messageErrorf("malformed: a memfd of %d bytes, the header says %d", status.Size, size)
	}
	d.memfd, d.fds = d.fds[:1:1], d.fds[1:]
	return fd, nil
}

// isSeqpacket tells whether a descriptor can be a channel.
func isSeqpacket(fd int) bool {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil || domain != unix.AF_UNIX {
		return false
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	return err == nil && kind == unix.SOCK_SEQPACKET
}

func (d *descriptors) channel(index int) (any, *MessageError) {
	fd := d.fds[index]
	// os.NewFile has the poller wait for what is in this mode only.
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, messageErrorf("channel: %w", os.NewSyscallError("fcntl F_SETFL", err))
	}
	d.fds[index] = -1
	channel := newChannel(os.NewFile(uintptr(fd), "channel"))
	d.opened = append(d.opened, channel)
	return channel, nil
}

func (d *descriptors) file(index int) (any, *MessageError) {
	fd := d.fds[index]
	var file *os.File
	if canPoll(fd) {
		file = os.NewFile(uintptr(fd), receivedFileName)
	} else {
		var err error
		if file, err = unpolledFile(fd); err != nil {
			return nil, messageErrorf("file: %w", err)
		}
	}
	d.fds[index] = -1
	d.opened = append(d.opened, file)
	return file, nil
}

const receivedFileName = "received file"
