// Package examples_test tries the example scripts.
package examples_test

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/examples/internal/exampletest"
	"github.com/go-initscript/initscript/internal/testkit"
	"github.com/moby/sys/mountinfo"
	"github.com/moby/sys/user"
	"golang.org/x/sys/unix"
)

//go:embed rootless-box.lua
var rootlessBox string

// boxNamespaces are those of the command line that the script gives.
const boxNamespaces = initscript.NewUser | initscript.NewMount | initscript.NewPID |
	initscript.NewNet | initscript.NewUTS | initscript.NewIPC

// The variants of the script, as something that precedes its first line.
const (
	asShipped        = ``
	withoutSetattr   = `C.mount_setattr = function() return -1, C.ENOSYS end `
	withoutSeccomp   = `jit.arch = "another" `
	withoutAnyRights = `C.cap_set_proc("=") `
)

func newBox(t *testing.T, variant string, program ...string) *initscript.Cmd {
	t.Helper()
	cmd := initscript.CommandContext(exampletest.Context(t), program[0], program[1:]...)
	exampletest.MapToRoot(cmd)
	cmd.Namespaces = boxNamespaces
	cmd.Script = variant + rootlessBox
	cmd.ScriptName = "rootless-box.lua"
	cmd.Env = []string{"PATH=" + exampletest.SearchPath}
	return cmd
}

func TestRootlessBoxRunsPrograms(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		exampletest.RequireProgram(t, "ps")
		cmd := newBox(t, asShipped, "sh", "-c",
			`id -u; id -g; hostname; ps -o comm= --ppid 1; pwd; touch /tmp/x && ls /tmp`)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		want := "0\n0\nbox\nsh\n/\nx\n"
		if string(out) != want {
			t.Errorf("output %q, want %q", out, want)
		}
	})
}

// TestRootlessBoxHolds tries in the box what must not be possible, and what must.
func TestRootlessBoxHolds(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		for name, variant := range map[string]string{
			"as shipped":          asShipped,
			"no mount_setattr(2)": withoutSetattr,
		} {
			t.Run(name, func(t *testing.T) {
				report := probeBox(t, newBox(t, variant, "/proc/self/exe"))
				for _, attempt := range attempts {
					t.Run(attempt.name, func(t *testing.T) {
						if got := report.Outcomes[attempt.name]; !slices.Contains(attempt.want, got) {
							t.Errorf("outcome %q, want one of %q", got, attempt.want)
						}
					})
				}
				checkFacts(t, report.Facts)
			})
		}
	})
}

// probeBox runs this program in the box, where it makes the attempts.
func probeBox(t *testing.T, cmd *initscript.Cmd) probeReport {
	t.Helper()
	if arch := runtime.GOARCH; arch != "amd64" && arch != "arm64" {
		testkit.Skip(t, "the script has no seccomp filter for "+arch)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	abstract, err := net.Listen("unix", fmt.Sprintf("@initscript-test-%d", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	defer abstract.Close()
	file := filepath.Join(t.TempDir(), "file of the host")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(cmd.Env,
		probeMarker+"=1",
		hostFileVariable+"="+file,
		hostTCPVariable+"="+tcp.Addr().String(),
		hostSocketVariable+"="+abstract.Addr().String())
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	var report probeReport
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v in %q\n%s", err, out, stderr.String())
	}
	return report
}

func checkFacts(t *testing.T, facts probeFacts) {
	t.Helper()
	for name, value := range map[string][2]any{
		"host name":         {facts.HostName, "box"},
		"ids":               {fmt.Sprint(facts.IDs), "[0 0 0 0]"},
		"processes":         {fmt.Sprint(facts.Processes), "[1 2]"},
		"interfaces":        {fmt.Sprint(facts.Interfaces), "[lo:loopback]"},
		"working directory": {facts.Directory, "/"},
	} {
		if value[0] != value[1] {
			t.Errorf("%s: %v, want %v", name, value[0], value[1])
		}
	}
	for key, want := range map[string]string{
		"CapInh": "0000000000000000", "CapPrm": "0000000000000000", "CapEff": "0000000000000000",
		"CapBnd": "0000000000000000", "CapAmb": "0000000000000000",
		"NoNewPrivs": "1", "Seccomp": "2",
	} {
		for process, status := range map[string]map[string]string{
			"the program": facts.Status, "PID 1": facts.StatusOfPID1,
		} {
			if got := status[key]; got != want {
				t.Errorf("%s of %s: %s, want %s", key, process, got, want)
			}
		}
	}
	checkSubset(t, "root directory", facts.Root,
		[]string{"dev", "etc", "proc", "tmp", "usr", "bin", "lib"},
		[]string{"sbin", "lib32", "lib64", "libx32"})
	checkSubset(t, "/dev", facts.Devices,
		[]string{"null", "zero", "full", "random", "urandom", "fd", "stdin", "stdout", "stderr", "shm",
			"pts"},
		[]string{"tty", "ptmx"})
	checkSubset(t, "writable mounts", facts.WritableMounts,
		[]string{"/tmp", "/dev/shm"}, []string{"/dev/pts"})
}

func checkSubset(t *testing.T, what string, got, required, optional []string) {
	t.Helper()
	for _, name := range required {
		if !slices.Contains(got, name) {
			t.Errorf("%s: %q is missing in %q", what, name, got)
		}
	}
	for _, name := range got {
		if !slices.Contains(required, name) && !slices.Contains(optional, name) {
			t.Errorf("%s: %q should not be there", what, name)
		}
	}
}

// What the host has mounted below /usr must be read-only too, and keep the flags that the owner of
// the host has given it: in a user namespace the kernel refuses to take these away. What it mounts
// later must not appear.
func TestRootlessBoxSubmounts(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		for name, variant := range map[string]string{
			"as shipped":          asShipped,
			"no mount_setattr(2)": withoutSetattr,
		} {
			t.Run(name, func(t *testing.T) {
				host := exec.CommandContext(exampletest.Context(t), "/proc/self/exe")
				host.Env = append(os.Environ(), submountMarker+"="+variant+" ")
				host.SysProcAttr = &syscall.SysProcAttr{
					Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
					UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
					GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
				}
				out, err := host.CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				flags := mountFlags(t, out)
				for path, want := range map[string][]string{
					"/usr":        {"ro", "nosuid"},
					submount:      {"ro", "nosuid", "nodev", "noexec"},
					submountBelow: {"ro", "nosuid", "nodev", "noexec"},
				} {
					for _, flag := range want {
						if !slices.Contains(flags[path], flag) {
							t.Errorf("%s is mounted with %q, without %s", path, flags[path], flag)
						}
					}
				}
				if _, ok := flags[submountLate]; ok {
					t.Errorf("%s has appeared in the box", submountLate)
				}
			})
		}
	})
}

const (
	submountMarker = "INITSCRIPT_TEST_SUBMOUNT"
	submount       = "/usr/local"
	submountBelow  = submount + "/a b"
	submountLate   = submount + "/late"
)

// mountFlags reads the format of /proc/PID/mountinfo.
func mountFlags(t *testing.T, text []byte) map[string][]string {
	t.Helper()
	mounts, err := mountinfo.GetMountsFromReader(bytes.NewReader(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	flags := make(map[string][]string)
	for _, mount := range mounts {
		flags[mount.Mountpoint] = strings.Split(mount.Options, ",")
	}
	return flags
}

// beHostWithSubmounts is the main function of a host that has mounts below /usr. It prints the mount
// table of a box.
func beHostWithSubmounts(variant string) error {
	if err := mountBelowUsr(submount); err != nil {
		return err
	}
	if err := unix.Mount("", submount, "", unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("share %s: %w", submount, err)
	}
	if err := mountBelowUsr(submountBelow); err != nil {
		return err
	}
	cmd := initscript.Command("/bin/cat", "-", "/proc/self/mountinfo")
	cmd.Namespaces = boxNamespaces
	cmd.UIDMap = []initscript.IDMap{{Size: 1}}
	cmd.GIDMap = []initscript.IDMap{{Size: 1}}
	cmd.Script = variant + rootlessBox
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := cmd.WaitScript(); err != nil {
		return err
	}
	err = mountBelowUsr(submountLate)
	stdin.Close() // now it prints
	return errors.Join(cmd.Wait(), err)
}

// mountBelowUsr mounts a tmpfs with all flags that can be locked.
func mountBelowUsr(path string) error {
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("tmpfs", path, "tmpfs", flags, ""); err != nil {
		return fmt.Errorf("mount on %s: %w", path, err)
	}
	return nil
}

// A namespace that the caller forgot must not be shared silently.
func TestRootlessBoxNeedsItsNamespaces(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		for _, missing := range []initscript.Namespaces{
			initscript.NewMount, initscript.NewPID, initscript.NewNet, initscript.NewUTS,
			initscript.NewIPC,
		} {
			t.Run(missing.String(), func(t *testing.T) {
				cmd := newBox(t, asShipped, "/bin/echo", "the program runs")
				cmd.Namespaces &^= missing
				out, err := cmd.Output()
				var scriptError *initscript.ScriptError
				if !errors.As(err, &scriptError) || scriptError.Errno != unix.EPERM {
					t.Errorf("error %v, want EPERM of a call in the script", err)
				}
				if len(out) > 0 {
					t.Errorf("output: %s", out)
				}
			})
		}
	})
}

func TestRootlessBoxNeedsAUserNamespace(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		t.Run("none", func(t *testing.T) {
			ids, err := user.ParseIDMapFile("/proc/self/uid_map")
			if err != nil || len(ids) == 0 || ids[len(ids)-1].Count == 1 {
				testkit.Skip(t, "the host's own user namespace looks like the one of a box")
			}
			// Without capabilities, so that a script that goes on can do no harm.
			cmd := newBox(t, withoutAnyRights, "/bin/true")
			cmd.Namespaces, cmd.UIDMap, cmd.GIDMap = 0, nil, nil
			checkUserNamespaceIsMissed(t, cmd)
		})
		t.Run("one without map", func(t *testing.T) {
			cmd := newBox(t, asShipped, "/bin/true")
			cmd.UIDMap, cmd.GIDMap = nil, nil
			checkUserNamespaceIsMissed(t, cmd)
		})
	})
}

func checkUserNamespaceIsMissed(t *testing.T, cmd *initscript.Cmd) {
	t.Helper()
	err := cmd.Run()
	var scriptError *initscript.ScriptError
	if !errors.As(err, &scriptError) || !strings.Contains(scriptError.Message, "user namespace") {
		t.Errorf("error %v, want the script's own", err)
	}
}

// On a machine whose system call numbers the script does not know, the box gets no terminal.
func TestRootlessBoxLeavesTheSession(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		exampletest.RequireProgram(t, "ps")
		for variant, want := range map[string]string{
			asShipped:      "0", // one outside of the box
			withoutSeccomp: "1",
		} {
			out, err := newBox(t, variant, "sh", "-c", `ps -o sid= -p $$`).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if got := strings.TrimSpace(string(out)); got != want {
				t.Errorf("variant %q: session %s, want %s", variant, got, want)
			}
		}
	})
}

func TestRootlessBoxCanBeInterrupted(t *testing.T) {
	exampletest.EachUser(t, func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		host := exec.CommandContext(exampletest.Context(t), "/proc/self/exe")
		host.Env = append(os.Environ(), terminalMarker+"=1")
		terminal, err := pty.Start(host)
		if err != nil {
			testkit.Skip(t, "no pseudo-terminal: "+err.Error())
		}
		defer terminal.Close()
		const controlC = "\x03"
		fmt.Fprint(terminal, "ready\n")
		awaitText(t, terminal, "ready\r\nready\r\n") // the terminal's echo, and cat
		fmt.Fprint(terminal, controlC)
		// What it writes now can be lost: its end hangs up the terminal.
		host.Wait()
		if got := host.ProcessState.ExitCode(); got != 130 {
			t.Errorf("exit status %d, want 130", got)
		}
	})
}

const terminalMarker = "INITSCRIPT_TEST_TERMINAL"

// beHostInTerminal is the main function of a host that a terminal controls. It ends like the box.
func beHostInTerminal() error {
	signal.Ignore(os.Interrupt) // Ctrl-C is for the box
	cmd := initscript.Command("/bin/cat")
	exampletest.MapToRoot(cmd)
	cmd.Namespaces = boxNamespaces
	cmd.Script = rootlessBox
	cmd.Env = []string{"PATH=" + exampletest.SearchPath}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *initscript.ExitError
	if errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	return err
}

// awaitText reads until the terminal has shown the text.
func awaitText(t *testing.T, terminal io.Reader, text string) {
	t.Helper()
	var seen strings.Builder
	for b := make([]byte, 1); !strings.HasSuffix(seen.String(), text); {
		if _, err := terminal.Read(b); err != nil {
			t.Fatalf("%v after %q", err, seen.String())
		}
		seen.Write(b)
	}
}
