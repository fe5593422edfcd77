package initscript_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// signatures has the arguments of every function that checks them, in man-page order:
//
//	int     number or numeric string
//	str     string or number
//	bool    boolean
//	table   table
//	any     not checked here: it may be absent, or what is wrong with it ends the process
//
// "nil" at the end says that an absent argument is reported as nil: such functions fix the number
// of their arguments first.
var signatures = map[string]string{
	"C.read":            "int int",
	"C.write":           "int any",
	"C.open":            "str int any nil", // the mode may be nil, see coercion.txtar
	"C.mkdir":           "str int",
	"C.chdir":           "str",
	"C.mkfifo":          "str int",
	"C.mknod":           "str int int",
	"C.makedev":         "int int",
	"C.link":            "str str",
	"C.linkat":          "int str int str int",
	"C.symlink":         "str str",
	"C.chown":           "str int int",
	"C.chmod":           "str int",
	"C.umask":           "int",
	"C.access":          "str int",
	"C.eaccess":         "str int",
	"C.chroot":          "str",
	"C.mount":           "any str any int any",
	"C.umount":          "str",
	"C.umount2":         "str int",
	"C.pivot_root":      "str str",
	"C.setpgid":         "int int",
	"C.setresuid":       "int int int",
	"C.setresgid":       "int int int",
	"C.setgroups":       "table",
	"C.cap_set_proc":    "str",
	"C.cap_drop_bound":  "str",
	"C.cap_set_ambient": "str bool",
	"C.cap_set_secbits": "int",
	"C.unshare":         "int",
	"C.setns":           "int int",
	"C.execve":          "str any any nil",
	"C.fexecve":         "int any any nil",
	"C.dup":             "int",
	"C.dup2":            "int int",
	"C.close":           "int",
	"C.closefrom":       "int",
	"C.socket":          "int int int",
	"C.listen":          "int int",
	"C.fsopen":          "any int",
	"C.fsconfig":        "int int any any int",
	"C.fsmount":         "int int int",
	"C.fspick":          "int any int",
	"C.open_tree":       "int any int",
	"C.move_mount":      "int any int any int",
	"C.mount_setattr":   "int any int table",
	"mode":              "int int int",
	"write_all":         "int any",
	"receive_with_fd":   "int int",
	"send_with_fd":      "int any int",
	"bind_unix":         "int str",
	"major":             "int",
	"minor":             "int",
}

// argumentTypes has, for every type of a signature, an argument that is good, what a message
// calls the type, and arguments that are wrong with what a message calls theirs.
var argumentTypes = map[string]struct {
	good, expected string
	wrong          map[string]string
}{
	"int":   {"0", "number", map[string]string{"nil": "nil", "'x'": "string", "''": "string", "true": "boolean", "{}": "table", "print": "function"}},
	"str":   {"'cap_chown'", "string", map[string]string{"nil": "nil", "false": "boolean", "{}": "table", "newproxy()": "userdata"}},
	"bool":  {"true", "boolean", map[string]string{"nil": "nil", "0": "number", "'true'": "string"}},
	"table": {"{}", "table", map[string]string{"nil": "nil", "1": "number", "'{}'": "string"}},
	"any":   {"nil", "", nil},
}

// Arguments are checked from left to right, and all before anything is done.
func TestArgumentErrors(t *testing.T) {
	for function, signature := range signatures {
		t.Run(function, func(t *testing.T) {
			types := strings.Fields(signature)
			absent := "no value"
			if types[len(types)-1] == "nil" {
				absent, types = "nil", types[:len(types)-1]
			}
			_, name, found := strings.Cut(function, ".")
			if !found {
				name = function
			}
			var calls []string
			var want []string
			try := func(position int, typ string, arguments []string, got string) {
				calls = append(calls, fmt.Sprintf("function() %s(%s) end", function, strings.Join(arguments, ", ")))
				want = append(want, fmt.Sprintf("false,init.script:1: bad argument #%d to '%s' (%s expected, got %s)",
					position, name, argumentTypes[typ].expected, got))
			}
			var good []string
			for i, typ := range types {
				if typ != "any" {
					before := good
					for len(before) > 0 && types[len(before)-1] == "any" {
						before = before[:len(before)-1] // absent too
					}
					if len(before) == len(good) {
						try(i+1, typ, good, absent)
					}
					for wrong, got := range argumentTypes[typ].wrong {
						try(i+1, typ, append(good[:i:i], wrong), got)
					}
				}
				good = append(good, argumentTypes[typ].good)
			}
			raises := scriptCase{Script: "for _, call in ipairs({" + strings.Join(calls, ", ") + "}) do R(pcall(call)) end", Sent: want}
			raises.Run(t)
		})
	}
}

func TestEverySignatureIsThere(t *testing.T) {
	functions, _ := names(t, "functions")
	unchecked := strings.Fields("sethostname setdomainname setsid getpid getppid getuid geteuid getgid getegid getgroups " +
		"cap_reset_ambient seccomp_set_mode_filter " +
		"landlock_create_ruleset landlock_add_rule landlock_restrict_self") // the last three: landlock.txtar
	for _, name := range functions {
		if _, ok := signatures["C."+name]; !ok && !slices.Contains(unchecked, name) {
			t.Errorf("no signature of %s", name)
		}
	}
}
