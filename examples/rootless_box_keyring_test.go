package examples_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/examples/internal/exampletest"
	"github.com/go-initscript/initscript/internal/testkit"
	"github.com/go-initscript/initscript/seccomp"
	"golang.org/x/sys/unix"
)

const keyMarker = "INITSCRIPT_TEST_KEY"

// probeKeys prints how attempts to read the key of the host end: one that searches the session keyring,
// one that has the number of the key, and one that has that of the keyring.
func probeKeys(numbers string) error {
	var key exampletest.HostKey
	if _, err := fmt.Sscan(numbers, &key.Number, &key.Keyring); err != nil {
		return err
	}
	read := func(number int, err error) error {
		if err == nil {
			_, err = unix.KeyctlBuffer(unix.KEYCTL_READ, number, make([]byte, 64), 0)
		}
		return err
	}
	session := unix.KEY_SPEC_SESSION_KEYRING
	bySearch := read(unix.KeyctlSearch(session, "user", exampletest.KeyDescription, 0))
	byNumber := read(key.Number, nil)
	_, err := unix.KeyctlInt(unix.KEYCTL_LINK, key.Keyring, session, 0, 0)
	fmt.Println(outcome(bySearch), outcome(byNumber), outcome(read(key.Number, err)))
	return nil
}

// The host has a key in its session keyring, whose number the program in the box knows.
func TestRootlessBoxKeyrings(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		key := exampletest.AddHostKey(t)
		noFilter := newBox(t, asShipped, "/proc/self/exe")
		noFilter.Script = strings.Replace(noFilter.Script, "\nrefuse_calls()\n", "\n", 1)
		noBox := newBox(t, asShipped, "/proc/self/exe")
		noBox.Script = ""
		for _, test := range []struct {
			name, want string
			cmd        *initscript.Cmd
		}{
			{"as shipped", "ENOSYS ENOSYS ENOSYS", newBox(t, asShipped, "/proc/self/exe")},
			{"without the filter", "ENOKEY EACCES ", noFilter},
			{"no box", "ok ok ", noBox},
		} {
			test.cmd.Env = append(
				test.cmd.Env,
				fmt.Sprintf("%s=%d %d", keyMarker, key.Number, key.Keyring),
			)
			out, err := test.cmd.Output() // on this thread, which has the key
			if err != nil || !strings.HasPrefix(string(out), test.want) {
				t.Errorf("%s: %q, want %q: %v", test.name, out, test.want, err)
			}
		}
	})
}

// What the kernel says of the caller's keys is not to be seen.
func TestRootlessBoxHidesListOfKeys(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		exampletest.AddHostKey(t)
		out, err := newBox(t, asShipped, "cat", "/proc/keys").Output()
		if err != nil || len(out) > 0 {
			t.Errorf("%q, %v", out, err)
		}
	})
}

// As in a container: the filter around the box refuses the calls.
func TestRootlessBoxWithoutKeyctl(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		for _, errno := range []syscall.Errno{unix.EPERM, unix.ENOSYS, unix.EDQUOT} {
			policy := seccomp.Policy{DefaultAction: seccomp.Allow,
				Rules: []seccomp.Rule{
					{Names: []string{"keyctl"}, Action: seccomp.Errno(errno)},
				}}
			filter, err := policy.Compile()
			if err != nil {
				t.Fatal(err)
			}
			var literal strings.Builder
			for _, b := range filter {
				fmt.Fprintf(&literal, "\\%d", b)
			}
			variant := fmt.Sprintf(`C.seccomp_set_mode_filter("%s") `, literal.String())
			out, err := newBox(t, variant, "echo", "in the box").Output()
			if works := string(out) == "in the box\n" && err == nil; works != (errno != unix.EDQUOT) {
				t.Errorf("keyctl is refused with %v: %q, %v", errno, out, err)
			}
		}
	})
}
