package recipes_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
	"golang.org/x/sys/unix"
)

// An attempt is something that a program tries behind a recipe.
type attempt struct {
	name string
	try  func() error
	want []string // "ok" or the names of errno values, any of which will do
	who  who      // in whose hands it does not end like that where there is no recipe
}

// who says for whom an attempt is tried without the recipe too, so that the recipe is known to be
// the reason of its end.
type who int

const (
	nobody who = iota
	everybody
	rootOnly
)

const (
	probeVariable  = "INITSCRIPT_TEST_PROBE"  // names the list of attempts
	freeVariable   = "INITSCRIPT_TEST_FREE"   // there is no recipe: others would harm the host
	nestedVariable = "INITSCRIPT_TEST_NESTED" // a path that the probe's child tries to make writable
)

// init is the program that makes the attempts, in place of the tests. It prints their ends.
func init() {
	if path := os.Getenv(nestedVariable); path != "" {
		os.Exit(errnoOf(makeWritable(path)))
	}
	list, ok := attempts[os.Getenv(probeVariable)]
	if !ok {
		return
	}
	outcomes := make(map[string]string)
	for _, attempt := range list {
		if os.Getenv(freeVariable) == "" || attempt.isFree() {
			outcomes[attempt.name] = outcome(attempt.try())
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(outcomes); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// isFree says whether the attempt is made without a recipe, too.
func (a attempt) isFree() bool {
	return a.who == everybody || a.who == rootOnly && os.Geteuid() == 0
}

func outcome(err error) string {
	var errno syscall.Errno
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	default:
		return err.Error()
	}
}

func errnoOf(err error) int {
	var errno syscall.Errno
	if err != nil && !errors.As(err, &errno) {
		return 255
	}
	return int(errno)
}

// probe runs the command, which has the list of attempts made, and returns how they end.
func probe(t *testing.T, cmd *initscript.Cmd, list string, variables ...string) map[string]string {
	t.Helper()
	cmd.Env = append(cmd.Env, probeVariable+"="+list)
	cmd.Env = append(cmd.Env, variables...)
	out, err := cmd.Output()
	var exit *initscript.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("%v\n%s%s", err, out, exit.Stderr)
	}
	testkit.Must(t, err)
	outcomes := make(map[string]string)
	if err := json.Unmarshal(out, &outcomes); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	return outcomes
}

// checkAttempts compares how attempts end behind a recipe and without it.
func checkAttempts(t *testing.T, list string, confined, free map[string]string) {
	t.Helper()
	for _, attempt := range attempts[list] {
		t.Run(attempt.name, func(t *testing.T) {
			if got := confined[attempt.name]; !slices.Contains(attempt.want, got) {
				t.Errorf("%s, want one of %q", got, attempt.want)
			}
			if got := free[attempt.name]; attempt.isFree() &&
				(got == "" || slices.Contains(attempt.want, got)) {
				t.Errorf("without the recipe it ends with %q, too", got)
			}
		})
	}
}

// What the attempts are about, as variables of their environment.
const (
	directoryVariable = "INITSCRIPT_TEST_DIRECTORY" // of the test
	tcpVariable       = "INITSCRIPT_TEST_TCP"       // the address of a listener
	fileVariable      = "INITSCRIPT_TEST_SOCKET"    // the same, of a socket that is a file
	abstractVariable  = "INITSCRIPT_TEST_ABSTRACT"  // the same, of an abstract socket
	pidVariable       = "INITSCRIPT_TEST_PID"       // the id of the test's process
	uidVariable       = "INITSCRIPT_TEST_UID"       // the id that the attempts shall be made with
)

// inDirectory is a path in the test's directory.
func inDirectory(path string) string { return os.Getenv(directoryVariable) + "/" + path }

func hostPID() int {
	pid, _ := strconv.Atoi(os.Getenv(pidVariable))
	return pid
}

// attempts has one list for each recipe that is tried by the program of this file.
var attempts = map[string][]attempt{
	"no-network": slices.Concat([]attempt{
		{"connect to a TCP port of the host", dialing("tcp", tcpVariable), []string{"ENETUNREACH"},
			everybody},
		{"connect to an abstract socket of the host", dialing("unix", abstractVariable),
			[]string{"ECONNREFUSED"}, everybody},
		{"connect to itself", serving("tcp", "127.0.0.1:0"), []string{"EADDRNOTAVAIL", "ENETUNREACH"},
			everybody},
		{"send a datagram", sendingDatagram, []string{"ENETUNREACH"}, everybody},
		{"bring up the interface", settingLoopback(unix.IFF_UP), []string{"EPERM"}, nobody},
		{"enter the network of the host", enteringNetwork, []string{"EPERM"}, rootOnly},
		{"open it through a process", opening("/proc/%d/ns/net", unix.O_RDONLY, pidVariable),
			[]string{"EACCES"}, everybody},
		{"connect to a socket that is a file", dialing("unix", fileVariable), []string{"ok"}, nobody},
		{"write to a file of the host", writing("host/file"), []string{"ok"}, nobody},
		{"keep the user id", havingUID, []string{"ok"}, nobody},
	}, withoutCapabilities),

	"private-network": slices.Concat([]attempt{
		{"connect to a TCP port of the host", dialing("tcp", tcpVariable), []string{"ECONNREFUSED"},
			everybody},
		{"connect to an abstract socket of the host", dialing("unix", abstractVariable),
			[]string{"ECONNREFUSED"}, everybody},
		{"reach another address", connectingTo([4]byte{192, 0, 2, 1}), []string{"ENETUNREACH"}, nobody},
		{"serve on 127.0.0.1", serving("tcp", "127.0.0.1:0"), []string{"ok"}, nobody},
		{"serve on ::1", serving("tcp", "[::1]:0"), []string{"ok", "EAFNOSUPPORT"}, nobody},
		{"serve on a port that others use", servingSamePort, []string{"ok"}, everybody},
		{"serve on a port below 1024", serving("tcp", "127.0.0.1:1023"), []string{"EACCES"}, rootOnly},
		{"take down the interface", settingLoopback(0), []string{"EPERM"}, nobody},
		{"enter the network of the host", enteringNetwork, []string{"EPERM"}, rootOnly},
		{"connect to a socket that is a file", dialing("unix", fileVariable), []string{"ok"}, nobody},
		{"keep the user id", havingUID, []string{"ok"}, nobody},
	}, withoutCapabilities),

	"read-only-host": slices.Concat([]attempt{
		{"read a file", opening("%s/host/file", unix.O_RDONLY, directoryVariable), []string{"ok"},
			nobody},
		{"write to a file", writing("host/file"), []string{"EROFS"}, everybody},
		{"write to it below the working directory", opening("file", unix.O_WRONLY), []string{"EROFS"},
			everybody},
		{"write to it through a process", opening("/proc/%d/root%s/host/file", unix.O_WRONLY,
			pidVariable, directoryVariable), []string{"EACCES"}, everybody},
		{"create a file", creating("host/new"), []string{"EROFS"}, everybody},
		{"create a file on another mount", creatingSharedMemory, []string{"EROFS"}, everybody},
		{"change permissions", func() error { return unix.Chmod(inDirectory("host/file"), 0o666) },
			[]string{"EROFS"}, everybody},
		{"change times", func() error { return unix.Utimes(inDirectory("host/file"), nil) },
			[]string{"EROFS"}, everybody},
		{"rename a file", func() error {
			return unix.Rename(inDirectory("host/file"), inDirectory("host/other"))
		}, []string{"EROFS"}, everybody},
		{"remove a file", func() error { return unix.Unlink(inDirectory("host/removed")) },
			[]string{"EROFS"}, everybody},
		{"change a kernel setting", opening("/proc/sys/kernel/hostname", unix.O_WRONLY),
			[]string{"EROFS", "EACCES"}, rootOnly},
		{"open a device node of its own", opening("%s/host/null", unix.O_RDONLY, directoryVariable),
			[]string{"EACCES", "ENOENT"}, rootOnly},
		{"see a file below a private directory", opening("%s/private/file", unix.O_PATH,
			directoryVariable), []string{"ENOENT"}, everybody},
		{"write and execute below a private directory", writeAndExecute("private/program"),
			[]string{"ok"}, nobody},
		{"make a mount writable", func() error { return makeWritable(inDirectory("host/file")) },
			[]string{"EPERM"}, nobody},
		{"make it writable in namespaces of its own", makeWritableNested, []string{"EPERM"}, everybody},
		{"unmount a private directory", func() error {
			return unix.Unmount(inDirectory("private"), unix.MNT_DETACH)
		}, []string{"EPERM"}, nobody},
		{"write to /dev/null", func() error { return os.WriteFile("/dev/null", []byte("x"), 0) },
			[]string{"ok"}, nobody},
		{"write to /dev/full", func() error { return os.WriteFile("/dev/full", []byte("x"), 0) },
			[]string{"ENOSPC"}, nobody},
		{"read /dev/zero", reading("/dev/zero"), []string{"ok"}, nobody},
		{"read /dev/urandom", reading("/dev/urandom"), []string{"ok"}, nobody},
		{"open a pseudo-terminal", openTerminal, []string{"ok"}, nobody},
		{"keep the user id", havingUID, []string{"ok"}, nobody},
	}, withoutCapabilities),

	"landlock-jail": {
		{"read a file to read", reading(""), []string{"ok"}, nobody},
		{"write to a file to read", writing("readable/file"), []string{"EACCES"}, everybody},
		{"truncate a file to read", func() error {
			return unix.Truncate(inDirectory("readable/file"), 0)
		}, []string{"EACCES"}, everybody},
		{"create a file beside it", creating("readable/new"), []string{"EACCES"}, everybody},
		{"read a file outside", opening("%s/host/file", unix.O_RDONLY, directoryVariable),
			[]string{"EACCES"}, everybody},
		{"write to a file outside", writing("host/file"), []string{"EACCES"}, everybody},
		{"list a directory outside", listing("host"), []string{"EACCES"}, everybody},
		{"create a file outside", creating("host/new"), []string{"EACCES"}, everybody},
		{"remove a file outside", func() error { return unix.Unlink(inDirectory("host/removed")) },
			[]string{"EACCES"}, everybody},
		{"link a file from outside", func() error {
			return unix.Link(inDirectory("host/file"), "link")
		}, []string{"EACCES", "EXDEV"}, everybody},
		{"move a file to outside", moveOut, []string{"EACCES", "EXDEV"}, everybody},
		{"execute a file outside", executing("host/program"), []string{"EACCES"}, everybody},
		{"write and execute a file inside", writeAndExecute("work/program"), []string{"EACCES"},
			everybody},
		{"make a device node", func() error {
			return unix.Mknod("device", unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3)))
		}, []string{"EACCES", "EPERM"}, rootOnly},
		{"write, truncate and remove a file", workInside, []string{"ok"}, nobody},
		{"make and list directories, rename between them", directoriesInside, []string{"ok"}, nobody},
		{"make a symbolic link, a FIFO and a socket", specialFilesInside, []string{"ok"}, nobody},
		{"execute a program of the host", func() error {
			return exec.Command("/bin/sh", "-c", "exit 0").Run()
		}, []string{"ok"}, nobody},
		{"write to /dev/null", func() error { return os.WriteFile("/dev/null", []byte("x"), 0) },
			[]string{"ok"}, nobody},
		{"read /dev/zero", reading("/dev/zero"), []string{"ok"}, nobody},
		{"connect to a TCP port", dialing("tcp", tcpVariable), []string{"EACCES"}, everybody},
		{"serve on a TCP port", serving("tcp", "127.0.0.1:0"), []string{"EACCES"}, everybody},
		{"connect to an abstract socket outside", dialing("unix", abstractVariable), []string{"EPERM"},
			everybody},
		{"connect to an abstract socket inside", serving("unix", "@initscript-test-inside"),
			[]string{"ok"}, nobody},
		{"signal a process outside", func() error { return unix.Kill(hostPID(), 0) }, []string{"EPERM"},
			everybody},
		{"signal itself", func() error { return unix.Kill(os.Getpid(), 0) }, []string{"ok"}, nobody},
		{"read the memory of a process outside", readMemory, []string{"EPERM"}, nobody},
		{"give up no_new_privs", gainPrivileges, []string{"EINVAL"}, nobody},
		// What Landlock does not control.
		{"see a file outside", func() error { _, err := os.Stat(inDirectory("host/file")); return err },
			[]string{"ok"}, nobody},
		{"change permissions of a file outside",
			func() error { return unix.Chmod(inDirectory("host/file"), 0o666) }, []string{"ok"}, nobody},
		{"write to what is open already", func() error {
			_, err := unix.Write(3, []byte("x"))
			return err
		}, []string{"ok"}, nobody},
	},

	"drop-to-service-user": {
		{"have the user and group ids", serviceIDs, []string{"ok"}, everybody},
		{"have exactly one capability", capabilitiesAre("0000000000000400"), []string{"ok"}, everybody},
		{"have locked securebits", securebitsAre(0xef), []string{"ok"}, everybody},
		{"serve on a port below 1024", listeningBelow1024, []string{"ok"}, nobody},
		{"serve there by a child", listeningByChild, []string{"ok"}, nobody},
		{"read a file of root's", opening("%s/secret", unix.O_RDONLY, directoryVariable),
			[]string{"EACCES"}, everybody},
		{"give a file away", func() error { return unix.Chown(inDirectory("host/file"), 1, 1) },
			[]string{"EPERM"}, everybody},
		{"become root", func() error { return syscall.Setresuid(0, 0, 0) }, []string{"EPERM"},
			everybody},
		{"join root's group", func() error { return syscall.Setresgid(0, 0, 0) }, []string{"EPERM"},
			everybody},
		{"join more groups", func() error { return syscall.Setgroups([]int{0}) }, []string{"EPERM"},
			everybody},
		{"signal a process of root's", func() error { return unix.Kill(hostPID(), 0) },
			[]string{"EPERM"}, everybody},
		{"gain a capability", gainingCapability(unix.CAP_SETUID), []string{"EPERM"}, everybody},
		{"gain an inheritable capability", gainingInheritable(unix.CAP_SETUID), []string{"EPERM"},
			everybody},
		{"raise an ambient capability", raisingAmbient(unix.CAP_SETUID), []string{"EPERM"}, nobody},
		{"change securebits", func() error { return unix.Prctl(unix.PR_SET_SECUREBITS, 0, 0, 0, 0) },
			[]string{"EPERM"}, everybody},
		{"keep capabilities over a change of ids",
			func() error {
				return unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0)
			}, []string{"EPERM"}, everybody},
		{"give up no_new_privs", gainPrivileges, []string{"EINVAL"}, nobody},
		{"start in the directory", func() error { return workingIn("/") }, []string{"ok"}, everybody},
	},

	"child of service user": {{"listen", listeningBelow1024, nil, nobody}},

	"keys": {{"read a key of the host's session", readSessionKey, nil, nobody}},

	"chroot-with-devices": slices.Concat([]attempt{
		{"have the user and group ids", serviceIDs, []string{"ok"}, everybody},
		{"find nothing else in /", func() error {
			return containing("/", []string{"dev", "tmp", "usr"}, "bin", "sbin", "lib", "lib32",
				"lib64", "libx32")
		}, []string{"ok"}, everybody},
		{"find nothing else in /dev", func() error {
			return containing("/dev", []string{"full", "null", "random", "tty", "urandom", "zero"})
		}, []string{"ok"}, everybody},
		{"find nothing in /tmp", func() error { return containing("/tmp", nil) }, []string{"ok"},
			nobody},
		{"start in the root directory", func() error { return workingIn("/") }, []string{"ok"},
			everybody},
		{"reach a file of the host", opening("%s/host/file", unix.O_PATH, directoryVariable),
			[]string{"ENOENT"}, everybody},
		{"reach it over the parent of the root", opening("../../../..%s/host/file", unix.O_PATH,
			directoryVariable), []string{"ENOENT"}, nobody},
		{"have more open than stdio", moreOpenThanStdio, []string{"EBADF"}, nobody},
		{"create a file in /", func() error { return unix.Mkdir("/new", 0o755) }, []string{"EROFS"},
			nobody},
		{"create a file in /dev", func() error { return unix.Mkdir("/dev/new", 0o755) },
			[]string{"EROFS"}, nobody},
		{"create a file in /usr", func() error {
			return unix.Mkdir("/usr/share/initscript-test", 0o755)
		}, []string{"EROFS"}, nobody},
		{"create a file in /tmp", func() error { return unix.Mkdir("/tmp/initscript-test", 0o755) },
			[]string{"ok"}, nobody},
		{"write to /dev/null", func() error { return os.WriteFile("/dev/null", []byte("x"), 0) },
			[]string{"ok"}, nobody},
		{"write to /dev/full", func() error { return os.WriteFile("/dev/full", []byte("x"), 0) },
			[]string{"ENOSPC"}, nobody},
		{"read /dev/zero", reading("/dev/zero"), []string{"ok"}, nobody},
		{"read /dev/random", reading("/dev/random"), []string{"ok"}, nobody},
		{"read /dev/urandom", reading("/dev/urandom"), []string{"ok"}, nobody},
		{"change a device node", func() error { return unix.Chmod("/dev/null", 0o600) },
			[]string{"EROFS"}, nobody},
		{"make a device node", func() error {
			return unix.Mknod("/tmp/device", unix.S_IFBLK|0o600, int(unix.Mkdev(8, 0)))
		}, []string{"EPERM"}, nobody},
		{"change the root directory", func() error { return unix.Chroot("/tmp") }, []string{"EPERM"},
			nobody},
		{"mount a file system", func() error { return unix.Mount("tmpfs", "/tmp", "tmpfs", 0, "") },
			[]string{"EPERM"}, nobody},
		{"make a user namespace", makeUserNamespace, []string{"EPERM"}, everybody},
		{"signal a process of the host", func() error { return unix.Kill(hostPID(), 0) },
			[]string{"ESRCH"}, everybody},
		{"become root", func() error { return syscall.Setresuid(0, 0, 0) }, []string{"EPERM"},
			everybody},
		{"execute a program of the host", func() error {
			return exec.Command("/bin/sh", "-c", "exit 0").Run()
		}, []string{"ok"}, nobody},
		{"have no capabilities", havingNoCapabilities, []string{"ok"}, rootOnly},
	}, withoutCapabilities[1:]), // there is no /proc
}

// withoutCapabilities is what the recipes of any user have in common.
var withoutCapabilities = []attempt{
	{"have no capabilities", capabilitiesAre("0000000000000000"), []string{"ok"}, everybody},
	{"gain a capability", gainingCapability(unix.CAP_SYS_ADMIN), []string{"EPERM"}, rootOnly},
	{"raise an ambient capability", raisingAmbient(unix.CAP_SYS_ADMIN), []string{"EPERM"}, nobody},
	{"give up no_new_privs", gainPrivileges, []string{"EINVAL"}, nobody},
}

// Files.

// opening opens a path that is formatted with the values of variables.
func opening(format string, flags int, variables ...string) func() error {
	return func() error {
		var values []any
		for _, variable := range variables {
			values = append(values, os.Getenv(variable))
		}
		fd, err := unix.Open(fmt.Sprintf(strings.ReplaceAll(format, "%d", "%s"), values...),
			flags|unix.O_CLOEXEC, 0)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}
}

func writing(path string) func() error {
	return func() error {
		file, err := os.OpenFile(inDirectory(path), os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = file.WriteString("x")
		return err
	}
}

func creating(path string) func() error {
	return func() error { return os.WriteFile(inDirectory(path), nil, 0o644) }
}

func creatingSharedMemory() error {
	file, err := os.CreateTemp("/dev/shm", "initscript-test")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// reading reads some bytes of a file; by default, of the one that the jail is for.
func reading(path string) func() error {
	return func() error {
		if path == "" {
			path = inDirectory("readable/file")
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.ReadFull(file, make([]byte, 8))
		return err
	}
}

func listing(path string) func() error {
	return func() error { _, err := os.ReadDir(inDirectory(path)); return err }
}

func executing(path string) func() error {
	return func() error { return exec.Command(inDirectory(path)).Run() }
}

const scriptOfNothing = "#!/bin/sh\nexit 0\n"

func writeAndExecute(path string) func() error {
	return func() error {
		if err := os.WriteFile(inDirectory(path), []byte(scriptOfNothing), 0o755); err != nil {
			return err
		}
		return executing(path)()
	}
}

func workInside() error {
	if err := os.WriteFile("file", []byte("content"), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile("file", nil, 0o644); err != nil { // O_TRUNC
		return err
	}
	return errors.Join(unix.Truncate("file", 10), os.Remove("file"))
}

func directoriesInside() error {
	err := errors.Join(os.Mkdir("from", 0o755), os.Mkdir("to", 0o755),
		os.WriteFile("from/file", nil, 0o644),
		os.Rename("from/file", "to/file"), os.Link("to/file", "from/file"))
	_, listErr := os.ReadDir("to")
	return errors.Join(err, listErr, os.Remove("to/file"), os.Remove("to"))
}

func specialFilesInside() error {
	socket, err := net.Listen("unix", "socket")
	if err == nil {
		socket.Close()
	}
	return errors.Join(err, os.Symlink("file", "symlink"), unix.Mkfifo("fifo", 0o644))
}

func moveOut() error {
	if err := os.WriteFile("moved", nil, 0o644); err != nil {
		return err
	}
	return unix.Rename("moved", inDirectory("host/moved"))
}

// makeWritable makes the mount that the file is on writable, and opens it for writing.
func makeWritable(path string) error {
	// Other flags are locked in a mount that came from another user namespace.
	var root unix.Statfs_t
	if err := unix.Statfs("/", &root); err != nil {
		return fmt.Errorf("statfs: %w", err)
	}
	kept := uintptr(root.Flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME |
		unix.MS_NODIRATIME)
	if err := unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|kept, ""); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	return opening(path, unix.O_WRONLY)()
}

// makeWritableNested does it with a capability, which is to be had in a user namespace.
func makeWritableNested() error {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{nestedVariable + "=" + inDirectory("host/file")}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN},
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return syscall.Errno(exit.ExitCode())
	}
	return err
}

func containing(directory string, required []string, optional ...string) error {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if i := slices.Index(required, entry.Name()); i >= 0 {
			required = slices.Delete(slices.Clone(required), i, i+1)
		} else if !slices.Contains(optional, entry.Name()) {
			return fmt.Errorf("%s is in %s", entry.Name(), directory)
		}
	}
	if len(required) > 0 {
		return fmt.Errorf("%q are not in %s", required, directory)
	}
	return nil
}

func workingIn(directory string) error {
	if got, err := os.Getwd(); err != nil || got != directory {
		return fmt.Errorf("working in %q, %w", got, err)
	}
	return nil
}

// openTerminal finds out the terminal's number and opens it by its name.
func openTerminal() error {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer master.Close()
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		return err
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return err
	}
	return opening(fmt.Sprintf("/dev/pts/%d", number), unix.O_RDWR|unix.O_NOCTTY)()
}

// moreOpenThanStdio asks about every number that the test and the recipe may have used. Those of
// the Go runtime itself are known by what they are.
func moreOpenThanStdio() error {
	for fd := 3; fd < 100; fd++ {
		var stat unix.Stat_t
		if err := unix.Fstat(fd, &stat); err == nil && stat.Mode&unix.S_IFMT != 0 {
			return fmt.Errorf("descriptor %d is open: mode %o, device %d:%d, inode %d", fd, stat.Mode,
				unix.Major(stat.Dev), unix.Minor(stat.Dev), stat.Ino)
		}
	}
	return unix.EBADF
}

// Processes and rights.

func havingUID() error {
	if want := os.Getenv(uidVariable); fmt.Sprint(os.Getuid(), os.Geteuid()) != want+" "+want {
		return fmt.Errorf("uid %d", os.Geteuid())
	}
	return nil
}

const serviceID = 65534 // of the recipes

func serviceIDs() error {
	groups, err := os.Getgroups()
	if err != nil {
		return err
	}
	for _, ids := range [][3]int{resuid(), resgid()} {
		if ids != [3]int{serviceID, serviceID, serviceID} {
			return fmt.Errorf("ids %v", ids)
		}
	}
	if len(groups) > 0 {
		return fmt.Errorf("groups %v", groups)
	}
	return nil
}

func resuid() [3]int { r, e, s := unix.Getresuid(); return [3]int{r, e, s} }
func resgid() [3]int { r, e, s := unix.Getresgid(); return [3]int{r, e, s} }

// capabilitiesAre looks at all sets of all kinds.
func capabilitiesAre(set string) func() error {
	return func() error {
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			return err
		}
		for _, name := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
			if got := testkit.StatusField(string(status), name); got != set {
				return fmt.Errorf("%s %s", name, got)
			}
		}
		return nil
	}
}

// havingNoCapabilities looks at the sets without /proc.
func havingNoCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	if data != [2]unix.CapUserData{} {
		return fmt.Errorf("capabilities %+v", data)
	}
	for capability := uintptr(0); ; capability++ {
		bound, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, capability, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) { // the kernel has no more
			return nil
		}
		if err != nil || bound != 0 {
			return fmt.Errorf("capability %d is in the bounding set, %w", capability, err)
		}
	}
}

func securebitsAre(want int) func() error {
	return func() error {
		got, err := unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0)
		if err == nil && got != want {
			err = fmt.Errorf("securebits %#x", got)
		}
		return err
	}
}

// changingCapabilities changes the sets of the calling thread and puts them back.
func changingCapabilities(change func(*unix.CapUserData)) func() error {
	return func() error {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var old [2]unix.CapUserData
		if err := unix.Capget(&header, &old[0]); err != nil {
			return err
		}
		changed := old
		change(&changed[0])
		if err := unix.Capset(&header, &changed[0]); err != nil {
			return err
		}
		return unix.Capset(&header, &old[0])
	}
}

func gainingCapability(capability int) func() error {
	return changingCapabilities(func(data *unix.CapUserData) {
		data.Permitted |= 1 << capability
		data.Effective |= 1 << capability
	})
}

func gainingInheritable(capability int) func() error {
	return changingCapabilities(func(data *unix.CapUserData) { data.Inheritable |= 1 << capability })
}

func raisingAmbient(capability uintptr) func() error {
	return func() error {
		return unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, capability, 0, 0)
	}
}

// gainPrivileges ends with EINVAL; it is an error if they could be gained as it is.
func gainPrivileges() error {
	if set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err != nil || set != 1 {
		return fmt.Errorf("no_new_privs is %d, %w", set, err)
	}
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0)
}

func makeUserNamespace() error {
	cmd := exec.Command("/bin/sh", "-c", "exit 0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	return cmd.Run()
}

func readMemory() error {
	buffer := make([]byte, 1)
	local := []unix.Iovec{{Base: &buffer[0]}}
	local[0].SetLen(1)
	remote := []unix.RemoteIovec{{Base: uintptr(unsafe.Pointer(&buffer[0])), Len: 1}}
	_, err := unix.ProcessVMReadv(hostPID(), local, remote, 0)
	return err
}

// The network.

func dialing(network, variable string) func() error {
	return func() error {
		connection, err := net.Dial(network, os.Getenv(variable))
		if err == nil {
			connection.Close()
		}
		return err
	}
}

// connectingTo begins to connect and does not wait for the end.
func connectingTo(address [4]byte) func() error {
	return func() error {
		socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC,
			0)
		if err != nil {
			return err
		}
		defer unix.Close(socket)
		return unix.Connect(socket, &unix.SockaddrInet4{Port: 9, Addr: address})
	}
}

// serving listens and connects to itself.
func serving(network, address string) func() error {
	return func() error {
		listener, err := net.Listen(network, address)
		if err != nil {
			return err
		}
		defer listener.Close()
		connection, err := net.Dial(network, listener.Addr().String())
		if err == nil {
			connection.Close()
		}
		return err
	}
}

func servingSamePort() error { return serving("tcp", os.Getenv(tcpVariable))() }

// readSessionKey reads the key of withHostKey.
func readSessionKey() error {
	key, err := unix.KeyctlSearch(unix.KEY_SPEC_SESSION_KEYRING, "user", hostKey, 0)
	if err == nil {
		_, err = unix.KeyctlBuffer(unix.KEYCTL_READ, key, make([]byte, 64), 0)
	}
	return err
}

// listeningBelow1024 does not connect: there is no network.
func listeningBelow1024() error {
	listener, err := net.Listen("tcp4", "0.0.0.0:80")
	if err == nil {
		listener.Close()
	}
	return err
}

// listeningByChild has a child of this program do that.
func listeningByChild() error {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{probeVariable + "=child of service user"}
	out, err := cmd.Output()
	if err == nil && string(out) != `{"listen":"ok"}`+"\n" {
		err = fmt.Errorf("the child said %q", out)
	}
	return err
}

func sendingDatagram() error {
	connection, err := net.Dial("udp", os.Getenv(tcpVariable))
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = connection.Write([]byte("x"))
	return err
}

// enteringNetwork enters the namespace that the test has passed.
func enteringNetwork() error { return unix.Setns(3, unix.CLONE_NEWNET) }

// settingLoopback sets the interface's flags. Without a recipe that is what it has already.
func settingLoopback(flags uint16) func() error {
	return func() error {
		socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(socket)
		request, err := unix.NewIfreq("lo")
		if err != nil {
			return err
		}
		request.SetUint16(flags)
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(socket), unix.SIOCSIFFLAGS,
			uintptr(unsafe.Pointer(request)))
		if errno != 0 {
			return errno
		}
		return nil
	}
}
