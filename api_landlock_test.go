package initscript_test

import (
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/hint"
	"github.com/go-initscript/initscript/internal/machine"
	"golang.org/x/sys/unix"
)

// everyRight has all access rights of the reference page.
const everyRight = `{'execute', 'write_file', 'read_file', 'read_dir', 'remove_dir', 'remove_file', 'make_char', 'make_dir', ` +
	`'make_reg', 'make_sock', 'make_fifo', 'make_block', 'make_sym', 'refer', 'truncate'}`

// landlockRules makes the function allow(ruleset, path, rights).
const landlockRules = `local function allow(ruleset, path, rights) local fd = C.open(path, bit.bor(C.O_PATH, C.O_CLOEXEC)) ` +
	`local result, e = C.landlock_add_rule(ruleset, 'path_beneath', {allowed_access = rights, parent_fd = fd}) C.close(fd) return result, e end `

var landlockCases = []scriptCase{
	{name: "H94 version", script: `local version, e = C.landlock_create_ruleset(nil, {'version'}) R(version >= 1, e) ` +
		`R((C.landlock_create_ruleset(nil, {'version', 'version', n = 1})) == version)`, sent: []string{"true,0", "true"}},
	{name: "a ruleset is closed on execve", script: `R(C.landlock_create_ruleset({handled_access_fs = ` + everyRight + `})) ` +
		`C.execve('/bin/sh', {'sh', '-c', '[ -e /proc/self/fd/5 ] || echo closed'})`, sent: []string{"5,0"}, stdout: "closed\n"},
	{name: "H97 read below one directory", script: landlockRules +
		`local rs = C.landlock_create_ruleset({handled_access_fs = {'read_file', 'read_dir'}}) R(allow(rs, '/usr', {'read_file', 'read_dir'})) ` +
		`set_no_new_privs() R(C.landlock_restrict_self(rs)) errexit = false R(C.open('/usr/bin/env', C.O_RDONLY) >= 5, 0) R(C.open('/usr', C.O_RDONLY) >= 5, 0) ` +
		`R(C.open('/etc/passwd', C.O_RDONLY)) R(C.open('/etc', C.O_RDONLY))`,
		sent: []string{"0,0", "0,0", "true,0", "true,0", "-1,13", "-1,13"}},
	{name: "write in one directory only, also the program", script: landlockRules + `C.mkdir('in', mode(7, 7, 7)) C.mkdir('out', mode(7, 7, 7)) ` +
		`local rs = C.landlock_create_ruleset({handled_access_fs = {'make_reg', 'write_file', 'make_dir'}}) ` +
		`allow(rs, 'in', {'make_reg', 'write_file'}) allow(rs, '/dev', {'write_file'}) set_no_new_privs() C.landlock_restrict_self(rs)`,
		then: `(echo a > in/f) && cat in/f; (echo a > out/f) 2>/dev/null || echo refused; mkdir in/d 2>/dev/null || echo refused`, stdout: "a\nrefused\nrefused\n"},
	{name: "execute", script: landlockRules + `os.execute('cp /bin/true mine') local rs = C.landlock_create_ruleset({handled_access_fs = {'execute'}}) ` +
		`errexit = false for _, path in ipairs({'/usr', '/bin', '/lib', '/lib64'}) do if C.access(path, C.F_OK) == 0 then allow(rs, path, {'execute'}) end end ` +
		`set_no_new_privs() R(C.landlock_restrict_self(rs))`, sent: []string{"0,0"},
		then: `/bin/true && echo allowed; ./mine 2>/dev/null || echo refused`, stdout: "allowed\nrefused\n"},
	{name: "all rights of the page", script: landlockRules + `C.mkdir('d', mode(7, 7, 7)) local rs, e = C.landlock_create_ruleset({handled_access_fs = ` + everyRight + `}) ` +
		`R(allow(rs, 'd', ` + everyRight + `)) set_no_new_privs() R(C.landlock_restrict_self(rs)) errexit = false ` +
		`R(C.mkdir('d/e', mode(7, 0, 0))) R(C.mkfifo('d/f', mode(6, 0, 0))) R(C.symlink('x', 'd/l')) R(C.link('d/f', 'd/e/g')) R(C.mknod('d/r', mode(6, 0, 0), 0)) ` +
		`R(C.mkdir('e', mode(7, 0, 0))) R(C.mkfifo('f', mode(6, 0, 0))) R(C.symlink('x', 'l')) R(C.link('d/f', 'g')) R(C.mknod('r', mode(6, 0, 0), 0)) ` +
		`R(C.open('/etc/passwd', C.O_RDONLY))`,
		sent: []string{"0,0", "0,0", "0,0", "0,0", "0,0", "0,0", "0,0", "-1,13", "-1,13", "-1,13", "-1,13", "-1,13", "-1,13"}},
	{name: "restrict with CAP_SYS_ADMIN", in: newMounts, script: `local rs = C.landlock_create_ruleset({handled_access_fs = {'make_dir'}}) ` +
		`R(C.landlock_restrict_self(rs)) R(status('NoNewPrivs')) errexit = false R(C.mkdir('d', mode(7, 0, 0)))`, sent: []string{"0,0", "0", "-1,13"}},
	{name: "add_rule leaves the descriptor open", script: `local fd = C.open('/usr', C.O_PATH) local rs = C.landlock_create_ruleset({handled_access_fs = {'execute'}}) ` +
		`R(C.landlock_add_rule(rs, 'path_beneath', {allowed_access = {'execute', 'execute', x = 1}, parent_fd = fd}, nil, 'ignored')) R(C.close(fd))`,
		sent: []string{"0,0", "0,0"}},
}

// landlockRights has for each access right an operation that needs it, as an expression for its
// errno, with what it gives when it is refused and when it is allowed.
var landlockRights = []struct {
	right, operation string
	refused, allowed syscall.Errno
}{
	{"execute", `select(2, C.execve('d/f', {'f'}))`, unix.EACCES, unix.ENOEXEC}, // the file is empty
	{"write_file", `select(2, C.open('d/f', C.O_WRONLY))`, unix.EACCES, 0},
	{"read_file", `select(2, C.open('d/f', C.O_RDONLY))`, unix.EACCES, 0},
	{"read_dir", `select(2, C.open('d', C.O_DIRECTORY))`, unix.EACCES, 0},
	{"remove_dir", `select(2, C.rmdir('e'))`, unix.EACCES, 0},
	{"remove_file", `select(2, C.unlink('d/f'))`, unix.EACCES, 0},
	{"make_char", `select(2, C.mknod('c', C.S_IFCHR, 0))`, unix.EACCES, 0}, // a whiteout: everybody may
	{"make_dir", `select(2, C.mkdir('n', 0))`, unix.EACCES, 0},
	{"make_reg", `select(2, C.open('n', C.O_CREAT, 0))`, unix.EACCES, 0},
	{"make_sock", `select(2, bind_unix(C.socket(C.AF_UNIX, C.SOCK_STREAM, 0), 'n'))`, unix.EACCES, 0},
	{"make_fifo", `select(2, C.mkfifo('n', 0))`, unix.EACCES, 0},
	{"make_block", `select(2, C.mknod('n', C.S_IFBLK, 0))`, unix.EACCES, unix.EPERM}, // by the lack of CAP_MKNOD, in the namespace
	{"make_sym", `select(2, C.symlink('x', 'n'))`, unix.EACCES, 0},
	{"refer", `select(2, C.link('d/f', 'e/f'))`, unix.EXDEV, 0},
	{"truncate", `select(2, C.open('d/f', bit.bor(C.O_WRONLY, C.O_TRUNC)))`, unix.EACCES, 0},
}

func TestLandlockRights(t *testing.T) {
	requireLandlock(t)
	const directory = `C.umask(0) C.mkdir('d', mode(7, 7, 7)) C.mkdir('e', mode(7, 7, 7)) C.mknod('d/f', mode(7, 7, 7), 0) `
	for _, test := range landlockRights {
		for rule, want := range map[string]syscall.Errno{``: test.refused, `allow(rs, '.', rights) `: test.allowed} {
			confined := scriptCase{
				in: initscript.NewUser,
				script: directory + landlockRules + `local rights = {'` + test.right + `'} local rs = C.landlock_create_ruleset({handled_access_fs = rights}) ` +
					rule + `set_no_new_privs() C.landlock_restrict_self(rs) errexit = false R(` + test.operation + `)`,
				sent: []string{strconv.Itoa(int(want))},
			}
			t.Run(strings.TrimSpace(test.right+" "+rule), confined.run)
		}
	}
}

func requireLandlock(t *testing.T) {
	t.Helper()
	if _, err := machine.Landlock(); err != nil {
		skip(t, "Landlock is not available: "+hint.LandlockMissing(err).String())
	}
}

const executeRuleset = `local rs = C.landlock_create_ruleset({handled_access_fs = {'execute'}}) `

var landlockFailures = []failureCase{
	{name: "no attributes", call: `C.landlock_create_ruleset(nil)`, errno: unix.EFAULT, report: `landlock_create_ruleset()`},
	{name: "H95", call: `C.landlock_create_ruleset({})`, errno: unix.ENOMSG, report: `landlock_create_ruleset((table))`},
	{call: `C.landlock_create_ruleset({handled_access_fs = {}})`, errno: unix.ENOMSG, report: `landlock_create_ruleset((table))`},
	{name: "attributes and version", call: `C.landlock_create_ruleset({handled_access_fs = {'execute'}}, {'version'})`, errno: unix.EINVAL,
		report: `landlock_create_ruleset((table), (table))`},
	{call: `C.landlock_add_rule(99, 'path_beneath', {allowed_access = {'execute'}, parent_fd = 0})`, errno: unix.EBADF,
		report: `landlock_add_rule(99, "path_beneath", (table))`},
	{name: "not a ruleset", call: `C.landlock_add_rule(0, 'path_beneath', {allowed_access = {'execute'}, parent_fd = 0})`, errno: unix.EBADFD,
		report: `landlock_add_rule(0, "path_beneath", (table))`},
	{name: "no parent_fd", before: executeRuleset, call: `C.landlock_add_rule(rs, 'path_beneath', {allowed_access = {'execute'}})`, errno: unix.EBADF,
		report: `landlock_add_rule(5, "path_beneath", (table))`},
	{name: "no access", before: executeRuleset, call: `C.landlock_add_rule(rs, 'path_beneath', {parent_fd = C.open('/', C.O_PATH)})`, errno: unix.ENOMSG,
		report: `landlock_add_rule(5, "path_beneath", (table))`},
	{name: "not handled", before: executeRuleset, call: `C.landlock_add_rule(rs, 'path_beneath', {allowed_access = {'truncate'}, parent_fd = C.open('/', C.O_PATH)})`,
		errno: unix.EINVAL, report: `landlock_add_rule(5, "path_beneath", (table))`},
	{name: "H98 without no_new_privs", before: executeRuleset, call: `C.landlock_restrict_self(rs)`, errno: unix.EPERM, report: `landlock_restrict_self(5)`, as: ordinaryUser},
	{name: "bad descriptor", before: `set_no_new_privs()`, call: `C.landlock_restrict_self(99)`, errno: unix.EBADF, report: `landlock_restrict_self(99)`},
}

// Some messages come with the position and some do not, as in Emilua.
var landlockRaises = []raiseCase{
	{`C.landlock_create_ruleset(1)`, `init.script:1: table expected for argument 1`}, // H92
	{`C.landlock_create_ruleset(nil, 1)`, `init.script:1: table expected for argument 2`},
	{`C.landlock_create_ruleset(1, 1)`, `init.script:1: table expected for argument 1`},
	{`C.landlock_create_ruleset({'execute'})`, `init.script:1: invalid ruleset attr`},
	{`C.landlock_create_ruleset({handled_access = {}})`, `invalid ruleset attr`},
	{`C.landlock_create_ruleset({handled_access_fs = 'execute'})`, `invalid handled_access_fs`},
	{`C.landlock_create_ruleset({handled_access_fs = {1}})`, `invalid LANDLOCK_ACCESS_FS`},
	{`C.landlock_create_ruleset({handled_access_fs = {'execute', 'nope'}})`, `invalid LANDLOCK_ACCESS_FS`},
	{`C.landlock_create_ruleset({handled_access_fs = {'execute\0'}})`, `invalid LANDLOCK_ACCESS_FS`},
	{`C.landlock_create_ruleset({handled_access_fs = {'EXECUTE'}})`, `invalid LANDLOCK_ACCESS_FS`},
	{`C.landlock_create_ruleset({}, {'nope'})`, `init.script:1: invalid LANDLOCK_CREATE_RULESET flag`},
	{`C.landlock_create_ruleset({}, {1})`, `init.script:1: invalid LANDLOCK_CREATE_RULESET flag`},
	{`C.landlock_create_ruleset({x = 1}, {'nope'})`, `invalid ruleset attr`}, // attr is checked first
	{`C.landlock_add_rule()`, `init.script:1: integer expected for argument 1`},
	{`C.landlock_add_rule('3', 'path_beneath', {})`, `init.script:1: integer expected for argument 1`},
	{`C.landlock_add_rule(3, nil, {})`, `init.script:1: invalid argument 2`},
	{`C.landlock_add_rule(3, 'path', {})`, `init.script:1: invalid argument 2`},
	{`C.landlock_add_rule(3, 'path_beneath')`, `init.script:1: table expected for argument 3`},
	{`C.landlock_add_rule(3, 'path_beneath', {}, 0)`, `init.script:1: nil expected for argument 4`},
	{`C.landlock_add_rule(3, 'path_beneath', {1})`, `init.script:1: invalid path_beneath attr`},
	{`C.landlock_add_rule(3, 'path_beneath', {x = 1})`, `invalid path_beneath attr`},
	{`C.landlock_add_rule(3, 'path_beneath', {allowed_access = 1})`, `invalid allowed_access`},
	{`C.landlock_add_rule(3, 'path_beneath', {allowed_access = {1}})`, `invalid LANDLOCK_ACCESS_FS`},
	{`C.landlock_add_rule(3, 'path_beneath', {parent_fd = '1'})`, `invalid parent_fd`},
	{`C.landlock_restrict_self()`, `init.script:1: integer expected for argument 1`},
	{`C.landlock_restrict_self('1')`, `init.script:1: integer expected for argument 1`},
	{`C.landlock_restrict_self(1, 0)`, `init.script:1: nil expected for argument 2`},
}

func TestAPILandlock(t *testing.T) {
	runRaises(t, landlockRaises)
	requireLandlock(t)
	runCases(t, landlockCases)
	runFailures(t, landlockFailures)
}
