package initscript_test

import (
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

const newMounts = initscript.NewUser | initscript.NewMount

// tmpfsAtM mounts a file system of the script's own.
const tmpfsAtM = `C.mkdir('m', mode(7, 5, 5)) C.mount('x', 'm', 'tmpfs', 0) `

var mountCases = []scriptCase{
	{name: "mount with data", in: newMounts, script: `C.mkdir('m', mode(7, 5, 5)) R(C.mount('x', 'm', 'tmpfs', C.MS_NODEV, 'mode=711'))`,
		sent: []string{"0,0"}, then: `stat -f -c %T m; stat -c %a m`, stdout: "tmpfs\n711\n"},
	{name: "mount read-only", in: newMounts, script: `C.mkdir('m', mode(7, 5, 5)) R(C.mount('x', 'm', 'tmpfs', C.MS_RDONLY)) ` +
		`errexit = false R(C.mkdir('m/d', mode(7, 0, 0))) R(C.mkdir('d', mode(7, 0, 0)))`, sent: []string{"0,0", "-1,30", "0,0"}},
	{name: "bind mount, then read-only", in: newMounts, script: `C.mkdir('a', mode(7, 5, 5)) C.mkdir('b', mode(7, 5, 5)) C.mkdir('a/x', mode(7, 5, 5)) ` +
		`R(C.mount('a', 'b', nil, C.MS_BIND)) R(C.access('b/x', C.F_OK)) ` +
		`R(C.mount(nil, 'b', nil, bit.bor(C.MS_BIND, C.MS_REMOUNT, C.MS_RDONLY, C.MS_NOSUID, C.MS_NODEV))) ` +
		`errexit = false R(C.mkdir('b/y', mode(7, 0, 0))) R(C.mkdir('a/y', mode(7, 0, 0)))`,
		sent: []string{"0,0", "0,0", "0,0", "-1,30", "0,0"}},
	{name: "mount takes numbers as text, and what is no text as NULL", in: newMounts, script: `C.mkdir('m', mode(7, 5, 5)) ` +
		`R(C.mount(42, 'm', 'tmpfs', 0, {})) R(C.mount(true, 'm', false, bit.bor(C.MS_REC, C.MS_PRIVATE), true))`,
		sent: []string{"0,0", "0,0"}, then: `grep -o 'tmpfs 42 ' /proc/self/mountinfo`, stdout: "tmpfs 42 \n"},
	{name: "umount", in: newMounts, script: tmpfsAtM + `C.mkdir('m/d', mode(7, 0, 0)) R(C.umount('m')) ` +
		`errexit = false R(C.access('m/d', C.F_OK))`, sent: []string{"0,0", "-1,2"}},
	{name: "umount2 of a busy mount needs MNT_DETACH", in: newMounts, script: tmpfsAtM + `C.mkdir('m/d', mode(7, 0, 0)) local d = C.open('m/d', C.O_RDONLY) ` +
		`errexit = false R(C.umount2('m', 0)) R(C.umount2('m', C.MNT_DETACH)) R(C.access('m/d', C.F_OK)) R(C.access('/proc/self/fd/' .. d, C.F_OK))`,
		sent: []string{"-1,16", "0,0", "-1,2", "0,0"}},
	{name: "H90 pivot_root into an empty root", in: newMounts, script: `R(C.mount(nil, '/', nil, bit.bor(C.MS_REC, C.MS_PRIVATE))) ` +
		`R(C.mount(nil, '/mnt', 'tmpfs', 0)) R(C.mkdir('/mnt/mnt', mode(7, 5, 5))) R(C.chdir('/mnt')) R(C.pivot_root('.', '/mnt/mnt')) ` +
		`R(C.chroot('.')) R(C.access('/mnt/usr', C.F_OK)) R(C.umount2('/mnt', C.MNT_DETACH)) errexit = false ` +
		`R(C.access('/mnt', C.F_OK)) R(C.access('/mnt/usr', C.F_OK)) R(C.access('/usr', C.F_OK)) R(C.access('/..', C.F_OK))`,
		sent: []string{"0,0", "0,0", "0,0", "0,0", "0,0", "0,0", "0,0", "0,0", "0,0", "-1,2", "-1,2", "0,0"}},

	// By descriptors
	{name: "fsopen, fsconfig, fsmount, move_mount", in: newMounts, script: `C.mkdir('m', mode(7, 5, 5)) ` +
		`local fs, e = C.fsopen('tmpfs', C.FSOPEN_CLOEXEC) R(fs, e) R(C.fsconfig(fs, C.FSCONFIG_SET_STRING, 'mode', '711', 0)) ` +
		`R(C.fsconfig(fs, C.FSCONFIG_CMD_CREATE, nil, nil, 0)) local m, e = C.fsmount(fs, C.FSMOUNT_CLOEXEC, C.MOUNT_ATTR_NOEXEC) R(m, e) ` +
		`R(C.move_mount(m, '', C.AT_FDCWD, 'm', C.MOVE_MOUNT_F_EMPTY_PATH))`,
		sent: []string{"5,0", "0,0", "0,0", "6,0", "0,0"},
		then: `stat -c %a m; cp /bin/true m; m/true 2>/dev/null; echo $?`, stdout: "711\n126\n"},
	{name: "mount_setattr", in: newMounts, script: tmpfsAtM + `R(C.mount_setattr(C.AT_FDCWD, 'm', 0, {attr_set = C.MOUNT_ATTR_RDONLY})) ` +
		`errexit = false R(C.mkdir('m/d', mode(7, 0, 0))) ` +
		`R(C.mount_setattr(C.AT_FDCWD, 'm', 0, {attr_clr = C.MOUNT_ATTR_RDONLY, propagation = C.MS_PRIVATE, other = 1})) R(C.mkdir('m/d', mode(7, 0, 0)))`,
		sent: []string{"0,0", "-1,30", "0,0", "0,0"}},
	{name: "mount_setattr reads fields raw", in: newMounts, script: tmpfsAtM + `local attr = setmetatable({}, {__index = {attr_set = C.MOUNT_ATTR_RDONLY}}) ` +
		`R(C.mount_setattr(C.AT_FDCWD, 'm', 0, attr)) R(C.mkdir('m/d', mode(7, 0, 0)))`, sent: []string{"0,0", "0,0"}},
	{name: "open_tree clones", in: newMounts, script: tmpfsAtM + `C.mkdir('m/d', mode(7, 0, 0)) C.mkdir('n', mode(7, 0, 0)) ` +
		`local tree, e = C.open_tree(C.AT_FDCWD, 'm', bit.bor(C.OPEN_TREE_CLONE, C.OPEN_TREE_CLOEXEC)) R(tree, e) ` +
		`R(C.move_mount(tree, '', C.AT_FDCWD, 'n', C.MOVE_MOUNT_F_EMPTY_PATH)) C.mkdir('m/e', mode(7, 0, 0)) R(C.access('n/d', C.F_OK)) R(C.access('n/e', C.F_OK))`,
		sent: []string{"5,0", "0,0", "0,0", "0,0"}},
	{name: "fspick reconfigures", in: newMounts, script: tmpfsAtM + `local fs, e = C.fspick(C.AT_FDCWD, 'm', C.FSPICK_CLOEXEC) R(fs, e) ` +
		`R(C.fsconfig(fs, C.FSCONFIG_SET_FLAG, 'ro', nil, 0)) R(C.fsconfig(fs, C.FSCONFIG_CMD_RECONFIGURE, nil, nil, 0)) ` +
		`errexit = false R(C.mkdir('m/d', mode(7, 0, 0)))`, sent: []string{"5,0", "0,0", "0,0", "-1,30"}},
}

var mountFailures = []failureCase{
	{call: `C.mount(nil, '/nonexistent', nil, 0)`, errno: unix.ENOENT, report: `mount(nil, "/nonexistent", nil, 0)`},
	{call: `C.mount('x', '.', 'tmpfs', C.MS_NOSUID, 'size=1m')`, errno: unix.EPERM, report: `mount("x", ".", "tmpfs", 2, "size=1m")`, as: ordinaryUser},
	{call: `C.mount('x', '.', 'nofs', 0)`, errno: unix.ENODEV, report: `mount("x", ".", "nofs", 0)`, in: newMounts},
	{call: `C.umount('.')`, errno: unix.EINVAL, report: `umount(".")`, in: newMounts},
	{call: `C.umount('.')`, errno: unix.EPERM, report: `umount(".")`, as: ordinaryUser},
	{call: `C.umount2('/nonexistent', C.MNT_DETACH)`, errno: unix.ENOENT, report: `umount2("/nonexistent", 2)`, in: newMounts},
	{call: `C.umount2('.', -1)`, errno: unix.EINVAL, report: `umount2(".", -1)`, in: newMounts},
	{call: `C.pivot_root('/nonexistent', '/')`, errno: unix.ENOENT, report: `pivot_root("/nonexistent", "/")`, in: newMounts},
	{call: `C.pivot_root('.', '.')`, errno: unix.EPERM, report: `pivot_root(".", ".")`, as: ordinaryUser},
	{call: `C.fsopen('nofs', 0)`, errno: unix.ENODEV, report: `fsopen("nofs", 0)`, in: newMounts},
	{name: "no name", call: `C.fsopen(nil, 0)`, errno: unix.EFAULT, report: `fsopen(nil, 0)`, in: newMounts},
	{call: `C.fsconfig(99, C.FSCONFIG_SET_FLAG, 'ro', nil, 0)`, errno: unix.EBADF, report: `fsconfig(99, 0, "ro", nil, 0)`},
	// The kernel would read past the string's end.
	{name: "aux is longer than the value", call: `C.fsconfig(99, C.FSCONFIG_SET_BINARY, 'k', 'xy', 3)`, errno: unix.EINVAL, report: `fsconfig(99, 2, "k", "xy", 3)`},
	{name: "aux is as long", call: `C.fsconfig(99, C.FSCONFIG_SET_BINARY, 'k', 'xy', 2)`, errno: unix.EBADF, report: `fsconfig(99, 2, "k", "xy", 2)`},
	{name: "aux is a directory", call: `C.fsconfig(99, C.FSCONFIG_SET_PATH, 'k', '/', 5)`, errno: unix.EBADF, report: `fsconfig(99, 3, "k", "/", 5)`},
	{name: "aux is a descriptor", call: `C.fsconfig(99, C.FSCONFIG_SET_FD, 'k', nil, 5)`, errno: unix.EBADF, report: `fsconfig(99, 5, "k", nil, 5)`},
	{call: `C.fsmount(99, 0, 0)`, errno: unix.EBADF, report: `fsmount(99, 0, 0)`, in: newMounts},
	{call: `C.fspick(C.AT_FDCWD, '/nonexistent', 0)`, errno: unix.ENOENT, report: `fspick(-100, "/nonexistent", 0)`, in: newMounts},
	{call: `C.open_tree(C.AT_FDCWD, '/nonexistent', 0)`, errno: unix.ENOENT, report: `open_tree(-100, "/nonexistent", 0)`},
	{call: `C.move_mount(C.AT_FDCWD, '/nonexistent', C.AT_FDCWD, '/', 0)`, errno: unix.ENOENT, report: `move_mount(-100, "/nonexistent", -100, "/", 0)`, in: newMounts},
	{call: `C.mount_setattr(C.AT_FDCWD, '/nonexistent', 0, {attr_set = C.MOUNT_ATTR_RDONLY})`, errno: unix.ENOENT,
		report: `mount_setattr(-100, "/nonexistent", 0, (table))`, in: newMounts},
	{call: `C.mount_setattr(C.AT_FDCWD, '/', 0, {attr_set = 2^40})`, errno: unix.EINVAL, report: `mount_setattr(-100, "/", 0, (table))`, in: newMounts},
}

var mountDeaths = []deathCase{
	{call: `C.fsopen, 1, 0`, part: "fsopen", report: `1, 0`},
	{call: `C.fsconfig, 0, 0, 1, nil, 0`, part: "fsconfig", report: `0, 0, 1, nil, 0`},
	{call: `C.fsconfig, 0, 0, nil, true, 0`, part: "fsconfig", report: `0, 0, nil, true, 0`},
	{call: `C.fspick, 0, 5, 0`, part: "fspick", report: `0, 5, 0`},
	{call: `C.open_tree, 0, {}, 0`, part: "open_tree", report: `0, (table), 0`},
	{call: `C.move_mount, 0, 1, 0, nil, 0`, part: "move_mount", report: `0, 1, 0, nil, 0`},
	{call: `C.move_mount, 0, nil, 0, 2, 0`, part: "move_mount", report: `0, nil, 0, 2, 0`},
	{call: `C.mount_setattr, 0, 1, 0, {}`, part: "mount_setattr", report: `0, 1, 0, (table)`},
	{call: `C.mount_setattr, 0, '/', 0, {attr_set = '1'}`, part: "mount_setattr/attr_set", report: `0, "/", 0, (table)`},
	{call: `C.mount_setattr, 0, '/', 0, {attr_clr = true}`, part: "mount_setattr/attr_clr", report: `0, "/", 0, (table)`},
	{call: `C.mount_setattr, 0, '/', 0, {propagation = {}}`, part: "mount_setattr/propagation", report: `0, "/", 0, (table)`},
	{call: `C.mount_setattr, 0, '/', 0, {userns_fd = '1'}`, part: "mount_setattr/userns_fd", report: `0, "/", 0, (table)`},
}

// Integers, and the table of attributes, are checked before the texts that end the process.
var mountRaises = []raiseCase{
	{`C.fsopen(1)`, `init.script:1: bad argument #2 to 'fsopen' (number expected, got no value)`},
	{`C.fsconfig(0, 0, 1, 2, nil)`, `init.script:1: bad argument #5 to 'fsconfig' (number expected, got nil)`},
	{`C.fspick(0, 5, 'x')`, `init.script:1: bad argument #3 to 'fspick' (number expected, got string)`},
	{`C.open_tree(0, {}, {})`, `init.script:1: bad argument #3 to 'open_tree' (number expected, got table)`},
	{`C.move_mount(0, 1, {}, 2, 0)`, `init.script:1: bad argument #3 to 'move_mount' (number expected, got table)`},
	{`C.move_mount(0, 1, 0, 2)`, `init.script:1: bad argument #5 to 'move_mount' (number expected, got no value)`},
	{`C.mount_setattr(0, 1, 'x', {})`, `init.script:1: bad argument #3 to 'mount_setattr' (number expected, got string)`},
	{`C.mount_setattr(0, 1, 0, 0)`, `init.script:1: bad argument #4 to 'mount_setattr' (table expected, got number)`},
}

func TestAPIMounts(t *testing.T) {
	runCases(t, mountCases)
	runFailures(t, mountFailures)
	runDeaths(t, mountDeaths)
	runRaises(t, mountRaises)
}
