package mailbox

import (
	"math"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"
)

// What the tests from outside share with those from inside.
var (
	RawPacket        = rawPacket
	MemfdPacket      = memfdPacket
	ThroughMemfd     = throughMemfd
	DescriptorsOf    = descriptorsOf
	CloseDescriptors = closeDescriptors
	MalformedPackets = malformedPackets
)

// MalformedPacket is a packet that receivers refuse.
type MalformedPacket = malformedPacket

// Packet returns a message whose body follows the header.
func Packet(t testing.TB, message any) []byte {
	t.Helper()
	packet, _, err := encodeMessage(message, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

// CostOf returns what a message costs its receiver.
func CostOf(t testing.TB, message any) int64 {
	t.Helper()
	e := messageEncoder{limit: math.MaxInt64}
	if err := e.item(reflect.ValueOf(message), 0); err != nil {
		t.Fatal(err)
	}
	return e.cost.bytes()
}

// SendRaw sends a packet that Send does not send.
func (c *Channel) SendRaw(packet []byte, fds ...int) error {
	connection, err := c.socket.SyscallConn()
	if err != nil {
		return err
	}
	controlErr := connection.Control(func(socket uintptr) {
		err = unix.Sendmsg(int(socket), packet, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
	})
	if controlErr != nil {
		return controlErr
	}
	return err
}

// ReceiveBackwards receives what a receiver may have sent back through a channel; 0, nil: nothing can
// come.
func (c *Channel) ReceiveBackwards() (n int, err error) {
	return backwards(c, func(socket int) (int, error) {
		n, _, _, _, err := unix.Recvmsg(socket, make([]byte, 16), make([]byte, 64),
			unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		return n, err
	})
}

func backwards(c *Channel, call func(socket int) (int, error)) (n int, err error) {
	connection, err := c.socket.SyscallConn()
	if err != nil {
		return 0, err
	}
	controlErr := connection.Control(func(socket uintptr) { n, err = call(int(socket)) })
	if controlErr != nil {
		return 0, controlErr
	}
	return n, err
}

// AwaitHangup waits until nobody receives from the channel any more.
func (c *Channel) AwaitHangup() error {
	_, err := backwards(c, func(socket int) (int, error) {
		hangUp := []unix.PollFd{{Fd: int32(socket)}}
		for {
			n, err := unix.Poll(hangUp, 30000)
			switch {
			case err == unix.EINTR:
			case err == nil && hangUp[0].Revents&unix.POLLHUP == 0:
				return n, unix.ETIMEDOUT
			default:
				return n, err
			}
		}
	})
	return err
}

// SendBackwards is what a hostile receiver does: it answers through its sources. It returns what comes
// of each.
func (i *Inbox) SendBackwards() []error {
	i.state.mutex.Lock()
	defer i.state.mutex.Unlock()
	var results []error
	for source := range i.state.sources {
		connection, err := source.SyscallConn()
		if err == nil {
			connection.Control(func(socket uintptr) {
				err = unix.Sendmsg(int(socket), []byte("secret"), unix.UnixRights(0), nil,
					unix.MSG_NOSIGNAL)
			})
		}
		results = append(results, err)
	}
	return results
}
