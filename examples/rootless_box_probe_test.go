package examples_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

const (
	probeMarker        = "INITSCRIPT_TEST_PROBE"
	hostFileVariable   = "INITSCRIPT_TEST_HOST_FILE"
	hostTCPVariable    = "INITSCRIPT_TEST_HOST_TCP"
	hostSocketVariable = "INITSCRIPT_TEST_HOST_SOCKET"
)

// TestMain lets this program be what some tests run in a box, or the host of one.
func TestMain(m *testing.M) {
	var err error
	switch {
	case os.Getenv(probeMarker) != "":
		err = probe(os.Stdout)
	case os.Getenv(submountMarker) != "":
		err = beHostWithSubmounts(os.Getenv(submountMarker))
	case os.Getenv(keyMarker) != "":
		err = probeKeys(os.Getenv(keyMarker))
	case os.Getenv(terminalMarker) != "":
		err = beHostInTerminal()
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// An attempt is something that a program tries in the box. It must do no harm where the box does
// not hold: these tests run as root too.
type attempt struct {
	name string
	try  func() error
	want []string // "ok" or the names of errno values or signals, any of which will do
}

var attempts = []attempt{
	// Files.
	{"create a file in /", creatingIn("/"), []string{"EROFS"}},
	{"create a file in /usr", creatingIn("/usr"), []string{"EROFS"}},
	{"create a file in /etc", creatingIn("/etc"), []string{"EROFS"}},
	{"create a file in /dev", creatingIn("/dev"), []string{"EROFS"}},
	{"overwrite /etc/passwd", opening("/etc/passwd", unix.O_WRONLY), []string{"EROFS", "EACCES"}},
	{"rename a program", func() error { return unix.Rename("/usr/bin/env", "/usr/bin/env") },
		[]string{"EROFS"}},
	{"change a device node", func() error { return unix.Chmod("/dev/null", 0o666) }, []string{"EROFS"}},
	{"change a kernel setting", opening("/proc/sys/kernel/core_pattern", unix.O_WRONLY),
		[]string{"EROFS", "EACCES"}},
	{"reach a file of the host", openingVariable(hostFileVariable, ""), []string{"ENOENT"}},
	{"reach it through PID 1", openingVariable(hostFileVariable, "/proc/1/root"),
		[]string{"ENOENT", "EACCES"}},
	{"reach it through the parent of the root", openingVariable(hostFileVariable, "/.."),
		[]string{"ENOENT"}},
	{"reach /home", opening("/home", unix.O_PATH), []string{"ENOENT"}},
	{"reach /root", opening("/root", unix.O_PATH), []string{"ENOENT"}},
	{"reach /sys", opening("/sys", unix.O_PATH), []string{"ENOENT"}},
	{"reach /run", opening("/run", unix.O_PATH), []string{"ENOENT"}},
	{"read /etc/passwd", opening("/etc/passwd", unix.O_RDONLY), []string{"ok"}},
	{"create a file in /tmp", creatingIn("/tmp"), []string{"ok"}},
	{"create a file in /dev/shm", creatingIn("/dev/shm"), []string{"ok"}},
	{"write and execute a file in /tmp", writeAndExecute, []string{"ok"}},

	// Devices.
	{"write to /dev/null", writing("/dev/null"), []string{"ok"}},
	{"write to /dev/full", writing("/dev/full"), []string{"ENOSPC"}},
	{"read /dev/zero", reading("/dev/zero"), []string{"ok"}},
	{"read /dev/random", reading("/dev/random"), []string{"ok"}},
	{"read /dev/urandom", reading("/dev/urandom"), []string{"ok"}},
	{"open /dev/fd/1", opening("/dev/fd/1", unix.O_WRONLY), []string{"ok"}},
	{"open /dev/stdout", opening("/dev/stdout", unix.O_WRONLY), []string{"ok"}},
	{"open a pseudo-terminal", opening("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY), []string{"ok"}},
	{"make a device node", makeNode, []string{"EPERM"}},

	// Mounts and namespaces.
	{"mount a tmpfs", func() error { return unix.Mount("tmpfs", "/tmp", "tmpfs", 0, "") },
		[]string{"EPERM"}},
	{"make /usr writable", func() error {
		return unix.Mount("", "/usr", "", unix.MS_REMOUNT|unix.MS_BIND, "")
	}, []string{"EPERM"}},
	{"unmount /proc", func() error { return unix.Unmount("/proc", unix.MNT_DETACH) }, []string{"EPERM"}},
	{"make a mount namespace", func() error { return unix.Unshare(unix.CLONE_NEWNS) },
		[]string{"EPERM"}},
	{"make a user namespace", makeUserNamespace, []string{"ENOSPC"}},
	{"enter a namespace", enterNamespace, []string{"EPERM"}},
	{"change the root directory", func() error { return unix.Chroot("/tmp") }, []string{"EPERM"}},
	{"set the host name", setHostName, []string{"EPERM"}},

	// Rights.
	{"gain a capability", gainCapability, []string{"EPERM"}},
	{"raise an ambient capability", func() error {
		return unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, unix.CAP_CHOWN, 0, 0)
	}, []string{"EPERM"}},
	{"take no_new_privs back", func() error {
		return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0)
	}, []string{"EINVAL"}},
	{"become another user", func() error { return unix.Setresuid(1, 1, 1) },
		[]string{"EINVAL", "EPERM"}},

	// The network.
	{"connect to a TCP port of the host", dialing("tcp", hostTCPVariable), []string{"ENETUNREACH"}},
	{"connect to an abstract socket of the host", dialing("unix", hostSocketVariable),
		[]string{"ECONNREFUSED"}},

	// Keys. A filter around the box may refuse them, too.
	{"have a session keyring", func() error {
		_, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
		return err
	}, []string{"ENOSYS", "EPERM"}},
	{"add a key", func() error {
		_, err := unix.AddKey("user", "x", []byte("x"), unix.KEY_SPEC_PROCESS_KEYRING)
		return err
	}, []string{"ENOSYS", "EPERM"}},
	{"request a key", func() error { _, err := unix.RequestKey("user", "x", "", 0); return err },
		[]string{"ENOSYS", "EPERM"}},

	// The terminal. Where there is none, a request that reaches the kernel ends with ENOTTY.
	{"type into the terminal", requesting(unix.SYS_IOCTL, unix.TIOCSTI), []string{"EPERM"}},
	{"type with other high bits", requesting(unix.SYS_IOCTL, unix.TIOCSTI|1<<32), []string{"EPERM"}},
	{"type through the x32 ABI", requesting(unix.SYS_IOCTL|0x40000000, unix.TIOCSTI),
		[]string{"ENOSYS"}},
	{"use the 32-bit ABI", run32BitProgram, []string{"SIGSYS", "ENOEXEC"}},
	{"paste into the console", requesting(unix.SYS_IOCTL, tioclinux), []string{"EPERM"}},
	{"ask for the size of the terminal", requesting(unix.SYS_IOCTL, unix.TIOCGWINSZ),
		[]string{"ENOTTY"}},
}

const tioclinux = 0x541c // ioctl_console(2)

func opening(path string, flags int) func() error {
	return func() error {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}
}

func openingVariable(variable, prefix string) func() error {
	return func() error { return opening(prefix+os.Getenv(variable), unix.O_PATH)() }
}

// creatingIn makes a file without a name, which is gone when it is closed.
func creatingIn(directory string) func() error {
	return opening(directory, unix.O_TMPFILE|unix.O_WRONLY)
}

func writing(path string) func() error {
	return func() error {
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = file.WriteString("x")
		return err
	}
}

func reading(path string) func() error {
	return func() error {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.ReadFull(file, make([]byte, 16))
		return err
	}
}

func writeAndExecute() error { return runProgram([]byte("#!/bin/sh\nexit 0\n")) }

func runProgram(content []byte) error {
	file, err := os.CreateTemp("/tmp", "initscript-test-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(content)
	if err := errors.Join(err, file.Chmod(0o700), file.Close()); err != nil {
		return err
	}
	return exec.Command(file.Name()).Run()
}

// run32BitProgram runs one for the i386, which exits at once.
func run32BitProgram() error {
	code := []byte{
		0xb8, 1, 0, 0, 0, // mov eax, SYS_exit
		0x31, 0xdb, // xor ebx, ebx
		0xcd, 0x80, // int 0x80
	}
	header := elf.Header32{
		Ident: [elf.EI_NIDENT]byte{
			0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS32), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT),
		},
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_386), Version: uint32(elf.EV_CURRENT),
		Phnum: 1,
	}
	var segment elf.Prog32
	header.Ehsize, header.Phentsize = uint16(binary.Size(header)), uint16(binary.Size(segment))
	start := uint32(header.Ehsize + header.Phentsize)
	const address = 0x400000
	header.Phoff, header.Entry = uint32(header.Ehsize), address+start
	segment = elf.Prog32{
		Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: address, Align: 0x1000,
		Filesz: start + uint32(len(code)), Memsz: start + uint32(len(code)),
	}
	var program bytes.Buffer
	for _, part := range []any{header, segment, code} {
		if err := binary.Write(&program, binary.LittleEndian, part); err != nil {
			return err
		}
	}
	return runProgram(program.Bytes())
}

func makeNode() error {
	path := fmt.Sprintf("/tmp/initscript-test-node-%d", os.Getpid())
	defer os.Remove(path)
	return unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3)))
}

// setHostName sets the one that there is.
func setHostName() error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	return unix.Sethostname([]byte(name))
}

func makeUserNamespace() error {
	cmd := exec.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	return cmd.Run()
}

func enterNamespace() error {
	fd, err := unix.Open("/proc/self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Setns(fd, unix.CLONE_NEWNET)
}

func gainCapability() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	sets := [2]unix.CapUserData{{
		Permitted: 1 << unix.CAP_SYS_ADMIN, Effective: 1 << unix.CAP_SYS_ADMIN,
	}}
	return unix.Capset(&header, &sets[0])
}

func dialing(network, variable string) func() error {
	return func() error {
		connection, err := net.Dial(network, os.Getenv(variable))
		if err == nil {
			connection.Close()
		}
		return err
	}
}

func requesting(ioctl, request uintptr) func() error {
	return func() error {
		null, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		defer null.Close()
		var argument [64]byte
		_, _, errno := unix.Syscall(ioctl, null.Fd(), request, uintptr(unsafe.Pointer(&argument)))
		if errno != 0 {
			return errno
		}
		return nil
	}
}

// probeReport is what the program in the box tells the test.
type probeReport struct {
	Outcomes map[string]string
	Facts    probeFacts
}

// probeFacts is what the program sees.
type probeFacts struct {
	HostName       string
	Directory      string
	IDs            []int
	Processes      []int
	Interfaces     []string
	Status         map[string]string // of the program
	StatusOfPID1   map[string]string
	Root, Devices  []string // directories
	WritableMounts []string
}

// probe makes all attempts. It collects the facts first, as long as nothing has changed them.
func probe(out io.Writer) error {
	facts, err := collectFacts()
	if err != nil {
		return err
	}
	report := probeReport{make(map[string]string), facts}
	for _, attempt := range attempts {
		report.Outcomes[attempt.name] = outcome(attempt.try())
	}
	return json.NewEncoder(out).Encode(report)
}

func outcome(err error) string {
	var errno syscall.Errno
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled():
		return unix.SignalName(exit.Sys().(syscall.WaitStatus).Signal())
	default:
		return err.Error()
	}
}

func collectFacts() (probeFacts, error) {
	facts := probeFacts{
		IDs: []int{os.Getuid(), os.Geteuid(), os.Getgid(), os.Getegid()},
	}
	var err error
	if facts.HostName, err = os.Hostname(); err != nil {
		return facts, err
	}
	if facts.Directory, err = os.Getwd(); err != nil {
		return facts, err
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return facts, err
	}
	for _, i := range interfaces {
		facts.Interfaces = append(facts.Interfaces, i.Name+":"+i.Flags.String())
	}
	if facts.Root, err = listDirectory("/"); err != nil {
		return facts, err
	}
	if facts.Devices, err = listDirectory("/dev"); err != nil {
		return facts, err
	}
	processes, err := listDirectory("/proc")
	if err != nil {
		return facts, err
	}
	for _, name := range processes {
		if pid, err := strconv.Atoi(name); err == nil {
			facts.Processes = append(facts.Processes, pid)
		}
	}
	if facts.Status, err = readStatus("/proc/self/status"); err != nil {
		return facts, err
	}
	if facts.StatusOfPID1, err = readStatus("/proc/1/status"); err != nil {
		return facts, err
	}
	mounts, err := mountinfo.GetMounts(nil)
	for _, mount := range mounts {
		if strings.HasPrefix(mount.Options, "rw") {
			facts.WritableMounts = append(facts.WritableMounts, mount.Mountpoint)
		}
	}
	return facts, err
}

func readStatus(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	fields := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		fields[key] = strings.TrimSpace(value)
	}
	return fields, err
}

func listDirectory(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names, err
}
