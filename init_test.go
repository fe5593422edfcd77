//go:build linux

package initscript_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// This is a walk through Emilua's reference page "init.script", from outside and in its order. Each test
// is a section of the page, and fails when something that the page says there is not so. What the page
// leaves open and all extensions are tested elsewhere; docs/reference/differences.md has what is
// different on purpose. The names that the page lists are in testdata/init.script.*.txt; of those that
// only FreeBSD has, such as jail_set, the walk sees that they are not here.

// A pageScript is a script that asserts what the page says, and a program that shows what the script has
// done.
type pageScript struct {
	lua   string
	shell string   // the program, as a command of the shell; "": none
	arg   *os.File // arg of the script
	box   bool     // in namespaces of its own, where the script is root
}

// readers is what scripts need to look at their process: a file, a line of /proc/self/status, and a
// field of /proc/self/stat by its number in proc(5).
const readers = `
local function read(path)
	local f = assert(io.open(path))
	local text = f:read('*a')
	f:close()
	return text
end
local function status(key) return (read('/proc/self/status'):match('\n' .. key .. ':%s*([^\n]*)')) end
local function stat(n) return tonumber(read('/proc/self/stat'):match(('%S+ '):rep(n - 1) .. '(%S+)')) end
`

// run returns what the program has printed.
func (s pageScript) run(t *testing.T) (string, error) {
	t.Helper()
	cmd := newCmd(t, strings.ReplaceAll(readers, "\n", " ")+s.lua)
	if s.shell != "" {
		cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", s.shell}
	}
	if s.box {
		requireUserNamespaces(t)
		inUserNamespace(initscript.NewMount | initscript.NewUTS)(cmd)
	}
	cmd.Arg, cmd.Dir = s.arg, t.TempDir()
	var stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, io.Discard
	err := cmd.Run()
	return stdout.String(), err
}

// holds runs the script, which must succeed, and compares what the program prints.
func (s pageScript) holds(t *testing.T, want string) {
	t.Helper()
	got, err := s.run(t)
	if err != nil {
		t.Errorf("%v\n%s", err, s.lua)
	}
	if got != want {
		t.Errorf("printed %q, want %q, after\n%s", got, want, s.lua)
	}
}

// aborts runs the script, which must end the process because that call fails: no program runs.
func (s pageScript) aborts(t *testing.T, call string) {
	t.Helper()
	s.shell = "echo the program runs"
	printed, err := s.run(t)
	var failed *initscript.ScriptError
	if !errors.As(err, &failed) || failed.Func != call || failed.Errno == 0 || printed != "" {
		t.Errorf("error %v, printed %q, want a failure of %s, after\n%s", err, printed, call, s.lua)
	}
}

// pageNames returns the names of one kind that the page lists, and whether this system has them.
func pageNames(t *testing.T, kind string) map[string]bool {
	t.Helper()
	list, err := os.ReadFile("testdata/init.script." + kind + ".txt")
	must(t, err)
	names := make(map[string]bool)
	for line := range strings.Lines(string(list)) {
		if name, platform, found := strings.Cut(strings.TrimSpace(line), " "); found && name != "#" {
			names[name] = platform != "freebsd"
		}
	}
	return names
}

// Synopsis: spawn_vm{ subprocess = { init = { script = init.script } } }
func TestPageSynopsis(t *testing.T) {
	actor, err := initscript.Spawn(t.Context(), initscript.Actor{
		Script:       `C.umask(mode(0, 2, 7))`,
		ModuleSource: `parent:send(io.open('/proc/self/status'):read('*a'):match('Umask:%s*(%d+)'))`,
	})
	must(t, err)
	defer actor.Close()
	if umask, err := actor.Receive(t.Context()); umask != "0027" {
		t.Errorf("the script has left the actor a umask of %v, %v", umask, err)
	}
	must(t, actor.Wait())
}

func TestPageArg(t *testing.T) {
	pageScript{lua: `assert(arg == nil)`}.holds(t, "")

	file, err := os.Open("/dev/null")
	must(t, err)
	defer file.Close()
	pageScript{arg: file, lua: `
		assert(type(arg) == 'number')
		local text, errno = C.read(arg, 10)
		assert(text == '' and errno == 0)
	`}.holds(t, "")
}

func TestPageErrexit(t *testing.T) {
	pageScript{lua: `
		assert(errexit == true)
		C.chdir('/nonexistent')
		os.exit(0)
	`}.aborts(t, "chdir")
	pageScript{shell: "echo the program runs", lua: `
		errexit = false
		local result, errno = C.chdir('/nonexistent')
		assert(result == -1 and errno == C.ENOENT)
	`}.holds(t, "the program runs\n")
	pageScript{lua: `
		errexit = false
		C.chdir('/nonexistent')
		errexit = true
		C.mkdir('/', mode(7, 5, 5))
	`}.aborts(t, "mkdir")
}

// "Every time the C API fails, the Emilua wrapper for the function will check its value."
func TestPageErrexitOfEveryFunction(t *testing.T) {
	failing := map[string]string{
		"read":                    `C.read(-1, 1)`,
		"write":                   `C.write(-1, 'x')`,
		"sethostname":             `C.sethostname(('x'):rep(65))`,
		"setdomainname":           `C.setdomainname(('x'):rep(65))`,
		"setgroups":               `C.setgroups({-1})`,
		"cap_set_proc":            `C.cap_set_proc('=') C.cap_set_proc('cap_chown=ep')`,
		"cap_drop_bound":          `C.cap_set_proc('=') C.cap_drop_bound('cap_chown')`,
		"cap_set_ambient":         `C.cap_set_ambient('cap_chown', true)`,
		"execve":                  `C.execve('/nonexistent', {'x'}, {})`,
		"fexecve":                 `C.fexecve(-1, {'x'}, {})`,
		"open":                    `C.open('/nonexistent', C.O_RDONLY)`,
		"mkdir":                   `C.mkdir('/', 0)`,
		"chdir":                   `C.chdir('/nonexistent')`,
		"mkfifo":                  `C.mkfifo('/', 0)`,
		"mknod":                   `C.mknod('/', C.S_IFCHR, 0)`,
		"link":                    `C.link('/nonexistent', 'x')`,
		"symlink":                 `C.symlink('x', '/')`,
		"chown":                   `C.chown('/nonexistent', 0, 0)`,
		"chmod":                   `C.chmod('/nonexistent', 0)`,
		"mount":                   `C.mount(nil, '/nonexistent', nil, C.MS_BIND, nil)`,
		"umount":                  `C.umount('/nonexistent')`,
		"umount2":                 `C.umount2('/nonexistent', C.MNT_DETACH)`,
		"pivot_root":              `C.pivot_root('/nonexistent', '/')`,
		"chroot":                  `C.chroot('/nonexistent')`,
		"setsid":                  `C.setpgid(0, 0) C.setsid()`,
		"setpgid":                 `C.setpgid(0, -1)`,
		"setresuid":               `C.setresuid(7, 7, 7)`,
		"setresgid":               `C.setresgid(7, 7, 7)`,
		"cap_set_secbits":         `C.cap_set_proc('=') C.cap_set_secbits(C.SECBIT_NOROOT)`,
		"unshare":                 `C.unshare(-1)`,
		"setns":                   `C.setns(-1, C.CLONE_NEWUTS)`,
		"seccomp_set_mode_filter": `C.seccomp_set_mode_filter('')`,
		"landlock_create_ruleset": `C.landlock_create_ruleset({handled_access_fs = {}})`,
		"landlock_add_rule":       `C.landlock_add_rule(-1, 'path_beneath', {parent_fd = -1})`,
		"landlock_restrict_self":  `C.landlock_restrict_self(-1)`,
	}
	for _, call := range slices.Sorted(maps.Keys(failing)) {
		pageScript{box: true, lua: failing[call]}.aborts(t, call)
	}
	for name, present := range pageNames(t, "functions") {
		cannotFail := name == "makedev" || name == "umask" || name == "cap_reset_ambient"
		if _, fails := failing[name]; fails == cannotFail && present {
			t.Errorf("%s fails: %t", name, fails)
		}
	}
}

// The process stays in the session of its parent, with its controlling terminal, until C.setsid().
func TestPageControllingTerminal(t *testing.T) {
	const onTerminal = "INITSCRIPT_TEST_ON_TERMINAL"
	if os.Getenv(onTerminal) == "" {
		test := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
		test.Env = append(os.Environ(), onTerminal+"=1")
		terminal, err := pty.Start(test)
		must(t, err)
		defer terminal.Close()
		printed, _ := io.ReadAll(terminal) // ends with an error: nobody has the terminal any more
		if err := test.Wait(); err != nil || !bytes.Contains(printed, []byte("--- PASS: "+t.Name())) {
			t.Errorf("%v\n%s", err, printed)
		}
		return
	}
	session, err := unix.Getsid(0)
	must(t, err)
	pageScript{lua: fmt.Sprintf(`
		local process, group, session = stat(1), stat(5), stat(6)
		assert(group == %d and session == %d)
		assert(io.open('/dev/tty'))
		local result, errno = C.setsid()
		assert(result == process and errno == 0)
		assert(stat(5) == process and stat(6) == process)
		assert(not io.open('/dev/tty'))
	`, unix.Getpgrp(), session)}.holds(t, "")
}

func TestPageMode(t *testing.T) {
	pageScript{lua: `
		for user = 0, 7 do for group = 0, 7 do for other = 0, 7 do
			assert(mode(user, group, other) == bit.bor(bit.lshift(user, 6), bit.lshift(group, 3), other))
		end end end
	`}.holds(t, "")
}

// One write(2) would write as much as fits into the pipe.
func TestPageWriteAll(t *testing.T) {
	reader, writer, err := os.Pipe()
	must(t, err)
	received := make(chan int)
	go func() {
		text, _ := io.ReadAll(reader)
		received <- len(text)
	}()
	pageScript{arg: writer, lua: `
		local written, errno = write_all(arg, ('x'):rep(1000000))
		assert(written == 1000000 and errno == 0)
		errexit = false
		written, errno = write_all(-1, 'x')
		assert(errno == C.EBADF)
	`}.holds(t, "")
	writer.Close()
	if n := <-received; n != 1000000 {
		t.Errorf("%d bytes have arrived", n)
	}
	pageScript{lua: `write_all(-1, 'x')`}.aborts(t, "write_all")
}

func TestPageDescriptors(t *testing.T) {
	host, arg := socketpair(t)
	reader, writer, err := os.Pipe()
	must(t, err)
	defer reader.Close()
	must(t, unix.Sendmsg(int(host.Fd()), []byte("with"), unix.UnixRights(int(writer.Fd())), nil, 0))
	must(t, unix.Sendmsg(int(host.Fd()), []byte("without"), nil, nil, 0))
	writer.Close()
	pageScript{arg: arg, lua: `
		local text, fd, errno = receive_with_fd(arg, 100)
		assert(text == 'with' and fd >= 0 and errno == 0)
		write_all(fd, 'through what was received')
		local sent, errno = send_with_fd(arg, 'back', fd)
		assert(sent == 4 and errno == 0)

		local text, fd, errno = receive_with_fd(arg, 100)
		assert(text == 'without' and fd == -1 and errno == 0)

		errexit = false
		local text, fd, errno = receive_with_fd(-1, 100)
		assert(text == nil and fd == -1 and errno == C.EBADF)
		local sent, errno = send_with_fd(-1, 'x', 0)
		assert(sent == -1 and errno == C.EBADF)
	`}.holds(t, "")

	text, rights := make([]byte, 100), make([]byte, 100)
	n, length, _, _, err := unix.Recvmsg(int(host.Fd()), text, rights, unix.MSG_CMSG_CLOEXEC)
	must(t, err)
	messages, err := unix.ParseSocketControlMessage(rights[:length])
	if err != nil || string(text[:n]) != "back" || len(messages) != 1 {
		t.Fatalf("%q has arrived with %d descriptors, %v", text[:n], len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	must(t, err)
	back := os.NewFile(uintptr(fds[0]), "back")
	if _, err := back.WriteString(" and back"); err != nil {
		t.Error(err)
	}
	back.Close()
	if got, err := io.ReadAll(reader); string(got) != "through what was received and back" {
		t.Errorf("%q, %v", got, err)
	}
	pageScript{lua: `receive_with_fd(-1, 1)`}.aborts(t, "receive_with_fd")
	pageScript{lua: `send_with_fd(-1, 'x', 0)`}.aborts(t, "send_with_fd")
}

func TestPageSetNoNewPrivs(t *testing.T) {
	pageScript{shell: "grep NoNewPrivs /proc/self/status", lua: `
		set_no_new_privs()
	`}.holds(t, "NoNewPrivs:\t1\n")
}

// "These functions live inside the global table C", and so do the constants.
func TestPageNames(t *testing.T) {
	for kind, what := range map[string]string{"functions": "function", "constants": "number"} {
		var here, elsewhere []string
		for name, present := range pageNames(t, kind) {
			if present {
				here = append(here, name)
			} else {
				elsewhere = append(elsewhere, name)
			}
		}
		pageScript{lua: fmt.Sprintf(`
			for _, name in ipairs(%s) do
				assert(type(C[name]) == '%s', name)
			end
			for _, name in ipairs(%s) do -- FreeBSD has them
				assert(not pcall(function() return C[name] end), name)
			end
		`, luaList(here), what, luaList(elsewhere))}.holds(t, "")
	}
}

func TestPageReadAndWrite(t *testing.T) {
	pageScript{shell: "cat file", lua: `
		local fd, errno = C.open('file', bit.bor(C.O_CREAT, C.O_EXCL, C.O_RDWR), mode(6, 4, 4))
		assert(fd >= 0 and errno == 0)
		local written, errno = C.write(fd, 'some text')
		assert(written == 9 and errno == 0)
		local text, errno = C.read(C.open('file', C.O_RDONLY), 4)
		assert(text == 'some' and errno == 0)

		errexit = false
		local text, errno = C.read(-1, 4)
		assert(text == nil and errno == C.EBADF)
		local written, errno = C.write(-1, 'x')
		assert(written == -1 and errno == C.EBADF)
	`}.holds(t, "some text")
}

func TestPageHostAndDomain(t *testing.T) {
	pageScript{box: true, shell: "cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname", lua: `
		C.sethostname('box')
		local result, errno = C.setdomainname('inside')
		assert(result == 0 and errno == 0)
	`}.holds(t, "box\ninside\n")
}

func TestPageCapabilities(t *testing.T) {
	pageScript{box: true, shell: "grep CapAmb /proc/self/status", lua: `
		local result, errno = C.cap_set_proc('cap_setpcap=ep cap_chown,cap_kill=eip')
		assert(result == 0 and errno == 0)
		assert(status('CapPrm') == '0000000000000121' and status('CapInh') == '0000000000000021')

		local result, errno = C.cap_drop_bound('cap_sys_admin')
		assert(result == 0 and errno == 0)
		local bounding = tonumber(status('CapBnd'):sub(-8), 16)
		assert(bit.band(bounding, bit.lshift(1, 21)) == 0)

		C.cap_set_ambient('cap_chown', true)
		local result, errno = C.cap_set_ambient('cap_kill', true)
		assert(result == 0 and errno == 0 and status('CapAmb') == '0000000000000021')
		C.cap_set_ambient('cap_chown', false)
		assert(status('CapAmb') == '0000000000000020')
		local result, errno = C.cap_reset_ambient()
		assert(result == 0 and errno == 0 and status('CapAmb') == '0000000000000000')
		C.cap_set_ambient('cap_chown', true)
	`}.holds(t, "CapAmb:\t0000000000000001\n")
	pageScript{box: true, shell: "grep CapEff /proc/self/status", lua: `
		local result, errno = C.cap_set_secbits(bit.bor(C.SECBIT_NOROOT, C.SECBIT_NOROOT_LOCKED))
		assert(result == 0 and errno == 0)
	`}.holds(t, "CapEff:\t0000000000000000\n")
}

func TestPageExec(t *testing.T) {
	pageScript{shell: "echo the program of the host", lua: `
		C.execve('/bin/sh', {'sh', '-c', 'echo "$1 $NAME"', 'sh', 'argument'}, {NAME = 'value'})
	`}.holds(t, "argument value\n")
	pageScript{shell: "echo the program of the host", lua: `
		local shell = C.open('/bin/sh', C.O_RDONLY)
		C.fexecve(shell, {'sh', '-c', 'echo "$1 $NAME"', 'sh', 'argument'}, {NAME = 'value'})
	`}.holds(t, "argument value\n")
	pageScript{lua: `
		errexit = false
		local result, errno = C.execve('/nonexistent', {}, {})
		assert(result == -1 and errno == C.ENOENT)
		local result, errno = C.fexecve(-1, {}, {})
		assert(result == -1 and errno ~= 0)
	`}.holds(t, "")
}

func TestPageFiles(t *testing.T) {
	pageScript{shell: "stat -c '%A %h %n' *; readlink symlink", lua: `
		assert(C.umask(mode(0, 7, 7)) >= 0)
		assert(C.umask(mode(0, 2, 2)) == mode(0, 7, 7))
		C.mkdir('directory', mode(7, 7, 7))
		C.chdir('directory')
		C.mkfifo('fifo', mode(6, 6, 6))
		C.open('file', bit.bor(C.O_CREAT, C.O_WRONLY, C.O_CLOEXEC), mode(6, 6, 6))
		C.link('file', 'other name')
		C.symlink('the target', 'symlink')
		C.chmod('file', bit.bor(C.S_ISUID, C.S_IRWXU, C.S_IXGRP))
		local result, errno = C.chown('fifo', -1, -1)
		assert(result == 0 and errno == 0)
	`}.holds(t, "prw-r--r-- 1 fifo\n-rws--x--- 2 file\n-rws--x--- 2 other name\n"+
		"lrwxrwxrwx 1 symlink\nthe target\n")
}

// Only the real root may make device files, and give files to others.
func TestPageFilesOfRoot(t *testing.T) {
	requireRoot(t)
	node := filepath.Join(t.TempDir(), "x")
	if err := unix.Mknod(node, unix.S_IFCHR, int(unix.Mkdev(1, 3))); err != nil {
		t.Skip("device files: ", err) // in most containers
	}
	pageScript{shell: "stat -c '%A %t:%T %u:%g %n' *", lua: `
		C.mknod('character', bit.bor(C.S_IFCHR, mode(6, 0, 0)), C.makedev(1, 3))
		local result, errno = C.mknod('block', bit.bor(C.S_IFBLK, mode(6, 0, 0)), C.makedev(7, 0x101))
		assert(result == 0 and errno == 0)
		C.chown('block', 1, 2)
	`}.holds(t, "brw------- 7:101 1:2 block\ncrw------- 1:3 0:0 character\n")
}

func TestPageMounts(t *testing.T) {
	pageScript{box: true, lua: `
		local function mounted(path) return read('/proc/self/mountinfo'):match(path .. ' ([%w,]*)') end

		C.mount(nil, '/', nil, bit.bor(C.MS_REC, C.MS_PRIVATE), nil)
		C.mkdir('first', mode(7, 5, 5))
		C.mount('tmpfs', 'first', 'tmpfs', bit.bor(C.MS_NOSUID, C.MS_NOEXEC), 'mode=700')
		assert(mounted('first'):find('noexec'))
		local result, errno = C.umount('first')
		assert(result == 0 and errno == 0 and not mounted('first'))

		C.mount('tmpfs', 'first', 'tmpfs', 0, nil)
		local busy = C.open('first', C.O_RDONLY)
		C.umount2('first', C.MNT_DETACH)
		assert(not mounted('first'))

		C.mount('tmpfs', 'first', 'tmpfs', 0, nil)
		C.mkdir('first/old', mode(7, 0, 0))
		C.mkdir('first/jail', mode(7, 0, 0))
		local result, errno = C.pivot_root('first', 'first/old')
		assert(result == 0 and errno == 0)
		C.chdir('/')
		C.umount2('/old', C.MNT_DETACH)
		C.chroot('/jail')

		errexit = false
		local result, errno = C.chdir('/jail')
		assert(result == -1 and errno == C.ENOENT)
	`}.holds(t, "")
}

func TestPageGroupsAndSessions(t *testing.T) {
	pageScript{lua: `
		local result, errno = C.setpgid(0, 0)
		assert(result == 0 and errno == 0 and stat(5) == stat(1))
		errexit = false
		local result, errno = C.setsid()
		assert(result == -1 and errno == C.EPERM) -- the leader of a group is none of a session
	`}.holds(t, "")
}

func TestPageIDs(t *testing.T) {
	pageScript{box: true, shell: "id -u; id -g", lua: `
		errexit = false
		local result, errno = C.setresuid(7, -1, -1)
		assert(result == -1 and errno == C.EINVAL) -- this namespace has no such user
		local result, errno = C.setresgid(-1, 7, -1)
		assert(result == -1 and errno == C.EINVAL)
		errexit = true
		local result, errno = C.setresuid(0, 0, 0)
		assert(result == 0 and errno == 0)
		C.setresgid(0, 0, 0)
	`}.holds(t, "0\n0\n")
}

func TestPageIDsOfRoot(t *testing.T) {
	requireRoot(t)
	pageScript{lua: `
		local result, errno = C.setgroups({7, 8, 9})
		assert(result == 0 and errno == 0)
		C.setresgid(4, 5, 6)
		C.setresuid(1, 2, 3)
		assert(status('Groups'):match('^7 8 9 *$'))
		assert(status('Gid'):match('^4%s5%s6%s'))
		assert(status('Uid'):match('^1%s2%s3%s'))
	`}.holds(t, "")
}

func TestPageNamespaces(t *testing.T) {
	pageScript{box: true, lua: `
		local function hostname() return read('/proc/sys/kernel/hostname') end

		C.sethostname('before')
		local before = C.open('/proc/self/ns/uts', C.O_RDONLY)
		local result, errno = C.unshare(C.CLONE_NEWUTS)
		assert(result == 0 and errno == 0)
		C.sethostname('after')
		assert(hostname() == 'after\n')
		local result, errno = C.setns(before, C.CLONE_NEWUTS)
		assert(result == 0 and errno == 0 and hostname() == 'before\n')
	`}.holds(t, "")
}

// "errno values"
func TestPageErrnoValues(t *testing.T) {
	var values []string
	for name := range pageNames(t, "constants") {
		if strings.HasPrefix(name, "E") {
			values = append(values, name)
		}
	}
	printed, err := pageScript{lua: fmt.Sprintf(`
		for _, name in ipairs(%s) do
			write_all(1, name .. ' ' .. C[name] .. '\n')
		end
	`, luaList(values))}.run(t)
	must(t, err)
	oneOfTwo := map[string]string{"EWOULDBLOCK": "EAGAIN", "EOPNOTSUPP": "ENOTSUP"}
	lines := strings.Split(strings.TrimSpace(printed), "\n")
	for _, line := range lines {
		name, value, _ := strings.Cut(line, " ")
		number, err := strconv.Atoi(value)
		must(t, err)
		want := name
		if other, ok := oneOfTwo[name]; ok {
			want = other
		}
		if got := unix.ErrnoName(unix.Errno(number)); got != want {
			t.Errorf("%s is %d, which is %s", name, number, got)
		}
	}
	if len(lines) != len(values) || len(values) < 70 {
		t.Errorf("%d errnos are listed, %d are there", len(values), len(lines))
	}
}

// The filter is the bytes of an array of struct sock_filter.
func TestPageSeccomp(t *testing.T) {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the system call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_SETDOMAINNAME},
		{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EDOM)},
		{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ALLOW},
	}
	reader, writer, err := os.Pipe()
	must(t, err)
	defer reader.Close()
	must(t, binary.Write(writer, binary.NativeEndian, filter))
	writer.Close()
	pageScript{arg: reader, shell: "grep -w Seccomp /proc/self/status", lua: `
		set_no_new_privs()
		local result, errno = C.seccomp_set_mode_filter(C.read(arg, 4096))
		assert(result == 0 and errno == 0)
		errexit = false
		local result, errno = C.setdomainname('x')
		assert(result == -1 and errno == C.EDOM)
	`}.holds(t, "Seccomp:\t2\n")
}

func TestPageLandlock(t *testing.T) {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0,
		unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		pageScript{lua: fmt.Sprintf(`
			errexit = false
			local result, errno = C.landlock_create_ruleset(nil, {'version'})
			assert(result == -1 and errno == %d)
		`, errno)}.holds(t, "")
		skip(t, "Landlock is not available: "+errno.Error())
	}
	pageScript{shell: "mkdir inside/b; mkdir b; ls inside", lua: fmt.Sprintf(`
		local abi, errno = C.landlock_create_ruleset(nil, {'version'})
		assert(abi == %d and errno == 0)

		local rights = {'execute', 'write_file', 'read_file', 'read_dir', 'remove_dir', 'remove_file',
			'make_char', 'make_dir', 'make_reg', 'make_sock', 'make_fifo', 'make_block', 'make_sym',
			'refer', 'truncate'}
		for i, right in ipairs(rights) do
			if i <= 13 or i == 14 and abi >= 2 or abi >= 3 then -- what the kernel knows
				local set = C.landlock_create_ruleset({handled_access_fs = {right}})
				local rule = {allowed_access = {right}, parent_fd = C.open('/', C.O_PATH)}
				local result, errno = C.landlock_add_rule(set, 'path_beneath', rule)
				assert(result == 0 and errno == 0)
			end
		end

		C.mkdir('inside', mode(7, 0, 0))
		local set, errno = C.landlock_create_ruleset(
			{handled_access_fs = {'make_dir', 'make_fifo'}}, nil)
		assert(set >= 0 and errno == 0)
		local inside = C.open('inside', C.O_PATH)
		C.landlock_add_rule(set, 'path_beneath', {allowed_access = {'make_dir'}, parent_fd = inside})
		set_no_new_privs()
		local result, errno = C.landlock_restrict_self(set)
		assert(result == 0 and errno == 0)

		C.mkdir('inside/a', 0)
		errexit = false
		local result, errno = C.mkdir('a', 0)
		assert(result == -1 and errno == C.EACCES)
		local result, errno = C.mkfifo('inside/fifo', 0)
		assert(result == -1 and errno == C.EACCES)
	`, abi)}.holds(t, "a\nb\n")
}
