//go:build linux

// Uid-map shows how a script and its parent talk to each other: the script sends the parent the id
// map files of its user namespace, and waits until the parent has written them.
//
// Where the maps are known beforehand the fields UIDMap and GIDMap of the command do the same.
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

//go:embed uid-map.lua
var script string

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "uid-map:", err)
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

	cmd := initscript.CommandContext(ctx, "sh", "-c", `echo "user $(id -u), group $(id -g)"`)
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	cmd.Namespaces = initscript.NewUser
	cmd.Script = script
	cmd.ScriptName = "uid-map.lua"
	cmd.Arg = arg
	cmd.Stdout, cmd.Stderr = output, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	arg.Close() // or we would not see the end of a script that fails
	mapErr := writeMaps(parent)
	parent.Close() // or the script would wait for ever if we have failed
	return errors.Join(cmd.Wait(), mapErr)
}

// writeMaps makes the caller root in the script's user namespace.
func writeMaps(parent *net.UnixConn) error {
	for _, hostID := range []int{os.Geteuid(), os.Getegid()} {
		name, file, err := receiveFile(parent)
		if err != nil {
			return fmt.Errorf("receive id map: %w", err)
		}
		_, err = fmt.Fprintf(file, "0 %d 1", hostID)
		file.Close()
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	_, err := parent.Write([]byte("."))
	return err
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
func receiveFile(conn *net.UnixConn) (name string, file *os.File, err error) {
	text, rights := make([]byte, 64), make([]byte, unix.CmsgSpace(4))
	n, rightsLength, _, _, err := conn.ReadMsgUnix(text, rights)
	if err != nil {
		return "", nil, err
	}
	name = string(text[:n])
	messages, err := unix.ParseSocketControlMessage(rights[:rightsLength])
	if err != nil || len(messages) != 1 {
		return name, nil, fmt.Errorf("message %q without a descriptor", name)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return name, nil, err
	}
	return name, os.NewFile(uintptr(fds[0]), name), nil
}
