//go:build linux

// Loopback runs a process in a network namespace with nothing but a loopback interface, as an
// ordinary user. The script of the process sends its namespaces to the parent, which has ip(8)
// bring the interface up in them. The process is this program once more: it listens on the
// interface and connects to itself.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

//go:embed loopback.lua
var script string

//go:embed enter.lua
var enterScript string

const (
	inside     = "inside" // the argument of the process in the namespace
	searchPath = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
)

func main() {
	var err error
	if len(os.Args) == 2 && os.Args[1] == inside {
		err = talk(os.Stdout)
	} else {
		err = run(context.Background(), os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "loopback:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, output io.Writer) error {
	parent, arg, err := socketpair()
	if err != nil {
		return err
	}
	defer parent.Close()
	defer arg.Close()

	cmd := initscript.CommandContext(ctx, "/proc/self/exe", inside)
	cmd.Namespaces = initscript.NewUser | initscript.NewNet
	cmd.UIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	cmd.GIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	cmd.Script = script
	cmd.ScriptName = "loopback.lua"
	cmd.Arg = arg
	cmd.Stdout, cmd.Stderr = output, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	arg.Close() // or we would not see the end of a script that fails
	upErr := bringUp(ctx, parent)
	parent.Close() // or the script would wait for ever if we have failed
	return errors.Join(cmd.Wait(), upErr)
}

// bringUp sets up the interface in the namespaces that the script sends.
func bringUp(ctx context.Context, parent *net.UnixConn) error {
	user, err := receiveFile(parent)
	if err != nil {
		return fmt.Errorf("receive user namespace: %w", err)
	}
	defer user.Close()
	network, err := receiveFile(parent)
	if err != nil {
		return fmt.Errorf("receive network namespace: %w", err)
	}
	defer network.Close()

	ip := initscript.CommandContext(ctx, "ip", "link", "set", "lo", "up")
	ip.Env = []string{searchPath}
	ip.Script = enterScript
	ip.ScriptName = "enter.lua"
	ip.ExtraFiles = []*os.File{user, network}
	ip.Stderr = os.Stderr
	if err := ip.Run(); err != nil {
		return fmt.Errorf("bring up loopback interface: %w", err)
	}
	_, err = parent.Write([]byte("."))
	return err
}

// talk shows the interfaces, and sends a message over the one that works.
func talk(output io.Writer) error {
	interfaces, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range interfaces {
		fmt.Fprintf(output, "interface %s: %s\n", i.Name, i.Flags)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return err
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		return err
	}
	defer server.Close()
	const message = "over 127.0.0.1"
	if _, err := client.Write([]byte(message)); err != nil {
		return err
	}
	received := make([]byte, len(message))
	if _, err := io.ReadFull(server, received); err != nil {
		return err
	}
	fmt.Fprintf(output, "received: %s\n", received)
	return nil
}

// socketpair returns the parent's and the script's end of a connection that keeps messages apart.
func socketpair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	parent, script := os.NewFile(uintptr(fds[0]), "parent"), os.NewFile(uintptr(fds[1]), "script")
	defer parent.Close() // FileConn has its own copy
	conn, err := net.FileConn(parent)
	if err != nil {
		script.Close()
		return nil, nil, err
	}
	return conn.(*net.UnixConn), script, nil
}

// receiveFile takes what the script passes to send_with_fd.
func receiveFile(conn *net.UnixConn) (*os.File, error) {
	text, rights := make([]byte, 64), make([]byte, unix.CmsgSpace(4))
	n, rightsLength, _, _, err := conn.ReadMsgUnix(text, rights)
	if err != nil {
		return nil, err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:rightsLength])
	if err != nil || len(messages) != 1 {
		return nil, fmt.Errorf("message %q without a descriptor", text[:n])
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fds[0]), string(text[:n])), nil
}
