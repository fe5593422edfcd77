package initscript_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// What a function does in live mode; docs/live-mode.md has the same table.
type class string

const (
	reads          class = "reads"       // changes nothing
	ownDescriptors class = "descriptors" // of the script's own table
	process        class = "process"     // or more: files, mounts, the host's name
	everyThread    class = "every thread"
	refused        class = "refused"
)

// For each function an experiment: what a script calls, as root in its own mount and UTS
// namespaces, in an empty directory.
var confineClasses = map[string]struct {
	class  class
	script string
}{
	"C":                       {reads, `assert(C.O_RDONLY == 0)`},
	"arg":                     {reads, `assert(arg == nil)`},
	"errexit":                 {reads, `assert(errexit)`},
	"mode":                    {reads, `mode(7, 7, 7)`},
	"major":                   {reads, `major(259)`},
	"minor":                   {reads, `minor(259)`},
	"makedev":                 {reads, `C.makedev(1, 3)`},
	"access":                  {reads, `C.access('/', C.F_OK)`},
	"eaccess":                 {reads, `C.eaccess('/', C.F_OK)`},
	"getpid":                  {reads, `assert(C.getpid() == tonumber((C.read(C.open('/proc/self/stat', C.O_RDONLY), 64):match('%d+'))))`},
	"getppid":                 {reads, `C.getppid()`},
	"getpgid":                 {reads, `C.getpgid(0)`},
	"getsid":                  {reads, `C.getsid(0)`},
	"getuid":                  {reads, `C.getuid()`},
	"geteuid":                 {reads, `C.geteuid()`},
	"getgid":                  {reads, `C.getgid()`},
	"getegid":                 {reads, `C.getegid()`},
	"getgroups":               {reads, `C.getgroups()`},
	"getrlimit":               {reads, `C.getrlimit(C.RLIMIT_NOFILE)`},
	"read":                    {ownDescriptors, `C.read(C.open('/dev/null', C.O_RDONLY), 1)`},
	"write":                   {ownDescriptors, `C.write(C.open('/dev/null', C.O_WRONLY), 'x')`},
	"write_all":               {ownDescriptors, `write_all(C.open('/dev/null', C.O_WRONLY), 'x')`},
	"open":                    {ownDescriptors, `C.open('/dev/null', C.O_RDONLY)`},
	"openat2":                 {ownDescriptors, `C.openat2(C.AT_FDCWD, '/dev/null', {flags = C.O_RDONLY})`},
	"close":                   {ownDescriptors, `C.close(C.open('/dev/null', C.O_RDONLY)) errexit = false for fd = 3, 100 do C.close(fd) end`},
	"closefrom":               {ownDescriptors, `C.closefrom(3)`},
	"dup":                     {ownDescriptors, `C.dup(1)`},
	"dup2":                    {ownDescriptors, `for fd = 3, 40 do C.dup2(1, fd) end`},
	"fcntl":                   {ownDescriptors, `C.fcntl(1, C.F_DUPFD, 10) C.fcntl(2, C.F_SETFD, C.FD_CLOEXEC)`},
	"pipe2":                   {ownDescriptors, `C.pipe2(0)`},
	"socket":                  {ownDescriptors, `C.socket(C.AF_UNIX, C.SOCK_STREAM, 0)`},
	"socketpair":              {ownDescriptors, `C.socketpair(C.AF_UNIX, C.SOCK_STREAM, 0)`},
	"bind_unix":               {process, `bind_unix(C.socket(C.AF_UNIX, C.SOCK_STREAM, 0), 's')`},
	"listen":                  {process, `local s = C.socket(C.AF_UNIX, C.SOCK_STREAM, 0) bind_unix(s, 's') C.listen(s, 1)`},
	"receive_with_fd":         {ownDescriptors, `local a, b = C.socketpair(C.AF_UNIX, C.SOCK_STREAM, 0) send_with_fd(a, 'x', 1) receive_with_fd(b, 1)`},
	"send_with_fd":            {ownDescriptors, `send_with_fd(C.socketpair(C.AF_UNIX, C.SOCK_STREAM, 0), 'x', 1)`},
	"landlock_create_ruleset": {ownDescriptors, `C.landlock_create_ruleset({handled_access_fs = {'execute'}})`},
	"landlock_add_rule":       {ownDescriptors, landlockRules + `allow(C.landlock_create_ruleset({handled_access_fs = {'execute'}}), '/', {'execute'})`},
	"fsopen":                  {ownDescriptors, `C.fsopen('tmpfs', 0)`},
	"fsconfig":                {ownDescriptors, `C.fsconfig(C.fsopen('tmpfs', 0), C.FSCONFIG_SET_STRING, 'mode', '700', 0)`},
	"fsmount":                 {ownDescriptors, `local f = C.fsopen('tmpfs', 0) C.fsconfig(f, C.FSCONFIG_CMD_CREATE, nil, nil, 0) C.fsmount(f, 0, 0)`},
	"fspick":                  {ownDescriptors, `C.mount('none', '.', 'tmpfs', 0) C.fspick(C.AT_FDCWD, '/proc', 0)`},
	"open_tree":               {ownDescriptors, `C.open_tree(C.AT_FDCWD, '/', C.OPEN_TREE_CLONE)`},
	"move_mount":              {process, `C.mkdir('m', 448) C.move_mount(C.open_tree(C.AT_FDCWD, '/proc', C.OPEN_TREE_CLONE), '', C.AT_FDCWD, 'm', C.MOVE_MOUNT_F_EMPTY_PATH)`},
	"mount_setattr":           {process, `C.mkdir('m', 448) C.mount('none', 'm', 'tmpfs', 0) C.mount_setattr(C.AT_FDCWD, 'm', 0, {attr_set = C.MOUNT_ATTR_RDONLY})`},
	"mount":                   {process, `C.mkdir('m', 448) C.mount('none', 'm', 'tmpfs', 0)`},
	"umount":                  {process, `C.mkdir('m', 448) C.mount('none', 'm', 'tmpfs', 0) C.umount('m')`},
	"umount2":                 {process, `C.mkdir('m', 448) C.mount('none', 'm', 'tmpfs', 0) C.umount2('m', C.MNT_DETACH)`},
	"pivot_root":              {process, `C.mkdir('m', 448) C.mount('/', 'm', nil, bit.bor(C.MS_BIND, C.MS_REC)) C.chdir('m') C.pivot_root('.', '.') C.umount2('.', C.MNT_DETACH)`},
	"chroot":                  {process, `C.chroot('/')`},
	"chdir":                   {process, `C.chdir('/')`},
	"fchdir":                  {process, `C.fchdir(C.open('/', C.O_RDONLY))`},
	"umask":                   {process, `C.umask(63)`},
	"mkdir":                   {process, `C.mkdir('d', 448)`},
	"mkdirat":                 {process, `C.mkdirat(C.AT_FDCWD, 'd', 448)`},
	"mkfifo":                  {process, `C.mkfifo('f', 384)`},
	"mknod":                   {process, `C.mknod('f', 384, 0)`},
	"mknodat":                 {process, `C.mknodat(C.AT_FDCWD, 'f', 384, 0)`},
	"link":                    {process, `C.mknod('f', 384, 0) C.link('f', 'g')`},
	"linkat":                  {process, `C.mknod('f', 384, 0) C.linkat(C.AT_FDCWD, 'f', C.AT_FDCWD, 'g', 0)`},
	"symlink":                 {process, `C.symlink('f', 'g')`},
	"symlinkat":               {process, `C.symlinkat('f', C.AT_FDCWD, 'g')`},
	"unlink":                  {process, `C.mknod('f', 384, 0) C.unlink('f')`},
	"unlinkat":                {process, `C.mknod('f', 384, 0) C.unlinkat(C.AT_FDCWD, 'f', 0)`},
	"rmdir":                   {process, `C.mkdir('d', 448) C.rmdir('d')`},
	"rename":                  {process, `C.mkdir('d', 448) C.rename('d', 'e')`},
	"renameat2":               {process, `C.mkdir('d', 448) C.renameat2(C.AT_FDCWD, 'd', C.AT_FDCWD, 'e', 0)`},
	"chown":                   {process, `C.mkdir('d', 448) C.chown('d', 1, 1)`},
	"lchown":                  {process, `C.mkdir('d', 448) C.lchown('d', 1, 1)`},
	"fchown":                  {process, `C.mkdir('d', 448) C.fchown(C.open('d', C.O_RDONLY), 1, 1)`},
	"fchownat":                {process, `C.mkdir('d', 448) C.fchownat(C.AT_FDCWD, 'd', 1, 1, 0)`},
	"chmod":                   {process, `C.mkdir('d', 448) C.chmod('d', 493)`},
	"fchmod":                  {process, `C.mkdir('d', 448) C.fchmod(C.open('d', C.O_RDONLY), 493)`},
	"fchmodat":                {process, `C.mkdir('d', 448) C.fchmodat(C.AT_FDCWD, 'd', 493, 0)`},
	"setsid":                  {process, `C.setsid()`},
	"setpgid":                 {process, `C.setpgid(0, 0)`},
	"setrlimit":               {process, `C.setrlimit(C.RLIMIT_CORE, 0, 0)`},
	"sethostname":             {process, `C.sethostname('confined')`},
	"setdomainname":           {process, `C.setdomainname('confined')`},
	"set_no_new_privs":        {everyThread, `set_no_new_privs()`},
	"prctl":                   {everyThread, `C.prctl(C.PR_SET_PDEATHSIG, C.SIGTERM) C.prctl(C.PR_SET_TIMERSLACK, 4321) C.prctl(C.PR_SET_KEEPCAPS, 1) C.prctl(C.PR_SET_NO_NEW_PRIVS, 1) C.prctl(C.PR_CAPBSET_DROP, 1)`},
	"seccomp_set_mode_filter": {everyThread, `C.seccomp_set_mode_filter(` + allowAll + `)`},
	"landlock_restrict_self":  {everyThread, `C.landlock_restrict_self((C.landlock_create_ruleset({handled_access_fs = {'make_sock'}})))`},
	"cap_set_proc":            {everyThread, `C.cap_set_proc('cap_sys_ptrace,cap_kill=ep')`},
	"cap_drop_bound":          {everyThread, `C.cap_drop_bound('cap_chown')`},
	"cap_set_ambient":         {everyThread, `C.cap_set_proc('cap_chown=eip') C.cap_set_ambient('cap_chown', true)`},
	"cap_reset_ambient":       {everyThread, `C.cap_set_proc('cap_chown=eip') C.cap_set_ambient('cap_chown', true) C.cap_reset_ambient()`},
	"cap_set_secbits":         {everyThread, `C.cap_set_secbits(C.SECBIT_NOROOT)`},
	"setresuid":               {everyThread, `C.setresuid(1, 1, 1)`},
	"setresgid":               {everyThread, `C.setresgid(1, 1, 1)`},
	"setgroups":               {everyThread, `C.setgroups({7})`},
	"unshare":                 {refused, `C.unshare(C.CLONE_NEWNS)`},
	"setns":                   {refused, `C.setns(C.open('/proc/self/ns/net', C.O_RDONLY), 0)`},
	"keyctl":                  {refused, `C.keyctl(C.KEYCTL_JOIN_SESSION_KEYRING)`},
	"execve":                  {refused, `C.execve('/bin/false', {'false'}, {})`},
	"fexecve":                 {refused, `C.fexecve(C.open('/bin/false', C.O_RDONLY), {'false'}, {})`},
}

func TestConfineClassifiesEveryFunction(t *testing.T) {
	functions, _ := names(t, "functions")
	globals, _ := names(t, "globals")
	known := slices.Sorted(maps.Keys(confineClasses))
	all := slices.Sorted(slices.Values(slices.Concat(functions, globals)))
	for _, name := range all {
		if !slices.Contains(known, name) {
			t.Errorf("%s is not classified for live mode", name)
		}
	}
	for _, name := range known {
		if !slices.Contains(all, name) {
			t.Errorf("%s is not a name of the script API", name)
		}
	}
}

// The table of the documentation is this one.
func TestConfineClassesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("docs/live-mode.md")
	must(t, err)
	for name, c := range confineClasses {
		row := ""
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "| **"+string(c.class)+"**") {
				row = line
			}
		}
		if !strings.Contains(row, "`"+name+"`") {
			t.Errorf("docs/live-mode.md: %s is not in the row %q", name, c.class)
		}
	}
}

// threadState is all that the kernel shows of a thread which must be alike in all; nil if the thread
// has ended.
func threadState(t *testing.T, id string) map[string]string {
	t.Helper()
	directory := "/proc/self/task/" + id + "/"
	hasEnded := func(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) }
	status, err := os.ReadFile(directory + "status")
	if hasEnded(err) {
		return nil
	}
	must(t, err)
	state := map[string]string{}
	for _, key := range []string{"Umask", "Uid", "Gid", "Groups", "NSpgid", "NSsid", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
		"NoNewPrivs", "Seccomp", "Seccomp_filters"} {
		state[key] = statusField(string(status), key)
	}
	for _, link := range []string{"root", "cwd", "ns/user", "ns/mnt", "ns/pid_for_children", "ns/net", "ns/uts", "ns/ipc", "ns/cgroup", "ns/time_for_children"} {
		target, err := os.Readlink(directory + link)
		if hasEnded(err) {
			return nil
		}
		must(t, err)
		state[link] = target
	}
	return state
}

func threadIDs(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/task")
	must(t, err)
	var ids []string
	for _, entry := range entries {
		ids = append(ids, entry.Name())
	}
	return ids
}

// descriptorTable tells what the process has open, and whether it is closed on exec.
func descriptorTable(t *testing.T) map[string]string {
	t.Helper()
	open := map[string]string{}
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		must(t, err)
		var file unix.Stat_t
		if unix.Fstat(fd, &file) != nil { // the one that ReadDir has used
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		must(t, err)
		open[entry.Name()] = fmt.Sprintf("%d:%d %d", file.Dev, file.Ino, flags)
	}
	return open
}

func TestConfineLeavesThreadsAlike(t *testing.T) {
	requireRoot(t)
	try := func(t *testing.T, names ...string) {
		requireNamespacesForSubprocess(t, initscript.NewMount|initscript.NewUTS)
		if !runInSubprocess(t, &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS}) {
			return
		}
		must(t, syscall.Mount("none", "/run", "tmpfs", 0, "")) // a place that is nobody's
		startThreads(t)
		must(t, initscript.Confine("", nil)) // makes the sealed copy of the program
		for _, name := range names {
			directory := "/run/" + name
			must(t, os.Mkdir(directory, 0o755))
			must(t, os.Chdir(directory))
			tryConfineClass(t, name)
		}
	}
	groups := map[string][]string{}
	for name, c := range confineClasses {
		group := string(c.class)
		if c.class == everyThread || name == "setsid" { // what comes after it may need what it takes away
			group = name
		}
		groups[group] = append(groups[group], name)
	}
	for group, names := range groups {
		t.Run(group, func(t *testing.T) { try(t, names...) })
	}
}

func tryConfineClass(t *testing.T, name string) {
	t.Helper()
	c := confineClasses[name]
	self := fmt.Sprint(os.Getpid())
	before, files := threadState(t, self), descriptorTable(t)
	script := c.script
	if c.class == refused {
		script = "errexit = false local r, e = " + c.script + " assert(r == -1 and e == " + fmt.Sprint(int(unix.EOPNOTSUPP)) + ", e)"
	}
	must(t, (&initscript.Confinement{Script: script, ScriptName: name}).Apply())

	after, ids := threadState(t, self), threadIDs(t)
	if len(ids) <= 2*threadsOfAKind {
		t.Errorf("only %d threads", len(ids))
	}
	for _, id := range ids {
		if state := threadState(t, id); state != nil && !maps.Equal(state, after) {
			t.Errorf("%s: thread %s: %v\nmain thread: %v", name, id, state, after)
		}
	}
	if now := descriptorTable(t); !maps.Equal(now, files) {
		t.Errorf("%s: descriptors before: %v\nafter: %v", name, files, now)
	}
	if c.class != process && c.class != everyThread && !maps.Equal(before, after) {
		t.Errorf("%s: before: %v\nafter: %v", name, before, after)
	}
}

// What the kernel does not show under /proc.
func TestConfineParentDeathSignal(t *testing.T) {
	if !runInSubprocess(t, nil) {
		return
	}
	threads := startThreads(t)
	must(t, initscript.Confine(`C.prctl(C.PR_SET_PDEATHSIG, C.SIGTERM)`, nil))
	var pinner runtime.Pinner
	defer pinner.Unpin()
	signal := new(uint32)
	pinner.Pin(signal)
	for _, thread := range threads {
		*signal = 0
		_, errno := thread.Syscall(unix.SYS_PRCTL, unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(signal)))
		if errno != 0 || *signal != uint32(unix.SIGTERM) {
			t.Errorf("%s thread: signal %d, %v", thread.Kind, *signal, errno)
		}
	}
}
