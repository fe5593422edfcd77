package start_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/ffitest"
	"golang.org/x/sys/unix"
)

const entryFailedRecord = 12 // INITSCRIPT_ENTRY_FAILED, the one that an actor may send

// forgeries are records of a kind in the layout that the host reads, in wrong ones, and too long.
func forgeries(kind, pid uint32) [][]byte {
	words := func(words ...uint32) []byte {
		var message []byte
		for _, word := range words {
			message = binary.NativeEndian.AppendUint32(message, word)
		}
		return message
	}
	lies := words(kind, 0, 1, 2, 4)
	lies = append(append(lies, "lies"...), 4, 0, 0, 0, 'l', 'i', 'e', 's')
	return [][]byte{
		words(kind), words(kind, 0, 0, 0), words(kind, 0, 0, pid, 0), words(kind, 0, 0, ^uint32(0)),
		words(kind, pid, 0, 0),
		lies, append(lies, bytes.Repeat([]byte{'x'}, 32<<10)...),
	}
}

// startSocket returns the actor's end of it: the first socket of its kind that is out of the way.
func startSocket() int {
	for fd := 64; fd < 1024; fd++ {
		if kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err == nil &&
			kind == unix.SOCK_SEQPACKET {
			return fd
		}
	}
	panic("there is no start socket")
}

// impostor says on its start socket that it is another process, that its script has failed, and
// whatever else a record can say, alone and with a descriptor of that process; then it does as it
// is told.
func impostor(self *initscript.Self) error {
	victim, err := self.Receive(context.Background())
	if err != nil {
		return err
	}
	pidfd, err := unix.PidfdOpen(int(victim.(int64)), 0)
	if err != nil {
		return err
	}
	const now = unix.MSG_NOSIGNAL | unix.MSG_DONTWAIT
	socket := startSocket()
	for kind := range uint32(20) {
		for _, message := range forgeries(kind, uint32(victim.(int64))) {
			unix.Sendmsg(socket, message, unix.UnixRights(pidfd), nil, now)
			if kind != entryFailedRecord {
				unix.Sendto(socket, message, now, nil)
			}
		}
	}
	if err := self.Send(context.Background(), int64(os.Getpid())); err != nil {
		return err
	}
	order, err := self.Receive(context.Background())
	if order == "flood" {
		for unix.Sendto(socket, forgeries(entryFailedRecord, 0)[5], now, nil) == nil {
		}
	}
	if order != "return" {
		testkit.WaitForEver()
	}
	return err
}

func init() { initscript.Register("impostor", impostor) }

// impostorInLua is the same.
const impostorInLua = `
local ffi = require 'ffi'
ffi.cdef[[
struct iovec { void *base; size_t len; };
struct msghdr {
    void *name; unsigned namelen; struct iovec *iov; size_t iovlen; void *control; size_t controllen;
    int flags;
};
struct cmsg { size_t len; int level; int type; int fd; int pad; };
ssize_t sendmsg(int, const struct msghdr *, int);
int getsockopt(int, int, int, void *, unsigned *);
int getpid(void); int pause(void);
long syscall(long, ...);
]]
local victim = inbox:receive()
local pidfd = ffi.C.syscall(434, ffi.cast("int", victim), ffi.cast("int", 0)) -- pidfd_open
local socket, option, length = nil, ffi.new("int[1]"), ffi.new("unsigned[1]", 4)
for fd = 64, 1023 do
    if ffi.C.getsockopt(fd, 1, 3, option, length) == 0 and option[0] == 5 then socket = fd break end
end
local function send(words, rest, with_pidfd)
    local numbers = ffi.new("uint32_t[?]", #words, words)
    local bytes = ffi.string(numbers, 4 * #words) .. rest
    local iov, m = ffi.new("struct iovec[1]"), ffi.new("struct msghdr")
    iov[0].base, iov[0].len = ffi.cast("void *", ffi.cast("const char *", bytes)), #bytes
    m.iov, m.iovlen = iov, 1
    local c = ffi.new("struct cmsg", {20, 1, 1, pidfd, 0})
    if with_pidfd then m.control, m.controllen = c, 24 end
    return ffi.C.sendmsg(socket, m, 0x4040) >= 0
end
local lies = "\4\0\0\0lies\4\0\0\0lies"
local function forge(kind, with_pidfd)
    send({kind}, "", with_pidfd)
    send({kind, 0, 0, 0}, "", with_pidfd)
    send({kind, 0, 0, victim, 0}, "", with_pidfd)
    send({kind, 0, 1, 2}, lies, with_pidfd)
    send({kind, 0, 1, 2}, lies .. ("x"):rep(32768), with_pidfd)
end
send({1, 0, 0, victim, 0}, "", true) -- at once: who it is, as a server could say
for kind = 0, 19 do
    forge(kind, true)
    if kind ~= 12 then forge(kind, false) end
end
parent:send(ffi.C.getpid())
local order = inbox:receive()
if order == "flood" then
    while send({12, 0, 1, 2}, lies) do end
end
if order ~= "return" then ffi.C.pause() end
`

// Whatever an actor says on its start socket, the host takes no other process for it, can end it, and
// believes nothing of what only the launcher can say.
func TestActorSpeaksForItself(t *testing.T) {
	victim := exec.Command("sleep", "1000")
	testkit.Must(t, victim.Start())
	defer victim.Wait()
	defer victim.Process.Kill()
	actors := map[string]initscript.Actor{
		"Go":  {Entry: "impostor"},
		"Lua": {ModuleSource: impostorInLua},
	}
	for name, actor := range actors {
		ffitest.Require(t, actor.ModuleSource)
		kinds := []initscript.Namespaces{0, initscript.NewUser}
		if canMakePIDNamespace(t) {
			kinds = append(kinds, initscript.NewPID)
		}
		for _, namespaces := range kinds {
			for _, order := range []string{"return", "wait", "flood"} {
				t.Run(fmt.Sprintf("%s, namespaces %q, %s", name, namespaces, order), func(t *testing.T) {
					actor := actor
					if namespaces == initscript.NewUser {
						testkit.RequireUserNamespaces(t)
					}
					actor.Namespaces = namespaces
					unmask(t, victim.Process.Pid, actor, order)
				})
			}
		}
	}
	if err := victim.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the victim: %v", err)
	}
}

func unmask(t *testing.T, victim int, description initscript.Actor, order string) {
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Timeout)
	defer cancel()
	var stderr strings.Builder
	description.Stderr = &stderr
	// In a PID namespace of its own it sees itself alone.
	seen := victim
	if description.Namespaces == initscript.NewPID {
		seen = 1
	}
	actor, err := initscript.Spawn(ctx, description)
	testkit.Must(t, err)
	defer actor.Close()
	testkit.Must(t, actor.Send(ctx, int64(seen)))
	pid, err := actor.Receive(ctx)
	if err != nil {
		t.Fatalf("%v; the actor: %v %s", err, actor.Wait(), &stderr)
	}
	if number, ok := pid.(int64); description.Namespaces != initscript.NewPID &&
		(!ok || int(number) != actor.Pid()) {
		t.Errorf("the actor is process %v, its host takes it for %d", pid, actor.Pid())
	}
	if order != "return" {
		testkit.Must(t, actor.Send(ctx, order))
		// A signal, so that the flood is under way or over, whatever comes first.
		testkit.Must(t, actor.Kill())
		var exit *initscript.ExitError
		var failure *initscript.ActorError // what it could say before
		err := actor.Wait()
		if !errors.As(err, &failure) && (!errors.As(err, &exit) || exit.Signal() != syscall.SIGKILL) {
			t.Errorf("killed: %T %v", err, err)
		}
		if signal := actor.ProcessState().Signal(); signal != syscall.SIGKILL {
			t.Errorf("killed: %v", actor.ProcessState())
		}
		return
	}
	testkit.Must(t, actor.Send(ctx, order))
	if err := actor.Wait(); err != nil {
		t.Errorf("%T %v", err, err)
	}
}

// The same before the host has been told who the actor is: nothing is waited for between the two.
func TestImpostorInEveryStart(t *testing.T) {
	ffitest.Require(t, impostorInLua)
	victim := exec.Command("sleep", "1000")
	testkit.Must(t, victim.Start())
	defer victim.Wait()
	defer victim.Process.Kill()
	source := strings.Replace(impostorInLua, "inbox:receive()", "tonumber(os.getenv('VICTIM'))", 1)
	for range 200 {
		ctx, cancel := context.WithTimeout(t.Context(), testkit.Timeout)
		actor, err := initscript.Spawn(ctx, initscript.Actor{
			ModuleSource: source,
			Env:          []string{fmt.Sprintf("VICTIM=%d", victim.Process.Pid)},
		})
		testkit.Must(t, err)
		if actor.Pid() == victim.Process.Pid {
			t.Error("the host takes another process for its actor")
		}
		testkit.Must(t, actor.Kill())
		actor.Wait()
		actor.Close()
		cancel()
	}
	if err := victim.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the victim: %v", err)
	}
}

// lingering leaves descriptors in its start socket whose close takes as long as it wants: TCP
// sockets with unsent data that linger.
func lingering(self *initscript.Self) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	address := listener.Addr().(*net.TCPAddr)
	if err := unix.Connect(socket, &unix.SockaddrInet4{Port: address.Port,
		Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return err
	}
	peer, err := listener.Accept() // which reads nothing, and is kept by a process that stays
	if err != nil {
		return err
	}
	keeper := exec.Command("/bin/sleep", "1000")
	file, err := peer.(*net.TCPConn).File()
	if err != nil {
		return err
	}
	keeper.ExtraFiles = []*os.File{file}
	if err := keeper.Start(); err != nil {
		return err
	}
	for err == nil {
		_, err = unix.SendmsgN(socket, make([]byte, 1<<16), nil, nil, unix.MSG_DONTWAIT)
	}
	if err := unix.SetsockoptLinger(socket, unix.SOL_SOCKET, unix.SO_LINGER,
		&unix.Linger{Onoff: 1, Linger: 1000}); err != nil {
		return err
	}
	for range 3 {
		if err := unix.Sendmsg(startSocket(), forgeries(entryFailedRecord, 0)[5],
			unix.UnixRights(socket), nil, 0); err != nil {
			return err
		}
	}
	unix.Close(socket)
	return self.Send(context.Background(), int64(keeper.Process.Pid))
}

func init() { initscript.Register("lingering", lingering) }

func TestWaitDoesNotLinger(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Timeout)
	defer cancel()
	actor, err := initscript.Spawn(ctx, initscript.Actor{Entry: "lingering"})
	testkit.Must(t, err)
	defer actor.Close()
	keeper, err := actor.Receive(ctx)
	if err != nil {
		t.Fatalf("%v; the actor: %v", err, actor.Wait())
	}
	defer unix.Kill(int(keeper.(int64)), unix.SIGKILL) // what lingers ends with it
	ended := make(chan error, 1)
	go func() { ended <- actor.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("%T %v", err, err)
		}
	case <-ctx.Done():
		t.Error("the host waits for its actor")
	}
}
