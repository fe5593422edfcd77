package initscript_test

import (
	"testing"

	"golang.org/x/sys/unix"
)

// fileAndLink makes the file f, the symbolic link l to it, and the descriptor d of the directory.
const fileAndLink = `C.umask(0) C.mknod('f', mode(6, 0, 0), 0) C.symlink('f', 'l') local d = C.open('.', C.O_PATH) `

// trees makes two directories, in, with a file and ways out of it, and out, and the function
// resolve(path, how), which opens below in.
const trees = `C.mkdir('in', mode(7, 5, 5)) C.mkdir('out', mode(7, 5, 5)) C.mknod('in/f', mode(6, 0, 0), 0) C.mknod('f', mode(6, 0, 0), 0) ` +
	`C.symlink('../f', 'in/up') C.symlink('/f', 'in/absolute') C.symlink('f', 'in/inside') local d = C.open('in', C.O_PATH) errexit = false ` +
	`local function resolve(path, how) local fd, e = C.openat2(d, path, {resolve = how}) if fd ~= -1 then C.close(fd) fd = 'open' end R(fd, e) end `

var extFileCases = []scriptCase{
	{name: "fchdir", script: `local d = C.open('/usr', C.O_PATH) R(C.chdir('/')) R(C.fchdir(d)) R(C.access('bin', C.F_OK))`, sent: []string{"0,0", "0,0", "0,0"},
		then: `pwd`, stdout: "/usr\n"},
	{name: "fchmod", script: fileAndLink + `local fd = C.open('f', C.O_RDONLY) R(C.fchmod(fd, mode(6, 4, 2)))`, sent: []string{"0,0"},
		then: `stat -c %a f`, stdout: "642\n"},
	{name: "fchmodat", script: fileAndLink + `R(C.fchmodat(d, 'l', mode(6, 4, 2), 0))`, sent: []string{"0,0"}, then: `stat -c %a f`, stdout: "642\n"},
	{name: "fchmodat without following", script: fileAndLink + `R(C.fchmodat(C.AT_FDCWD, 'f', mode(6, 4, 2), C.AT_SYMLINK_NOFOLLOW))`, sent: []string{"0,0"},
		then: `stat -c %a f`, stdout: "642\n"},
	{name: "fchown, where -1 keeps", as: privileged, script: fileAndLink + `local fd = C.open('f', C.O_RDONLY) R(C.fchown(fd, 5, 6)) R(C.fchown(fd, -1, 7))`,
		sent: []string{"0,0", "0,0"}, then: `stat -c %u:%g f`, stdout: "5:7\n"},
	{name: "lchown", as: privileged, script: fileAndLink + `R(C.lchown('l', 5, 6))`, sent: []string{"0,0"},
		then: `stat -c %u:%g f l`, stdout: "0:0\n5:6\n"},
	{name: "fchownat", as: privileged, script: fileAndLink + `R(C.fchownat(d, 'l', 5, 6, C.AT_SYMLINK_NOFOLLOW)) R(C.fchownat(d, 'l', 7, 8, 0))`,
		sent: []string{"0,0", "0,0"}, then: `stat -c %u:%g f l`, stdout: "7:8\n5:6\n"},
	{name: "fchownat of a descriptor", as: privileged, script: fileAndLink + `R(C.fchownat(C.open('f', C.O_PATH), '', 5, 6, C.AT_EMPTY_PATH))`,
		sent: []string{"0,0"}, then: `stat -c %u:%g f`, stdout: "5:6\n"},
	{name: "the owner changes nothing", as: ordinaryUser, script: fileAndLink + `local fd = C.open('f', C.O_RDONLY) ` +
		`R(C.fchown(fd, -1, -1)) R(C.lchown('l', -1, -1)) R(C.fchownat(d, 'f', -1, -1, 0))`, sent: []string{"0,0", "0,0", "0,0"}},
	{name: "mkdirat under the umask", script: `C.umask(63) C.mkdir('d', mode(7, 0, 0)) local d = C.open('d', C.O_PATH) R(C.mkdirat(d, 'e', mode(7, 7, 7)))`,
		sent: []string{"0,0"}, then: `stat -c %a d/e`, stdout: "700\n"},
	{name: "mknodat a regular file", script: fileAndLink + `R(C.mknodat(d, 'g', mode(6, 4, 0), 0))`, sent: []string{"0,0"},
		then: `stat -c '%A' g`, stdout: "-rw-r-----\n"},
	{name: "mknodat a device", as: privileged, script: fileAndLink + `R(C.mknodat(d, 'c', bit.bor(C.S_IFCHR, mode(6, 6, 0)), C.makedev(1, 3)))`, sent: []string{"0,0"},
		then: `stat -c '%A %t:%T' c`, stdout: "crw-rw---- 1:3\n"},
	{name: "symlinkat", script: fileAndLink + `R(C.symlinkat('/nonexistent', d, 'm'))`, sent: []string{"0,0"}, then: `readlink m`, stdout: "/nonexistent\n"},
	{name: "unlink", script: fileAndLink + `R(C.unlink('l'))`, sent: []string{"0,0"}, then: `ls`, stdout: "f\n"},
	{name: "rmdir", script: `C.mkdir('d', mode(7, 0, 0)) R(C.rmdir('d'))`, sent: []string{"0,0"}, then: `ls`},
	{name: "unlinkat", script: fileAndLink + `C.mkdir('e', mode(7, 0, 0)) R(C.unlinkat(d, 'l', 0)) R(C.unlinkat(d, 'e', C.AT_REMOVEDIR))`,
		sent: []string{"0,0", "0,0"}, then: `ls`, stdout: "f\n"},
	{name: "rename replaces", script: fileAndLink + `R(C.rename('f', 'l'))`, sent: []string{"0,0"}, then: `stat -c %F *`, stdout: "regular empty file\n"},
	{name: "renameat2", script: fileAndLink + `C.mkdir('e', mode(7, 0, 0)) local e = C.open('e', C.O_PATH) ` +
		`R(C.renameat2(d, 'f', e, 'g', 0)) R(C.renameat2(d, 'l', C.AT_FDCWD, 'm', C.RENAME_NOREPLACE))`, sent: []string{"0,0", "0,0"}, then: `ls . e`, stdout: ".:\ne\nm\n\ne:\ng\n"},
	{name: "renameat2 exchanges", script: fileAndLink + `R(C.renameat2(d, 'f', d, 'l', C.RENAME_EXCHANGE))`, sent: []string{"0,0"},
		then: `stat -c %F f l`, stdout: "symbolic link\nregular empty file\n"},
	{name: "renameat2 leaves a whiteout", in: newMounts, script: tmpfsAtM + `C.mknod('m/f', mode(6, 0, 0), 0) ` +
		`R(C.renameat2(C.AT_FDCWD, 'm/f', C.AT_FDCWD, 'm/g', C.RENAME_WHITEOUT))`, sent: []string{"0,0"},
		then: `stat -c '%n %F %t:%T' m/*`, stdout: "m/f character special file 0:0\nm/g regular empty file 0:0\n"},

	// openat2
	{name: "openat2 creates with the mode", script: `C.umask(0) local fd, e = C.openat2(C.AT_FDCWD, 'f', {flags = bit.bor(C.O_CREAT, C.O_WRONLY, C.O_CLOEXEC), mode = mode(6, 4, 2)}) ` +
		`R(fd, e) R(C.write(fd, 'x'))`, sent: []string{"5,0", "1,0"}, then: `stat -c '%a %s' f; [ -e /proc/self/fd/5 ] || echo closed`, stdout: "642 1\nclosed\n"},
	{name: "openat2 with nothing special", script: `R(C.openat2(C.AT_FDCWD, '/etc/passwd', {})) R(C.openat2(C.AT_FDCWD, '/', {flags = C.O_PATH}))`, sent: []string{"5,0", "6,0"}},
	{name: "openat2 reads fields raw", script: `local how = setmetatable({}, {__index = {flags = -1}}) R(C.openat2(C.AT_FDCWD, '/', how))`, sent: []string{"5,0"}},
	{name: "openat2 without restrictions", script: trees + `resolve('f') resolve('../f') resolve('up') resolve('inside') resolve('absolute')`,
		sent: []string{"open,0", "open,0", "open,0", "open,0", "-1,2"}},
	{name: "RESOLVE_BENEATH", script: trees + `for _, path in ipairs({'f', '../f', 'up', 'inside', '/f'}) do resolve(path, C.RESOLVE_BENEATH) end`,
		sent: []string{"open,0", "-1,18", "-1,18", "open,0", "-1,18"}},
	{name: "RESOLVE_IN_ROOT", script: trees + `for _, path in ipairs({'f', '../f', 'up', 'inside', '/f', 'absolute', '/etc/passwd'}) do resolve(path, C.RESOLVE_IN_ROOT) end`,
		sent: []string{"open,0", "open,0", "open,0", "open,0", "open,0", "open,0", "-1,2"}},
	{name: "RESOLVE_NO_SYMLINKS", script: trees + `for _, path in ipairs({'f', '../f', 'up', 'inside'}) do resolve(path, C.RESOLVE_NO_SYMLINKS) end`,
		sent: []string{"open,0", "open,0", "-1,40", "-1,40"}},
	{name: "RESOLVE_NO_MAGICLINKS", script: trees + `for _, path in ipairs({'inside', '/proc/self/status', '/proc/self/exe', '/proc/self/cwd/f'}) do resolve(path, C.RESOLVE_NO_MAGICLINKS) end`,
		sent: []string{"open,0", "open,0", "-1,40", "-1,40"}},
	{name: "RESOLVE_NO_XDEV", in: newMounts, script: tmpfsAtM + `C.mknod('f', mode(6, 0, 0), 0) errexit = false for _, path in ipairs({'f', 'm', 'm/..'}) do ` +
		`R(C.openat2(C.AT_FDCWD, path, {resolve = C.RESOLVE_NO_XDEV})) end`, sent: []string{"5,0", "-1,18", "-1,18"}},
	{name: "RESOLVE_CACHED", script: trees + `resolve('f', C.RESOLVE_CACHED)`, sent: []string{"open,0"}},
}

var extFileFailures = []failureCase{
	{name: "not a directory", call: `C.fchdir(0)`, errno: unix.ENOTDIR, report: `fchdir(0)`},
	{call: `C.fchmod(99, 0)`, errno: unix.EBADF, report: `fchmod(99, 0)`},
	{name: "of others", before: `local fd = C.open('/etc/passwd', C.O_RDONLY)`, call: `C.fchmod(fd, 0)`, errno: unix.EPERM, report: `fchmod(5, 0)`, as: ordinaryUser},
	{call: `C.fchmodat(C.AT_FDCWD, '/nonexistent', 0, 0)`, errno: unix.ENOENT, report: `fchmodat(-100, "/nonexistent", 0, 0)`},
	{name: "a link has no mode", before: `C.symlink('f', 'l')`, call: `C.fchmodat(C.AT_FDCWD, 'l', 0, C.AT_SYMLINK_NOFOLLOW)`, errno: unix.EOPNOTSUPP,
		report: `fchmodat(-100, "l", 0, 256)`},
	{name: "to others", before: fileAndLink + `local fd = C.open('f', C.O_RDONLY)`, call: `C.fchown(fd, 5, -1)`, errno: unix.EPERM, report: `fchown(6, 5, -1)`, as: ordinaryUser},
	{name: "to others", before: fileAndLink, call: `C.lchown('l', 5, -1)`, errno: unix.EPERM, report: `lchown("l", 5, -1)`, as: ordinaryUser},
	{name: "to others", before: fileAndLink, call: `C.fchownat(d, 'l', -1, 5, 0)`, errno: unix.EPERM, report: `fchownat(5, "l", -1, 5, 0)`, as: ordinaryUser},
	{name: "unknown flags", call: `C.fchownat(C.AT_FDCWD, '.', -1, -1, 1)`, errno: unix.EINVAL, report: `fchownat(-100, ".", -1, -1, 1)`},
	{call: `C.mkdirat(99, 'd', mode(7, 0, 0))`, errno: unix.EBADF, report: `mkdirat(99, "d", 448)`},
	{call: `C.mknodat(C.AT_FDCWD, '.', mode(6, 0, 0), 0)`, errno: unix.EEXIST, report: `mknodat(-100, ".", 384, 0)`},
	{name: "a device", call: `C.mknodat(C.AT_FDCWD, 'c', bit.bor(C.S_IFCHR, mode(6, 0, 0)), C.makedev(1, 3))`, errno: unix.EPERM,
		report: `mknodat(-100, "c", 8576, 259)`, as: ordinaryUser},
	{call: `C.symlinkat('x', C.AT_FDCWD, '.')`, errno: unix.EEXIST, report: `symlinkat("x", -100, ".")`},
	{call: `C.unlink('f')`, errno: unix.ENOENT, report: `unlink("f")`},
	{name: "a directory", before: `C.mkdir('d', 0)`, call: `C.unlink('d')`, errno: unix.EISDIR, report: `unlink("d")`},
	{name: "not empty", before: `C.mkdir('d', mode(7, 0, 0)) C.mkdir('d/e', 0)`, call: `C.rmdir('d')`, errno: unix.ENOTEMPTY, report: `rmdir("d")`},
	{name: "not a directory", before: fileAndLink, call: `C.rmdir('f')`, errno: unix.ENOTDIR, report: `rmdir("f")`},
	{name: "a directory", before: `C.mkdir('d', 0)`, call: `C.unlinkat(C.AT_FDCWD, 'd', 0)`, errno: unix.EISDIR, report: `unlinkat(-100, "d", 0)`},
	{name: "not a directory", before: fileAndLink, call: `C.unlinkat(d, 'f', C.AT_REMOVEDIR)`, errno: unix.ENOTDIR, report: `unlinkat(5, "f", 512)`},
	{call: `C.rename('f', 'g')`, errno: unix.ENOENT, report: `rename("f", "g")`},
	{name: "exists", before: fileAndLink, call: `C.renameat2(d, 'f', d, 'l', C.RENAME_NOREPLACE)`, errno: unix.EEXIST, report: `renameat2(5, "f", 5, "l", 1)`},
	{name: "exclude each other", before: fileAndLink, call: `C.renameat2(d, 'f', d, 'l', bit.bor(C.RENAME_NOREPLACE, C.RENAME_EXCHANGE))`, errno: unix.EINVAL,
		report: `renameat2(5, "f", 5, "l", 3)`},

	{call: `C.openat2(C.AT_FDCWD, '/nonexistent', {})`, errno: unix.ENOENT, report: `openat2(-100, "/nonexistent", (table))`},
	{name: "out of the tree", call: `C.openat2(C.AT_FDCWD, '..', {resolve = C.RESOLVE_BENEATH})`, errno: unix.EXDEV, report: `openat2(-100, "..", (table))`},
	{name: "a symbolic link", before: fileAndLink, call: `C.openat2(d, 'l', {resolve = C.RESOLVE_NO_SYMLINKS})`, errno: unix.ELOOP, report: `openat2(5, "l", (table))`},
	{name: "unknown flags", call: `C.openat2(C.AT_FDCWD, '/', {flags = 2^40})`, errno: unix.EINVAL, report: `openat2(-100, "/", (table))`},
	{name: "negative flags", call: `C.openat2(C.AT_FDCWD, '/', {flags = -1})`, errno: unix.EINVAL, report: `openat2(-100, "/", (table))`},
	{name: "a mode without O_CREAT", call: `C.openat2(C.AT_FDCWD, '/', {mode = 1})`, errno: unix.EINVAL, report: `openat2(-100, "/", (table))`},
	{name: "unknown restrictions", call: `C.openat2(C.AT_FDCWD, '/', {resolve = 2^40})`, errno: unix.EINVAL, report: `openat2(-100, "/", (table))`},
	{name: "creation is not cached", call: `C.openat2(C.AT_FDCWD, 'f', {flags = C.O_CREAT, resolve = C.RESOLVE_CACHED})`, errno: unix.EAGAIN,
		report: `openat2(-100, "f", (table))`},
}

var extFileDeaths = []deathCase{
	{call: `C.openat2, C.AT_FDCWD, '/', {flags = '0'}`, part: "openat2/flags", report: `-100, "/", (table)`},
	{call: `C.openat2, C.AT_FDCWD, '/', {mode = {}}`, part: "openat2/mode", report: `-100, "/", (table)`},
	{call: `C.openat2, C.AT_FDCWD, '/', {resolve = true}`, part: "openat2/resolve", report: `-100, "/", (table)`},
}

// What is misspelt may be a restriction.
var extFileRaises = []raiseCase{
	{`C.openat2(C.AT_FDCWD, '/', {resolv = C.RESOLVE_BENEATH})`, `init.script:1: invalid open_how`},
	{`C.openat2(C.AT_FDCWD, '/', {flags = 0, ['resolve\0'] = 0})`, `init.script:1: invalid open_how`},
	{`C.openat2(C.AT_FDCWD, '/', {C.O_PATH})`, `init.script:1: invalid open_how`},
	{`C.openat2(C.AT_FDCWD, '/', {[{}] = 1})`, `init.script:1: invalid open_how`},
	{`C.openat2(C.AT_FDCWD, '/', {flags = 1.5})`,
		`init.script:1: bad argument #3 to 'openat2' (flags: 1.5 is not an integer)`},
	{`C.openat2(C.AT_FDCWD, '/', {resolve = 0 / 0})`,
		`init.script:1: bad argument #3 to 'openat2' (resolve: nan is not an integer)`},
	{`C.openat2(C.AT_FDCWD, '/', {mode = 1 / 0})`,
		`init.script:1: bad argument #3 to 'openat2' (mode: inf is not an integer)`},
}

func TestExtensionFiles(t *testing.T) {
	runCases(t, extFileCases)
	runFailures(t, extFileFailures)
	runDeaths(t, extFileDeaths)
	runRaises(t, extFileRaises)
}
