//go:build (linux || freebsd) && cgo

package mailbox

import (
	"os"

	"github.com/go-initscript/initscript/internal/errtext"
	"github.com/go-initscript/initscript/internal/memfd"
	"github.com/go-initscript/initscript/internal/seqpacket"
	"golang.org/x/sys/unix"
)

// descriptors are those of one message. Nothing here may wait for a peer: it chooses what a
// descriptor is, for example a file of a FUSE file system of its own.
type descriptors struct {
	seqpacket.Examined // what they are

	fds   []int               // those of a taken message; -1 when it is part of the value
	first int                 // where those begin that the body can refer to: 1 if there is a memfd
	body  []int               // that memfd, while it is read
	peek  func() (int, error) // opens it while the message is still in the socket
}

// place stands in a value for a file or channel that is not there yet.
type place struct {
	index     int
	isChannel bool
}

// takenDescriptors are those that this process has received already.
func takenDescriptors(fds []int) *descriptors {
	return &descriptors{Examined: seqpacket.Describe(fds), fds: fds}
}

func (d *descriptors) count() int { return len(d.IsChannel) }

// close closes what is not part of the value. It waits for nobody.
func (d *descriptors) close() {
	d.closeMemfd()
	for i, fd := range d.fds {
		if fd >= 0 {
			seqpacket.CloseAside(fd)
			d.fds[i] = -1
		}
	}
}

func (d *descriptors) closeMemfd() {
	for _, fd := range d.body {
		unix.Close(fd)
	}
	d.body = nil
}

// openMemfd opens the first descriptor as the one with the body.
func (d *descriptors) openMemfd(size int64) (int, *MessageError) {
	if d.count() == 0 {
		return -1, messageErrorf("malformed: the memfd with the body is missing")
	}
	switch first := d.First; {
	case first.Err != nil:
		return -1, messageErrorf("malformed: the body is in no memfd: fcntl F_GET_SEALS: %s",
			errtext.Errno(first.Err))
	case first.Seals&memfd.FixedSeals != memfd.FixedSeals:
		return -1, messageErrorf("malformed: the memfd with the body has seals %#x, needs %#x",
			first.Seals, memfd.FixedSeals)
	case first.Size != size:
		return -1, messageErrorf("malformed: a memfd of %d bytes, the header says %d", first.Size, size)
	}
	d.first = 1
	if d.peek == nil {
		d.body, d.fds[0] = []int{d.fds[0]}, -1
		return d.body[0], nil
	}
	fd, err := d.peek()
	if err != nil {
		return -1, messageErrorf("the memfd with the body: %w", err)
	}
	d.body = []int{fd}
	return fd, nil
}

// skipMemfd drops the memfd of a message whose body was read before the message was taken.
func (d *descriptors) skipMemfd(hasMemfd bool) {
	if hasMemfd {
		unix.Close(d.fds[0])
		d.fds[0] = -1
		d.first = 1
	}
}

// fill puts the taken descriptors into the value: all, or none if that fails.
func (d *descriptors) fill(value any) (any, *MessageError) {
	if len(d.fds) == d.first {
		return value, nil
	}
	reserved := make([]*os.File, len(d.fds))
	if err := d.reserve(value, reserved); err != nil {
		for _, file := range reserved {
			file.Close()
		}
		return nil, err
	}
	return d.put(value, reserved), nil
}

// reserve makes, by index, the files that the poller must not see. Nothing can fail afterwards.
func (d *descriptors) reserve(value any, reserved []*os.File) (err *MessageError) {
	each(value, func(p place) {
		if err != nil || p.isChannel || canPoll(d.fds[d.first+p.index]) {
			return
		}
		file, reserveErr := reserveFile()
		if reserveErr != nil {
			err = messageErrorf("file: %w", reserveErr)
			err.Op = "receive message"
			return
		}
		reserved[p.index] = file
	})
	return err
}

// each calls f for all places in a value.
func each(value any, f func(place)) {
	switch value := value.(type) {
	case place:
		f(value)
	case []any:
		for _, element := range value {
			each(element, f)
		}
	case map[string]any:
		for _, element := range value {
			each(element, f)
		}
	case map[any]any:
		for _, element := range value {
			each(element, f)
		}
	}
}

func (d *descriptors) put(value any, reserved []*os.File) any {
	switch value := value.(type) {
	case place:
		return d.open(value, reserved[value.index])
	case []any:
		for i := range value {
			value[i] = d.put(value[i], reserved)
		}
	case map[string]any:
		for key := range value {
			value[key] = d.put(value[key], reserved)
		}
	case map[any]any:
		for key := range value {
			value[key] = d.put(value[key], reserved)
		}
	}
	return value
}

const receivedFileName = "received file"

// open makes what the value has of a descriptor.
func (d *descriptors) open(p place, reserved *os.File) any {
	fd := d.fds[d.first+p.index]
	d.fds[d.first+p.index] = -1
	switch {
	case p.isChannel:
		// os.NewFile has the poller wait for what is in this mode only. It does not fail on a
		// socket.
		unix.SetNonblock(fd, true)
		return receivedChannel(os.NewFile(uintptr(fd), "channel"))
	case reserved == nil:
		return os.NewFile(uintptr(fd), receivedFileName)
	}
	number := int(reserved.Fd()) // not in non-blocking mode, so nothing changes
	if err := unix.Dup3(fd, number, unix.O_CLOEXEC); err != nil {
		panic("initscript: dup3 of open descriptors: " + err.Error())
	}
	seqpacket.CloseAside(fd)
	return reserved
}
