package scriptapi_test

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
	"golang.org/x/sys/unix"
)

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
	// By the lack of CAP_MKNOD, in the namespace.
	{"make_block", `select(2, C.mknod('n', C.S_IFBLK, 0))`, unix.EACCES, unix.EPERM},
	{"make_sym", `select(2, C.symlink('x', 'n'))`, unix.EACCES, 0},
	{"refer", `select(2, C.link('d/f', 'e/f'))`, unix.EXDEV, 0},
	{"truncate", `select(2, C.open('d/f', bit.bor(C.O_WRONLY, C.O_TRUNC)))`, unix.EACCES, 0},
}

func TestLandlockRights(t *testing.T) {
	testkit.RequireLandlock(t)
	const directory = `
		C.umask(0)
		C.mkdir('d', mode(7, 7, 7))
		C.mkdir('e', mode(7, 7, 7))
		C.mknod('d/f', mode(7, 7, 7), 0)
	`
	for _, test := range landlockRights {
		rules := map[string]syscall.Errno{"": test.refused, "allow(rs, '.', rights) ": test.allowed}
		for rule, want := range rules {
			confined := testkit.ScriptCase{
				In: initscript.NewUser,
				Script: directory + testkit.Lua("allow_beneath") + `
					local rights = {'` + test.right + `'}
					local rs = C.landlock_create_ruleset({handled_access_fs = rights})
					` + rule + `
					set_no_new_privs()
					C.landlock_restrict_self(rs)
					errexit = false
					R(` + test.operation + `)`,
				Sent: []string{strconv.Itoa(int(want))},
			}
			t.Run(strings.TrimSpace(test.right+" "+rule), confined.Run)
		}
	}
}

// A kernel that is too old must refuse what it does not know: the script would go on with less
// protection than it asked for.
func TestLandlockByABI(t *testing.T) {
	testkit.RequireLandlockABI(t, 1)
	tests := []struct {
		abi   int // that has it
		field int // the ABI that has the field of attr, 0: that is not the question
		call  string
	}{
		{1, 1, `C.landlock_create_ruleset({handled_access_fs = {'execute'}})`},
		{2, 1, `C.landlock_create_ruleset({handled_access_fs = {'refer'}})`},
		{3, 1, `C.landlock_create_ruleset({handled_access_fs = {'truncate'}})`},
		{4, 4, `C.landlock_create_ruleset({handled_access_net = {'bind_tcp', 'connect_tcp'}})`},
		{5, 1, `C.landlock_create_ruleset({handled_access_fs = {'ioctl_dev'}})`},
		{6, 6, `C.landlock_create_ruleset({scoped = {'abstract_unix_socket', 'signal'}})`},
		{7, 0, `C.landlock_restrict_self(rs,
			{'log_same_exec_off', 'log_new_exec_on', 'log_subdomains_off'})`},
		{8, 0, `C.landlock_restrict_self(rs, {'tsync'})`},
		{9, 1, `C.landlock_create_ruleset({handled_access_fs = {'resolve_unix'}})`},
		{10, 4, `C.landlock_create_ruleset({handled_access_net = {'bind_udp'}})`},
		{10, 4, `C.landlock_create_ruleset({handled_access_net = {'connect_send_udp'}})`},
		{10, 10, `C.landlock_create_ruleset({handled_access_fs = {'execute'},
			quiet_access_fs = {'execute'}})`},
		{10, 10, `C.landlock_create_ruleset({handled_access_net = {'bind_tcp'},
			quiet_access_net = {'bind_tcp'}})`},
		{10, 10, `C.landlock_create_ruleset({scoped = {'signal'}, quiet_scoped = {'signal'}})`},
		{10, 0, `C.landlock_add_rule(rs, 'path_beneath',
			{allowed_access = {'execute'}, parent_fd = C.open('/', C.O_PATH)}, {'quiet'})`},
		{11, 0, `C.landlock_restrict_self(rs, {'no_new_privs'})`},
	}
	for _, test := range tests {
		t.Run(strings.Join(strings.Fields(test.call), " "), func(t *testing.T) {
			want := "true,0"
			switch have := testkit.LandlockABI(); {
			case have < test.field:
				want = fmt.Sprintf("false,%d", int(unix.E2BIG))
			case have < test.abi:
				want = fmt.Sprintf("false,%d", int(unix.EINVAL))
			}
			c := testkit.ScriptCase{
				Script: `set_no_new_privs() ` + testkit.Lua("execute_ruleset") + `
					errexit = false
					local r, e = ` + test.call + `
					R(r >= 0, e)`,
				Sent: []string{want},
			}
			c.Run(t)
		})
	}
}
