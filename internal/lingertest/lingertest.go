//go:build linux

// Package lingertest makes sockets whose last close waits, for tests of code that must not: their peer
// does nothing.
package lingertest

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// Socket returns a TCP socket that cannot be sent dry, and whose last close waits for that.
func Socket(t *testing.T) int {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	defer listener.Close()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(err)
	port := listener.Addr().(*net.TCPAddr).Port
	must(unix.Connect(socket, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}))
	peer, err := listener.Accept()
	must(err)
	t.Cleanup(func() {
		peer.(*net.TCPConn).SetLinger(0)
		peer.Close() // ends what still waits
	})
	for err == nil {
		_, err = unix.SendmsgN(socket, make([]byte, 1<<16), nil, nil, unix.MSG_DONTWAIT)
	}
	linger := unix.Linger{Onoff: 1, Linger: 1000}
	must(unix.SetsockoptLinger(socket, unix.SOL_SOCKET, unix.SO_LINGER, &linger))
	return socket
}
