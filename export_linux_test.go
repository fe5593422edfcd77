package initscript

import "golang.org/x/sys/unix"

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

// ReceiveBackwards receives what a receiver may have sent back through a channel; 0, nil: nothing can come.
func (c *Channel) ReceiveBackwards() (n int, err error) {
	return backwards(c, func(socket int) (int, error) {
		n, _, _, _, err := unix.Recvmsg(socket, make([]byte, 16), make([]byte, 64), unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
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
