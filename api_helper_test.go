package initscript_test

import (
	"io"
	"os"
	"strconv"
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// countFDs makes the function open_fds, which counts the open descriptors.
const countFDs = `local function open_fds() local before, n = errexit, 0 errexit = false ` +
	`for fd = 0, 600 do if C.access('/proc/self/fd/' .. fd, C.F_OK) == 0 then n = n + 1 end end errexit = before return n end `

var helperCases = []scriptCase{
	{name: "H31 mode", script: `S(mode(7, 5, 5)) S(mode(8, 0, 0)) S(select('#', mode(1, 1, 1))) R(mode(-1, 0, 0)) R(mode(2^32 + 7, 0, '1'))`,
		sent: []string{"493", "512", "1", "4294967232", "449"}},
	{name: "major and minor", script: `R(major(2049)) R(minor(2049)) R(major(2^32 + 2049)) R(minor(C.makedev(8, 300)))`, sent: []string{"8", "1", "8", "300"}},

	// write_all
	{name: "write_all", script: `R(write_all(1, 'a\0b')) R(write_all(1, 42))`, stdout: "a\x00b42", sent: []string{"3,0", "2,0"}},
	{name: "write_all writes nothing without a system call", script: `R(write_all(99, '')) R(write_all(99)) R(write_all(99, nil)) R(write_all(99, {}))`,
		sent: []string{"0,0", "0,0", "0,0", "0,0"}},
	{name: "write_all says how much it wrote before it failed", script: fullPipe + `errexit = false R(write_all(pipe, ('x'):rep(100000))) R(write_all(pipe, 'x'))`,
		sent: []string{"65536,11", "0,11"}},
	{name: "write_all to a broken pipe", script: `write_all(1, 'x') S('alive')`, set: brokenStdout, err: killed(unix.SIGPIPE)},

	// receive_with_fd: the second number is how many descriptors there are more than before
	{name: "H50 receive a message with a descriptor", peer: &peer{queued: []message{{"hi", 1}}},
		script: `local m, fd, e = receive_with_fd(5, 16) S(m .. tostring(fd >= 5) .. e)`, sent: []string{"hitrue0"}},
	{name: "H51 receive a message without", peer: &peer{queued: []message{{"hi", 0}}}, script: `R(receive_with_fd(5, 16))`, sent: []string{"hi,-1,0"}},
	{name: "H52 receive the end", peer: &peer{hangUp: true}, script: `R(receive_with_fd(5, 16)) R(receive_with_fd(5, 0))`, sent: []string{",-1,0", ",-1,0"}},
	{name: "receive an empty message", peer: &peer{queued: []message{{"", 0}, {"x", 0}}}, script: `R(receive_with_fd(5, 16)) R(receive_with_fd(5, 16))`,
		sent: []string{",-1,0", "x,-1,0"}},
	{name: "receive cuts a message", peer: &peer{queued: []message{{"long\x00er", 0}, {"x", 0}}}, script: `R(receive_with_fd(5, 5)) R(receive_with_fd(5, 5))`,
		sent: []string{"long\x00,-1,0", "x,-1,0"}},
	{name: "receive from a stream socket", peer: &peer{kind: unix.SOCK_STREAM, queued: []message{{"abc", 1}}},
		script: `local m, fd, e = receive_with_fd(5, 2) R(m, fd >= 5, e) R(receive_with_fd(5, 2))`, sent: []string{"ab,true,0", "c,-1,0"}},
	// Emilua leaves the second descriptor open, and loses more.
	{name: "receive keeps one descriptor of two", peer: &peer{queued: []message{{"hi", 2}}}, script: countFDs +
		`local before = open_fds() local m, fd = receive_with_fd(5, 16) R(m, open_fds() - before, fd >= 5)`, sent: []string{"hi,1,true"}},
	{name: "receive keeps one descriptor of 253", peer: &peer{queued: []message{{"hi", 253}}}, script: countFDs +
		`local before = open_fds() local m, fd = receive_with_fd(5, 16) R(m, open_fds() - before, fd >= 5)`, sent: []string{"hi,1,true"}},
	{name: "receive with credentials", peer: &peer{set: passCredentials, queued: []message{{"hi", 3}}}, script: countFDs +
		`local before = open_fds() local m, fd = receive_with_fd(5, 16) R(m, open_fds() - before, fd >= 5)`, sent: []string{"hi,1,true"}},
	{name: "receive with a pidfd of the sender", peer: &peer{set: passPidfd, queued: []message{{"hi", 253}, {"ho", 0}}}, script: countFDs +
		`local before = open_fds() local m, fd = receive_with_fd(5, 16) R(m, open_fds() - before, fd >= 5) R(receive_with_fd(5, 16)) R(open_fds() - before)`,
		sent: []string{"hi,1,true", "ho,-1,0", "1"}},
	{name: "receive leaves no descriptor behind when a finalizer raises", peer: &peer{queued: numberedMessages(100)}, script: countFDs + raisingFinalizers + `
		local receive, good = receive_with_fd, 0
		local before = open_fds()
		for i = 1, 90 do
			local ok, m, fd = try(i % 3 + 1, receive, 5, 16)
			if ok then good = good + 1 C.close(fd) end
		end
		local leaked = open_fds() - before
		local lost = (receive(5, 16)) - 1 - good -- by errors when a message had been received
		R((lost > 0) == raising, leaked)`, sent: []string{"true,0"}},
	{name: "what is received is closed on execve", peer: &peer{queued: []message{{"hi", 1}}},
		script: `local m, fd = receive_with_fd(5, 16) C.execve('/bin/sh', {'sh', '-c', '[ -e /proc/self/fd/' .. fd .. ' ] || echo closed'})`, stdout: "closed\n"},
	{name: "receive into more memory than there is", script: `receive_with_fd(99, 2^40)`, stderr: outOfMemory, err: memoryExhausted},

	// send_with_fd
	{name: "H55 send a message with a descriptor", peer: &peer{received: []message{{".", 1}}}, script: `R(send_with_fd(5, '.', C.open('/dev/null', C.O_RDONLY)))`,
		sent: []string{"1,0"}},
	{name: "send an empty message with a descriptor", peer: &peer{received: []message{{"", 1}, {"", 1}, {"42", 1}}},
		script: `R(send_with_fd(5, nil, 0)) R(send_with_fd(5, '', 0)) R(send_with_fd(5, 42, 0))`, sent: []string{"0,0", "0,0", "2,0"}},
	{name: "send nothing to a stream socket", peer: &peer{kind: unix.SOCK_STREAM}, script: `R(send_with_fd(5, nil, 0))`, sent: []string{"0,0"}},

	{name: "H58 set_no_new_privs", script: `local a, b = set_no_new_privs('ignored') S(a .. ',' .. b) S(status('NoNewPrivs')) R(set_no_new_privs())`,
		sent: []string{"0,0", "1", "0,0"}, then: `grep ^NoNewPrivs /proc/self/status`, stdout: "NoNewPrivs:\t1\n"},

	// bind_unix
	{name: "bind_unix", script: `R(bind_unix(C.socket(C.AF_UNIX, C.SOCK_STREAM, 0), 's'))`, sent: []string{"0,0"}, then: `[ -S s ] && echo socket`, stdout: "socket\n"},
	{name: "bind_unix to an abstract address", in: newNet, script: `R(bind_unix(C.socket(C.AF_UNIX, C.SOCK_STREAM, 0), '\0initscript\0' .. ('x'):rep(96))) ` +
		`for line in io.lines('/proc/net/unix') do if line:find('@initscript@') then S(#line:match('@.*')) end end`, sent: []string{"0,0", "108"}},
	{name: "an empty path is an address too", in: newNet, script: `R(bind_unix(C.socket(C.AF_UNIX, C.SOCK_STREAM, 0), '')) errexit = false ` +
		`R(bind_unix(C.socket(C.AF_UNIX, C.SOCK_STREAM, 0), '')) R(bind_unix(C.socket(C.AF_UNIX, C.SOCK_STREAM, 0), '\0'))`,
		sent: []string{"0,0", "-1,98", "-1,98"}},
	{name: "bind_unix to the longest paths", script: `local function socket() return (C.socket(C.AF_UNIX, C.SOCK_STREAM, 0)) end ` +
		`R(bind_unix(socket(), ('x'):rep(107))) errexit = false ` +
		`R(bind_unix(socket(), ('x'):rep(108))) R(bind_unix(socket(), '\0' .. ('x'):rep(108)))`,
		sent: []string{"0,0", "-1,36", "-1,36"}},
}

// numberedMessages returns the messages 1 to n with a descriptor each.
func numberedMessages(n int) []message {
	var messages []message
	for i := range n {
		messages = append(messages, message{strconv.Itoa(i + 1), 1})
	}
	return messages
}

func passCredentials(t *testing.T, socket int) {
	must(t, unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_PASSCRED, 1))
}

func passPidfd(t *testing.T, socket int) {
	const passPidfd = 76 // SO_PASSPIDFD
	if err := unix.SetsockoptInt(socket, unix.SOL_SOCKET, passPidfd, 1); err != nil {
		t.Skipf("needs SO_PASSPIDFD (Linux 6.5): %v", err)
	}
}

var helperFailures = []failureCase{
	{name: "H47 H48", call: `write_all(99, 'abc')`, errno: unix.EBADF, report: `write_all(99, "abc")`, results: "0,9"},
	{name: "H54", call: `receive_with_fd(99, 1)`, errno: unix.EBADF, report: `receive_with_fd(99, 1)`, results: "nil,-1,9"},
	{name: "not a socket", call: `receive_with_fd(0, 1)`, errno: unix.ENOTSOCK, report: `receive_with_fd(0, 1)`, results: "nil,-1,88"},
	// Undefined in Emilua.
	{name: "a negative size", call: `receive_with_fd(99, -1)`, errno: unix.EINVAL, report: `receive_with_fd(99, -1)`, results: "nil,-1,22"},
	{name: "H56", call: `send_with_fd(arg, '.', -1)`, errno: unix.EBADF, report: `send_with_fd(4, ".", -1)`},
	{name: "the peer is gone, no SIGPIPE", call: `send_with_fd(5, '.', 0)`, errno: unix.EPIPE, report: `send_with_fd(5, ".", 0)`,
		peer: &peer{kind: unix.SOCK_STREAM, hangUp: true}},
	{name: "which only a filter can refuse", before: `set_no_new_privs() ` + install(filter(unix.SYS_PRCTL, unix.SECCOMP_RET_ERRNO|uint32(unix.EDOM))),
		call: `set_no_new_privs()`, errno: unix.EDOM, report: `set_no_new_privs()`},
	{call: `bind_unix(99, 's')`, errno: unix.EBADF, report: `bind_unix(99, "s")`},
	{name: "without asking the kernel", call: `bind_unix(99, ('x'):rep(108))`, errno: unix.ENAMETOOLONG, report: `bind_unix(99, "` +
		`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")`},
}

func TestAPIHelpers(t *testing.T) {
	runCases(t, helperCases)
	runFailures(t, helperFailures)
}

// H49: more than one buffer of a pipe, through a descriptor that was received.
func TestWriteAllThroughReceivedPipe(t *testing.T) {
	reader, writer, err := os.Pipe()
	must(t, err)
	defer reader.Close()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(pair[1])
	end := os.NewFile(uintptr(pair[0]), "script's end")
	defer end.Close()
	must(t, unix.Sendmsg(pair[1], []byte("pipe"), unix.UnixRights(int(writer.Fd())), nil, 0))
	writer.Close()

	length := make(chan int64)
	go func() {
		n, _ := io.Copy(io.Discard, reader)
		length <- n
	}()
	writes := scriptCase{
		script: `local m, fd, e = receive_with_fd(5, 16) R(write_all(fd, string.rep('a', 100000)))`, sent: []string{"100000,0"},
		set: func(_ *testing.T, cmd *initscript.Cmd) { cmd.ExtraFiles = []*os.File{end} },
	}
	writes.run(t)
	if n := <-length; n != 100000 {
		t.Errorf("%d bytes arrived", n)
	}
}
