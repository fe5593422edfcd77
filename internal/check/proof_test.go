package check_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/check"
	"github.com/go-initscript/initscript/internal/hint"
	"github.com/go-initscript/initscript/internal/machine"
	"github.com/go-initscript/initscript/internal/testkit"
	"golang.org/x/sys/unix"
)

// run runs a script in namespaces of its own, where it has all capabilities.
func run(t *testing.T, source string) (stdout string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	command := initscript.CommandContext(ctx, "")
	command.Script = source
	command.Dir = t.TempDir()
	command.Namespaces = initscript.NewUser | initscript.NewMount | initscript.NewUTS | initscript.NewNet
	command.UIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	command.GIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	out, err := command.Output()
	return string(out), err
}

func requireUserNamespaces(t *testing.T) {
	t.Helper()
	if _, err := run(t, ""); err != nil {
		testkit.Skip(
			t,
			fmt.Sprintf("user namespaces are not available: %v; %s", err, initscript.Hint(err)),
		)
	}
}

// A script with an error that does not depend on the system's version fails indeed, in that line.
func TestErrorsAreReal(t *testing.T) {
	requireUserNamespaces(t)
	type script struct{ name, source string }
	var scripts []script
	for _, c := range mistakes {
		if !c.unproved {
			scripts = append(scripts, script{c.source, c.source})
		}
	}
	for _, example := range docExamples(t) {
		if example.options == (check.Options{}) && example.name != "comment" {
			scripts = append(scripts, script{example.name, example.source})
		}
	}
	proved := 0
	for _, s := range scripts {
		list := check.Check(s.source, check.Options{})
		list = slices.DeleteFunc(
			list,
			func(d check.Diagnostic) bool { return d.Severity != check.Error },
		)
		// What comes before the error may fail too.
		list = slices.DeleteFunc(list, looksLikeSuccess)
		if len(list) == 0 || strings.HasPrefix(s.name, "unknown-field") {
			continue
		}
		proved++
		_, err := run(t, s.source)
		if err == nil {
			t.Errorf("%q: reported is %v, and it does not fail", s.source, list)
		}
		var failure *initscript.ScriptError
		switch list[0].Name {
		case "capability", "no-new-privs":
			denied := errors.As(err, &failure) &&
				(failure.Errno == unix.EPERM || failure.Errno == unix.EACCES)
			if !denied || failure.Line != list[0].Line {
				t.Errorf("%q: reported is %v, it fails with %v", s.source, list[0], err)
			}
		}
	}
	if proved < 50 {
		t.Errorf("only %d scripts were tried", proved)
	}
}

// looksLikeSuccess is for errors of calls that may succeed, with something else than is written.
func looksLikeSuccess(d check.Diagnostic) bool {
	names := []string{"argument-value", "list", "root-directory", "errexit", "exit"}
	return slices.Contains(names, d.Name) || strings.HasSuffix(d.Message, "this is ignored")
}

// What is reported as less than it looks like does run, but for the extensions, which refuse it.
func TestLessIsReal(t *testing.T) {
	requireUserNamespaces(t)
	for _, c := range less {
		if c.depends {
			continue
		}
		out, err := run(t, c.source)
		if (err != nil) != c.fails || !c.fails && out != c.output {
			t.Errorf("%q: %q, %v", c.source, out, err)
		}
	}
}

// Each of the calls works, and after the ruleset is refused.
func TestLandlockOrderIsReal(t *testing.T) {
	requireUserNamespaces(t)
	const ruleset = `C.landlock_create_ruleset({ handled_access_fs = { "make_sock" } })`
	if _, err := machine.Landlock(); err != nil {
		testkit.Skip(t, "Landlock is not available: "+hint.LandlockMissing(err).String())
	}
	const prepare = `
		C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE), nil)
		C.mkdir("m", mode(7, 5, 5))
		C.mount("tmpfs", "m", "tmpfs", 0, nil)
		local tree = C.open_tree(C.AT_FDCWD, "m", bit.bor(C.OPEN_TREE_CLONE, C.OPEN_TREE_CLOEXEC))
		local rules = ` + ruleset + `
		set_no_new_privs() `
	const lock = "C.landlock_restrict_self(rules) "
	calls := []string{
		`C.mount("tmpfs", "m", "tmpfs", 0, nil)`, `C.umount("m")`, `C.umount2("m", C.MNT_DETACH)`,
		`C.pivot_root("m", "m")`,
		`C.move_mount(tree, "", C.AT_FDCWD, "m", C.MOVE_MOUNT_F_EMPTY_PATH)`,
	}
	for _, call := range calls {
		if _, err := run(t, prepare+call); err != nil {
			t.Errorf("%s: %v", call, err)
		}
		var failure *initscript.ScriptError
		if _, err := run(t, prepare+lock+call); !errors.As(err, &failure) ||
			failure.Errno != unix.EPERM {
			t.Errorf("%s after the ruleset: %v", call, err)
		}
		list := check.Check(prepare+lock+call, check.Options{})
		if len(list) == 0 || list[0].Name != "landlock-order" {
			t.Errorf("%s: %v", call, list)
		}
	}
}

// The globals of LuaJIT are those that a script sees, and no others.
func TestLuaGlobals(t *testing.T) {
	command := initscript.CommandContext(t.Context(), "")
	command.Script = `for name in pairs(_G) do print(name) end`
	out, err := command.Output()
	testkit.Must(t, err)
	names := strings.Fields(string(out))
	if len(names) < 40 {
		t.Fatalf("only %q", names)
	}
	for _, name := range names {
		if list := check.Check(name+".x()", check.Options{}); len(list) > 0 &&
			strings.Contains(list[0].Message, "is nil") {
			t.Errorf("%s: %v", name, list)
		}
	}
	for _, name := range check.LuaGlobals {
		if !slices.Contains(names, name) {
			t.Errorf("a script does not see %s", name)
		}
	}
}

// Whatever the text is, there is an answer in order.
func FuzzCheck(f *testing.F) {
	for _, c := range mistakes {
		f.Add(c.source)
	}
	for _, source := range silent {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		last := check.Diagnostic{}
		for _, d := range check.Check(source, check.Options{Kernel: kernel(t, "5.5")}) {
			if d.Line < 1 || d.Column < 1 || d.Line < last.Line ||
				!slices.Contains(check.Names, d.Name) || d.Message == "" {
				t.Errorf("%+v after %+v", d, last)
			}
			last = d
		}
	})
}
