package scriptapi_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
	"golang.org/x/sys/unix"
)

// Emilua takes it (H22).
func TestByteCodeIsRefused(t *testing.T) {
	r := testkit.RunScript(t, `S(string.dump(loadstring("S('bc')")))`)
	if r.Err != nil || len(r.Sent) != 1 {
		t.Fatalf("%+v", r)
	}
	var fieldError *initscript.FieldError
	err := testkit.Command(t, r.Sent[0]).Start()
	if !errors.As(err, &fieldError) || fieldError.Field != "Script" {
		t.Errorf("start: %v", err)
	}
	const message = "attempt to load chunk with wrong mode"
	refused := testkit.ScriptCase{
		Set:    func(_ *testing.T, cmd *initscript.Cmd) { cmd.Script = "\x1bLJ\x02\x02" },
		Stderr: "Failed to load Lua chunk: " + message + "\n",
		Err:    &initscript.ScriptError{Message: message},
	}
	refused.Run(t)
}

// The script has the id maps written (H89) by who holds the other end of arg.
func TestIDMapHandshake(t *testing.T) {
	testkit.RequireUserNamespaces(t)
	host, arg := testkit.Socketpair(t)
	cmd := testkit.Command(t, `
		C.write(C.open('/proc/self/setgroups', C.O_WRONLY), 'deny')
		for _, map in ipairs({'uid_map', 'gid_map'}) do
			send_with_fd(arg, map, C.open('/proc/self/' .. map, C.O_WRONLY))
		end
		assert(C.read(arg, 1) == '.')`, "/bin/sh", "-c", "id -u; id -g")
	cmd.Namespaces, cmd.Arg = initscript.NewUser, arg
	var stdout strings.Builder
	cmd.Stdout = &stdout
	testkit.Must(t, cmd.Start())
	arg.Close()
	for _, id := range []int{os.Geteuid(), os.Getegid()} {
		data, rights := make([]byte, 16), make([]byte, unix.CmsgSpace(4))
		_, rightsLength, _, _, err := unix.Recvmsg(int(host.Fd()), data, rights, unix.MSG_CMSG_CLOEXEC)
		testkit.Must(t, err)
		messages, err := unix.ParseSocketControlMessage(rights[:rightsLength])
		if err != nil || len(messages) != 1 {
			t.Fatalf("no descriptor came: %v", err)
		}
		fds, err := unix.ParseUnixRights(&messages[0])
		testkit.Must(t, err)
		_, err = unix.Write(fds[0], fmt.Appendf(nil, "0 %d 1\n", id))
		testkit.Must(t, errors.Join(err, unix.Close(fds[0])))
	}
	_, err := unix.Write(int(host.Fd()), []byte{'.'})
	testkit.Must(t, err)
	testkit.Must(t, cmd.Wait())
	if stdout.String() != "0\n0\n" {
		t.Errorf("ids: %q", stdout.String())
	}
}

// In Emilua a script starts with the mask 022.
func TestUmaskIsInherited(t *testing.T) {
	inherits := testkit.ScriptCase{
		Script: `R(C.umask(0))`, Sent: []string{"95"},
		Set: func(t *testing.T, _ *initscript.Cmd) {
			before := syscall.Umask(0o137)
			t.Cleanup(func() { syscall.Umask(before) })
		},
	}
	inherits.Run(t)
}

// H49: more than one buffer of a pipe, through a descriptor that was received.
func TestWriteAllThroughReceivedPipe(t *testing.T) {
	reader, writer, err := os.Pipe()
	testkit.Must(t, err)
	defer reader.Close()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	testkit.Must(t, err)
	defer unix.Close(pair[1])
	end := os.NewFile(uintptr(pair[0]), "script's end")
	defer end.Close()
	testkit.Must(t, unix.Sendmsg(pair[1], []byte("pipe"), unix.UnixRights(int(writer.Fd())), nil, 0))
	writer.Close()

	length := make(chan int64)
	go func() {
		n, _ := io.Copy(io.Discard, reader)
		length <- n
	}()
	writes := testkit.ScriptCase{
		Script: `local m, fd, e = receive_with_fd(5, 16) R(write_all(fd, string.rep('a', 100000)))`,
		Sent:   []string{"100000,0"},
		Set:    func(_ *testing.T, cmd *initscript.Cmd) { cmd.ExtraFiles = []*os.File{end} },
	}
	writes.Run(t)
	if n := <-length; n != 100000 {
		t.Errorf("%d bytes arrived", n)
	}
}
