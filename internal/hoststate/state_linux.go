package hoststate

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"github.com/go-initscript/initscript/internal/procfs"
	"golang.org/x/sys/unix"
)

// State is all that a child inherits from the thread that starts it, apart from descriptors
// and the working directory, and that can be seen without changing it. The fork server has what its
// host had when it was started, so it may serve a start only while the two are equal. What cannot be
// seen is the caller's to announce: initscript.RenewServer, which lists it.
//
// What execve(2) resets is not here (dumpable, keepcaps, CPUID faulting, shadow stacks, tagged
// addresses), nor what a server shares with its host (the nice value of an autogroup, the
// attribute "child subreaper", which reaches descendants when it is set).
type State struct {
	status     string    // the lines of /proc/thread-self/status that statusKeys names
	process    string    // what Files tell
	links      string    // of namespaceFiles
	root       [3]uint64 // device, inode, mount: differs after chroot and in another mount namespace
	scheduling unix.SchedAttr
	memory     memoryPolicy
	labels     string // of security modules
	calls      [len(stateCalls)]int64
	cookie     uint64 // of core scheduling
	tsc        uint32 // PR_TSC_*
	absent     absence
}

var statusKeys = []string{
	"Umask", "Uid", "Gid", "Groups", "NSpgid", "NSsid",
	"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
	"NoNewPrivs", "Seccomp", "Seccomp_filters",
	"Speculation_Store_Bypass", "SpeculationIndirectBranch",
	"Cpus_allowed", "Mems_allowed",
}

// namespaceFiles leaves out those that a Go process cannot change (user) and that show in root (mnt).
var namespaceFiles = [...]string{
	"/proc/thread-self/ns/net", "/proc/thread-self/ns/ipc", "/proc/thread-self/ns/uts",
	"/proc/thread-self/ns/pid_for_children", "/proc/thread-self/ns/time_for_children",
	"/proc/thread-self/ns/cgroup",
}

// stateCalls tell of one attribute each by what they return.
var stateCalls = [...]struct{ number, first, second uintptr }{
	{unix.SYS_PERSONALITY, 0xffffffff, 0},
	{unix.SYS_IOPRIO_GET, ioprioWhoProcess, 0},
	{unix.SYS_PRCTL, unix.PR_GET_SECUREBITS, 0},
	{unix.SYS_PRCTL, unix.PR_GET_TIMERSLACK, 0},
	{unix.SYS_PRCTL, unix.PR_GET_MDWE, 0},
	{unix.SYS_PRCTL, unix.PR_GET_THP_DISABLE, 0},
	{unix.SYS_PRCTL, unix.PR_GET_MEMORY_MERGE, 0},
	{unix.SYS_PRCTL, unix.PR_MCE_KILL_GET, 0},
	{unix.SYS_PRCTL, unix.PR_GET_IO_FLUSHER, 0},
	{unix.SYS_PRCTL, unix.PR_GET_SPECULATION_CTRL, unix.PR_SPEC_L1D_FLUSH},
	{unix.SYS_PRCTL, unix.PR_SVE_GET_VL, 0}, // arm64, like the next
	{unix.SYS_PRCTL, unix.PR_SME_GET_VL, 0},
}

const ioprioWhoProcess = 1

// memoryPolicy is what get_mempolicy(2) returns; the kernel knows up to 1024 nodes.
type memoryPolicy struct {
	mode  int32
	nodes [1024 / 64]uint64
}

// absence has a bit for each of the calls that this kernel does not know, or does not allow to a thread
// with these credentials and seccomp filters. They would fail again as long as the status is the same.
type absence uint32

const (
	absentCookie absence = 1 << (len(stateCalls) + iota)
	absentTSC
	absentMemoryPolicy
	absentLabel     // of the thread, like the next
	absentExecLabel // that the next execve(2) gives
)

func isAbsence(errno unix.Errno) bool {
	switch errno {
	case unix.ENOSYS: // the kernel has no such call, or a filter says so
	case unix.EINVAL: // the kernel has no such operation of prctl
	case unix.EOPNOTSUPP: // no security module has such labels
	case unix.EPERM: // a capability is missing, or a filter forbids the call
	default:
		return false
	}
	return true
}

const (
	lsmAttrCurrent = 100 // LSM_ATTR_CURRENT
	lsmAttrExec    = 101 // LSM_ATTR_EXEC
)

// Files are files in /proc that tell of the whole process. They stay open, because that leaves one
// of three system calls for each. They belong to one server: a descriptor that some other code has
// closed, and that leads to another file meanwhile, does not outlive the first comparison that fails.
type Files struct {
	mu  sync.RWMutex // held for writing by Close
	fds [len(fileNames)]int
}

var fileNames = [...]struct {
	name     string
	optional bool // not in every kernel
	part     func([]byte) []byte
}{
	{name: "limits"},
	{name: "oom_score_adj"},
	{name: "coredump_filter", optional: true},
	{name: "cgroup", optional: true},
	{name: "stat", part: terminalOfStat},
}

func open() (*Files, error) {
	f := new(Files)
	for i := range f.fds {
		f.fds[i] = -1
	}
	for i, file := range fileNames {
		path := "/proc/self/" + file.name
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == unix.ENOENT && file.optional {
			continue
		}
		if err != nil {
			f.Close()
			return nil, &os.PathError{Op: "open", Path: path, Err: err}
		}
		f.fds[i] = fd
	}
	return f, nil
}

func (f *Files) Close() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, fd := range f.fds {
		if fd >= 0 {
			unix.Close(fd)
		}
		f.fds[i] = closedFile
	}
}

const closedFile = -2

// stateBuffer is where a state is put together.
type stateBuffer struct {
	file [16384]byte
	text []byte
}

var stateBuffers = sync.Pool{New: func() any { return &stateBuffer{text: make([]byte, 0, 4096)} }}

// Read reads the state of the calling thread. Calls that were absent in a previous state, whose
// status was the same, are not made. What could not be read in full is an error: a state that is
// known in part only must not pass for known.
func (f *Files) Read(previous *State) (State, error) {
	if f == nil { // they could not be opened
		return State{}, os.ErrInvalid
	}
	b := stateBuffers.Get().(*stateBuffer)
	defer stateBuffers.Put(b)

	if previous == nil {
		previous = new(State)
	}
	var s State
	status, err := procfs.ReadFile("/proc/thread-self/status", b.file[:])
	if err != nil {
		return s, err
	}
	b.text = selectLines(b.text[:0], status)
	s.status = b.string(previous.status)
	if s.status == previous.status {
		s.absent = previous.absent
	}
	if err := f.readFiles(b); err != nil {
		return s, err
	}
	s.process = b.string(previous.process)
	if s.root, err = b.readNamespaces(); err != nil {
		return s, err
	}
	s.links = b.string(previous.links)
	if err := s.readScheduling(); err != nil {
		return s, err
	}
	s.readCalls()
	s.readStored()
	s.readLabels(b)
	s.labels = b.string(previous.labels)
	return s, nil
}

// string returns the text, without a new allocation if it is what it was before.
func (b *stateBuffer) string(before string) string {
	if string(b.text) == before {
		return before
	}
	return string(b.text)
}

func (f *Files) readFiles(b *stateBuffer) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	b.text = b.text[:0]
	for i, file := range fileNames {
		if f.fds[i] == closedFile {
			return os.ErrClosed
		}
		if f.fds[i] < 0 {
			continue
		}
		content, err := procfs.ReadOnce(f.fds[i], b.file[:])
		if err != nil {
			return &os.PathError{Op: "read", Path: "/proc/self/" + file.name, Err: err}
		}
		if file.part != nil {
			content = file.part(content)
		}
		b.text = append(append(b.text, content...), 0)
	}
	return nil
}

// terminalOfStat returns the device number of the controlling terminal: see proc_pid_stat(5).
func terminalOfStat(stat []byte) []byte {
	after := stat[bytes.LastIndexByte(stat, ')')+1:] // the name may contain anything
	fields := bytes.Fields(after)
	const terminal = 4 // after state, parent, process group and session
	if len(fields) <= terminal {
		return stat // equals nothing
	}
	return fields[terminal]
}

// readNamespaces returns the root directory, whose mount tells of the mount namespace.
func (b *stateBuffer) readNamespaces() (root [3]uint64, err error) {
	var x unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, "/", 0, unix.STATX_INO|unix.STATX_MNT_ID, &x); err != nil {
		return root, os.NewSyscallError("statx", err)
	}
	b.text = b.text[:0]
	for _, path := range namespaceFiles {
		if err := b.appendNamespace(path); err != nil {
			return root, err
		}
	}
	if x.Mask&unix.STATX_MNT_ID == 0 { // before Linux 5.8
		if err := b.appendNamespace("/proc/thread-self/ns/mnt"); err != nil {
			return root, err
		}
	}
	return [3]uint64{unix.Mkdev(x.Dev_major, x.Dev_minor), x.Ino, x.Mnt_id}, nil
}

func (b *stateBuffer) appendNamespace(path string) error {
	n, err := unix.Readlink(path, b.file[:])
	if err != nil && err != unix.ENOENT { // a kernel without this kind
		return &os.PathError{Op: "readlink", Path: path, Err: err}
	}
	b.text = append(append(b.text, b.file[:max(n, 0)]...), 0)
	return nil
}

// readScheduling reads policy, nice value, priority, their reset on fork, deadline, and utilization.
func (s *State) readScheduling() error {
	_, _, errno := unix.RawSyscall6(unix.SYS_SCHED_GETATTR, 0, uintptr(unsafe.Pointer(&s.scheduling)),
		unix.SizeofSchedAttr, 0, 0, 0)
	if errno == 0 {
		return nil
	}
	// ENOSYS or EPERM: a seccomp filter that does not know the call. These are older.
	nice, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return os.NewSyscallError("getpriority", err)
	}
	policy, _, errno := unix.RawSyscall(unix.SYS_SCHED_GETSCHEDULER, 0, 0, 0)
	if errno != 0 {
		return os.NewSyscallError("sched_getscheduler", errno)
	}
	s.scheduling = unix.SchedAttr{Policy: uint32(policy), Nice: int32(nice)}
	return nil
}

// result returns what the field is to hold, and notes calls that need not be made again.
func (s *State) result(bit absence, value uintptr, errno unix.Errno) int64 {
	if errno == 0 {
		return int64(value)
	}
	if isAbsence(errno) {
		s.absent |= bit
		return 0
	}
	return -int64(errno)
}

func (s *State) readCalls() {
	for i, call := range stateCalls {
		bit := absence(1) << i
		if s.absent&bit != 0 {
			continue
		}
		value, _, errno := unix.RawSyscall6(call.number, call.first, call.second, 0, 0, 0, 0)
		if call.second == unix.PR_SPEC_L1D_FLUSH && value == unix.PR_SPEC_FORCE_DISABLE {
			errno = unix.EOPNOTSUPP // the machine was booted without it
		}
		s.calls[i] = s.result(bit, value, errno)
	}
}

// readStored makes the calls that store what they tell.
func (s *State) readStored() {
	if s.absent&absentCookie == 0 {
		_, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_SCHED_CORE, unix.PR_SCHED_CORE_GET, 0,
			unix.PR_SCHED_CORE_SCOPE_THREAD, uintptr(unsafe.Pointer(&s.cookie)), 0)
		// ENODEV: no processor has two threads now, and there is no cookie
		s.result(absentCookie, 0, errno)
	}
	if s.absent&absentTSC == 0 {
		_, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_GET_TSC,
			uintptr(unsafe.Pointer(&s.tsc)), 0, 0, 0, 0)
		s.result(absentTSC, 0, errno)
	}
	if s.absent&absentMemoryPolicy == 0 {
		_, _, errno := unix.RawSyscall6(unix.SYS_GET_MEMPOLICY, uintptr(unsafe.Pointer(&s.memory.mode)),
			uintptr(unsafe.Pointer(&s.memory.nodes)), uintptr(len(s.memory.nodes)*64), 0, 0, 0)
		s.result(absentMemoryPolicy, 0, errno)
	}
}

// readLabels reads what AppArmor, SELinux and Smack confine the thread by, from Linux 6.8 on.
func (s *State) readLabels(b *stateBuffer) {
	b.text = b.text[:0]
	for i, bit := range [...]absence{absentLabel, absentExecLabel} {
		b.text = append(b.text, 0)
		if s.absent&bit != 0 {
			continue
		}
		size := uint32(len(b.file))
		_, _, errno := unix.RawSyscall6(unix.SYS_LSM_GET_SELF_ATTR, lsmAttrCurrent+uintptr(i),
			uintptr(unsafe.Pointer(&b.file)), uintptr(unsafe.Pointer(&size)), 0, 0, 0)
		if result := s.result(bit, 0, errno); result != 0 { // none is set
			b.text = fmt.Append(b.text, result)
		} else if errno == 0 {
			b.text = append(b.text, b.file[:min(int(size), len(b.file))]...)
		}
	}
}

func selectLines(selected, status []byte) []byte {
	for line := range bytes.Lines(status) {
		key, _, _ := bytes.Cut(line, []byte(":"))
		for _, wanted := range statusKeys {
			if string(key) == wanted {
				selected = append(selected, line...)
				break
			}
		}
	}
	return selected
}
