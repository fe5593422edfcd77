package initscript_test

import (
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

var fileCases = []scriptCase{
	{name: "H61 objects with their modes", script: `C.umask(0) local d = 'd' R(C.mkdir(d, mode(7, 5, 1))) R(C.mkfifo(d .. '/f', mode(6, 4, 0))) ` +
		`R(C.symlink('t', d .. '/l')) R(C.link(d .. '/f', d .. '/h')) R(C.chmod(d, mode(7, 0, 0)))`,
		sent:   []string{"0,0", "0,0", "0,0", "0,0", "0,0"},
		then:   `stat -c '%A %h %N' d d/*`,
		stdout: "drwx------ 2 'd'\nprw-r----- 2 'd/f'\nprw-r----- 2 'd/h'\nlrwxrwxrwx 1 'd/l' -> 't'\n"},
	{name: "mkdir under the umask", script: `C.umask(63) C.mkdir('d', mode(7, 7, 7)) C.mkdir(42, mode(1, 1, 1))`,
		then: `stat -c '%a %n' *`, stdout: "100 42\n700 d\n"},
	{name: "mkfifo under the umask", script: `C.umask(18) C.mkfifo('f', mode(6, 6, 6))`, then: `stat -c %A f`, stdout: "prw-r--r--\n"},
	{name: "mknod a regular file", script: `C.umask(0) R(C.mknod('f', mode(6, 4, 0), 0))`, sent: []string{"0,0"},
		then: `stat -c '%A %s' f`, stdout: "-rw-r----- 0\n"},
	{name: "mknod devices", as: privileged, script: `C.umask(0) R(C.mknod('c', bit.bor(C.S_IFCHR, mode(6, 6, 0)), C.makedev(1, 3))) ` +
		`R(C.mknod('b', bit.bor(C.S_IFBLK, mode(6, 0, 0)), C.makedev(7, 255)))`, sent: []string{"0,0", "0,0"},
		then: `stat -c '%A %t:%T' c b`, stdout: "crw-rw---- 1:3\nbrw------- 7:ff\n"},
	{name: "H60 makedev", script: `S(C.makedev(8, 1) .. ',' .. select('#', C.makedev(8, 1)))`, sent: []string{"2049,1"}},
	{name: "makedev cuts to 32 bits each", script: `R(C.makedev(-1, -1)) R(C.makedev(2^32 + 8, 1)) R(C.makedev(0, 256))`,
		sent: []string{"-1", "2049", "1048576"}},
	{name: "link makes a second name", script: `C.mknod('f', mode(6, 0, 0), 0) R(C.link('f', 'g'))`, sent: []string{"0,0"},
		then: `stat -c %h g; [ f -ef g ]`, stdout: "2\n"},
	{name: "linkat with and without following a symlink", script: `C.mknod('f', mode(6, 0, 0), 0) C.symlink('f', 'l') ` +
		`local d = C.open('.', C.O_PATH) R(C.linkat(C.AT_FDCWD, 'l', d, 'nofollow', 0)) R(C.linkat(d, 'l', C.AT_FDCWD, 'follow', C.AT_SYMLINK_FOLLOW))`,
		sent: []string{"0,0", "0,0"}, then: `stat -c %N nofollow follow`, stdout: "'nofollow' -> 'f'\n'follow'\n"},
	{name: "symlink to what does not exist", script: `R(C.symlink('/nonexistent', 'l'))`, sent: []string{"0,0"},
		then: `readlink l`, stdout: "/nonexistent\n"},
	{name: "chown, where -1 keeps and a symlink is followed", as: privileged, script: `C.mknod('f', mode(6, 0, 0), 0) C.symlink('f', 'l') ` +
		`R(C.chown('l', 5, 6)) R(C.chown('f', -1, 7)) R(C.chown('f', 8, -1))`, sent: []string{"0,0", "0,0", "0,0"},
		then: `stat -c '%u:%g' f l`, stdout: "8:7\n0:0\n"},
	{name: "chown in a user namespace", in: initscript.NewUser, script: `C.mknod('f', mode(6, 0, 0), 0) R(C.chown('f', 0, 0))`,
		sent: []string{"0,0"}, then: `stat -c '%u:%g' f`, stdout: "0:0\n"},
	{name: "chmod is not masked", script: `C.umask(511) C.mkdir('d', 0) R(C.chmod('d', bit.bor(C.S_ISVTX, mode(7, 7, 7))))`,
		sent: []string{"0,0"}, then: `stat -c %A d`, stdout: "drwxrwxrwt\n"},
	{name: "chdir", script: `C.mkdir('d', mode(7, 0, 0)) R(C.chdir('d')) C.mkdir('inner', mode(7, 0, 0))`, sent: []string{"0,0"},
		then: `ls ../d; [ . -ef ../d ]`, stdout: "inner\n"},
	{name: "chroot does not change the directory", in: initscript.NewUser, script: `C.mkdir('r', mode(7, 0, 0)) C.mkdir('r/inside', mode(7, 0, 0)) ` +
		`R(C.chroot('r')) errexit = false R(C.access('/inside', C.F_OK)) R(C.access('/proc', C.F_OK)) R(C.access('r', C.F_OK))`,
		sent: []string{"0,0", "0,0", "-1,2", "0,0"}},
	{name: "H59 umask", script: `S(select('#', C.umask(0)) .. ',' .. C.umask(18)) C.mkdir('d', mode(7, 7, 7))`, sent: []string{"1,0"},
		then: `umask; stat -c %a d`, stdout: "0022\n755\n"},
	{name: "access and eaccess", script: `C.mknod('f', mode(4, 0, 0), 0) R(C.access('f', C.F_OK)) R(C.access('f', C.R_OK)) ` +
		`R(C.eaccess('f', C.F_OK)) R(C.eaccess('f', C.R_OK))`, sent: []string{"0,0", "0,0", "0,0", "0,0"}},
	{name: "access asks for the real user, eaccess for the effective", as: privileged, script: `C.mknod('f', mode(6, 0, 0), 0) ` +
		`C.setresuid(1000, 0, 0) errexit = false R(C.access('f', C.R_OK)) R(C.eaccess('f', C.R_OK))`, sent: []string{"-1,13", "0,0"}},
}

var fileFailures = []failureCase{
	{call: `C.mkdir('.', mode(7, 5, 5))`, errno: unix.EEXIST, report: `mkdir(".", 493)`},
	{name: "H62 twice", before: `C.mkdir('d', mode(7, 5, 5))`, call: `C.mkdir('d', mode(7, 5, 5))`, errno: unix.EEXIST, report: `mkdir("d", 493)`},
	{call: `C.mkfifo('.', mode(6, 0, 0))`, errno: unix.EEXIST, report: `mkfifo(".", 384)`},
	{call: `C.mknod('.', C.S_IFCHR, 0)`, errno: unix.EEXIST, report: `mknod(".", 8192, 0)`},
	{call: `C.mknod('c', C.S_IFCHR, C.makedev(1, 3))`, errno: unix.EPERM, report: `mknod("c", 8192, 259)`, as: ordinaryUser},
	{call: `C.link('.', 'l')`, errno: unix.EPERM, report: `link(".", "l")`},
	{call: `C.linkat(C.AT_FDCWD, '/nonexistent', C.AT_FDCWD, 'l', 0)`, errno: unix.ENOENT, report: `linkat(-100, "/nonexistent", -100, "l", 0)`},
	{name: "bad descriptor", call: `C.linkat(99, 'a', C.AT_FDCWD, 'l', 0)`, errno: unix.EBADF, report: `linkat(99, "a", -100, "l", 0)`},
	{call: `C.symlink('x', '.')`, errno: unix.EEXIST, report: `symlink("x", ".")`},
	{call: `C.chown('/nonexistent', 0, 0)`, errno: unix.ENOENT, report: `chown("/nonexistent", 0, 0)`},
	{call: `C.chown('/', 0, 0)`, errno: unix.EPERM, report: `chown("/", 0, 0)`, as: ordinaryUser},
	{call: `C.chmod('/nonexistent', 0)`, errno: unix.ENOENT, report: `chmod("/nonexistent", 0)`},
	{call: `C.chmod('/', mode(7, 5, 5))`, errno: unix.EPERM, report: `chmod("/", 493)`, as: ordinaryUser},
	{call: `C.chdir('/nonexistent')`, errno: unix.ENOENT, report: `chdir("/nonexistent")`},
	{call: `C.chdir('/dev/null')`, errno: unix.ENOTDIR, report: `chdir("/dev/null")`},
	{call: `C.chroot('/nonexistent')`, errno: unix.ENOENT, report: `chroot("/nonexistent")`},
	{call: `C.chroot('/')`, errno: unix.EPERM, report: `chroot("/")`, as: ordinaryUser},
	{call: `C.access('/nonexistent', C.F_OK)`, errno: unix.ENOENT, report: `access("/nonexistent", 0)`},
	{call: `C.access('/etc', C.W_OK)`, errno: unix.EACCES, report: `access("/etc", 2)`, as: ordinaryUser},
	{call: `C.eaccess('/nonexistent', C.F_OK)`, errno: unix.ENOENT, report: `eaccess("/nonexistent", 0)`},
	{call: `C.eaccess('/etc', C.W_OK)`, errno: unix.EACCES, report: `eaccess("/etc", 2)`, as: ordinaryUser},
}

func TestAPIFiles(t *testing.T) {
	runCases(t, fileCases)
	runFailures(t, fileFailures)
}

// In Emilua a script starts with the mask 022.
func TestUmaskIsInherited(t *testing.T) {
	inherits := scriptCase{
		script: `R(C.umask(0))`, sent: []string{"95"},
		set: func(t *testing.T, _ *initscript.Cmd) {
			before := syscall.Umask(0o137)
			t.Cleanup(func() { syscall.Umask(before) })
		},
	}
	inherits.run(t)
}
