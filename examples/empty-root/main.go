//go:build linux

// Empty-root gives a process a root directory of its own, with nothing in it but what its script
// has made. It needs no privileges.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

//go:embed empty-root.lua
var script string

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "empty-root:", err)
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

	// No program: in an empty root there is none to execute, so all is done by the script.
	cmd := initscript.CommandContext(ctx, "")
	cmd.Namespaces = initscript.NewUser | initscript.NewMount
	cmd.UIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	cmd.GIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	cmd.Script = script
	cmd.ScriptName = "empty-root.lua"
	cmd.Arg = arg
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	arg.Close() // or we would not see the end of a script that fails
	showErr := show(parent, output)
	return errors.Join(cmd.Wait(), showErr)
}

// show prints what the script sends.
func show(parent *net.UnixConn, output io.Writer) error {
	root, err := receiveFile(parent)
	if err != nil {
		return fmt.Errorf("receive root directory: %w", err)
	}
	defer root.Close()
	entries, err := root.ReadDir(-1)
	if err != nil {
		return err
	}
	fmt.Fprintln(output, "entries of the root directory:", len(entries))
	for _, entry := range entries {
		fmt.Fprintln(output, entry)
	}

	message := make([]byte, 16)
	n, err := parent.Read(message)
	if err != nil {
		return fmt.Errorf("receive errno: %w", err)
	}
	errno, err := strconv.Atoi(string(message[:n]))
	if err != nil {
		return err
	}
	fmt.Fprintln(output, "open /etc/passwd:", syscall.Errno(errno))
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
