package hints_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/internal/machine"
	"github.com/go-initscript/initscript/internal/testkit"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// A machineCase is a refusal by a machine that allows less than this one: the test makes that of a
// subprocess in namespaces of its own.
type machineCase struct {
	name    string
	needs   func(*testing.T)
	prepare func(*testing.T)
	ns      initscript.Namespaces
	mapped  bool
	uidMap  []initscript.IDMap
	script  string
	error   string
	hint    string
	noIDs   bool // the subprocess has no ids in its user namespace, and no other namespaces
}

var machineCases = []machineCase{
	{name: "no namespace of this kind allowed", ns: initscript.NewUser | initscript.NewNet, mapped: true,
		prepare: func(t *testing.T) { writeFile(t, "/proc/sys/user/max_user_namespaces", "0") },
		error:   `create namespaces user,net: no space left on device (ENOSPC)`,
		hint:    `user.max_user_namespaces is 0: sysctl -w user.max_user_namespaces=10000, as root`},
	{name: "too many namespaces", ns: initscript.NewUser | initscript.NewNet,
		prepare: func(t *testing.T) {
			testkit.Must(t, unix.Mount("/proc/sys/fs", "/proc/sys/user", "", unix.MS_BIND, ""))
			refuseSystemCalls(t, unix.CLONE_NEWUSER, unix.ENOSPC, unix.SYS_UNSHARE)
		},
		error: `create namespaces user,net: no space left on device (ENOSPC)`,
		hint: `likely a limit is reached: user.max_*_namespaces, here or in a user namespace further ` +
			`out, or 32 nested ones: let namespaces end, or raise the limit as root of that namespace`},
	{name: "without capability", ns: initscript.NewNet | initscript.NewUTS,
		prepare: dropCapabilities,
		error:   `create namespaces net,uts: operation not permitted (EPERM)`,
		hint: `namespaces of kind net,uts need CAP_SYS_ADMIN: make a user namespace too (NewUser, ` +
			`--ns user), which gives it inside`},
	{name: "Debian's switch", ns: initscript.NewUser, mapped: true,
		prepare: func(t *testing.T) {
			fakeSysctls(t, map[string]string{"unprivileged_userns_clone": "0"})
			dropCapabilities(t)
			refuseSystemCalls(t, unix.CLONE_NEWUSER, unix.EPERM, unix.SYS_UNSHARE, unix.SYS_CLONE)
		},
		error: `create namespaces user: operation not permitted (EPERM)`,
		hint: `kernel.unprivileged_userns_clone is 0: only root may make user namespaces: sysctl -w ` +
			`kernel.unprivileged_userns_clone=1, as root`},
	{name: "AppArmor's switch", ns: initscript.NewUser, mapped: true,
		prepare: func(t *testing.T) {
			fakeSysctls(t, map[string]string{"apparmor_restrict_unprivileged_userns": "1"})
			dropCapabilities(t)
			refuseSystemCalls(t, unix.CLONE_NEWUSER, unix.EACCES, unix.SYS_UNSHARE, unix.SYS_CLONE)
		},
		error: `create namespaces user: permission denied (EACCES)`,
		hint: `likely AppArmor: kernel.apparmor_restrict_unprivileged_userns is 1: give the program ` +
			`an AppArmor profile with the rule "userns,", or set the sysctl to 0, as root`},
	{name: "AppArmor's switch, later", ns: initscript.NewUser | initscript.NewMount,
		script: `C.mount("x", "/mnt", "tmpfs", 0, nil)`,
		prepare: func(t *testing.T) {
			fakeSysctls(t, map[string]string{"apparmor_restrict_unprivileged_userns": "1"})
			dropCapabilities(t)
			refuseSystemCalls(t, 0, unix.EACCES, unix.SYS_MOUNT)
		},
		error: `init.script:1: mount("x", "/mnt", "tmpfs", 0): permission denied (EACCES)`,
		hint: `likely AppArmor: kernel.apparmor_restrict_unprivileged_userns is 1, so user ` +
			`namespaces of ordinary users give no capabilities: give the program an AppArmor profile ` +
			`with the rule "userns,", or set the sysctl to 0, as root`},
	{name: "ids that are not mapped", ns: initscript.NewUser, noIDs: true,
		error: `create namespaces user: operation not permitted (EPERM)`,
		hint: `the ids of this process are not mapped in its own user namespace (…id_map): write its ` +
			`id maps first`},
	{name: "chroot", ns: initscript.NewUser, prepare: enterChroot,
		error: `create namespaces user: operation not permitted (EPERM)`,
		hint: `this process runs in a chroot, where the kernel allows no user namespaces: enter the ` +
			`directory by pivot_root(2) in a mount namespace instead of chroot(2)`},
	{name: "kind that is not there", ns: initscript.NewUser | initscript.NewTime,
		prepare: func(t *testing.T) {
			testkit.Must(t, unix.Mount("x", "/proc/self/ns", "tmpfs", 0, ""))
			writeFile(t, "/proc/self/ns/user", "")
			refuseSystemCalls(t, unix.CLONE_NEWTIME, unix.EINVAL, unix.SYS_UNSHARE)
		},
		error: `create namespaces user,time: invalid argument (EINVAL)`,
		hint:  `this kernel has no time namespaces: leave it out, or use a kernel with it`},
	{name: "container's profile and root", ns: initscript.NewUTS,
		prepare: func(t *testing.T) {
			refuseSystemCalls(t, unix.CLONE_NEWUTS, unix.EPERM, unix.SYS_UNSHARE)
		},
		error: `create namespaces uts: operation not permitted (EPERM)`,
		hint: `likely the seccomp filter of this process, such as a container's default profile, ` +
			`refuses new namespaces: run the container with a profile that allows clone, unshare, ` +
			`setns, mount, umount2 and pivot_root (docker: --security-opt seccomp=unconfined, or ` +
			`--privileged)`},
	{name: "container without privileges", ns: initscript.NewUTS,
		prepare: func(t *testing.T) {
			dropCapabilities(t)
			refuseSystemCalls(t, unix.CLONE_NEWUTS, unix.EPERM, unix.SYS_UNSHARE)
		},
		error: `create namespaces uts: operation not permitted (EPERM)`,
		hint: `namespaces of kind uts need CAP_SYS_ADMIN: make a user namespace too (NewUser, --ns ` +
			`user), which gives it inside; a container's default profile refuses that as well ` +
			`(docker: --security-opt seccomp=unconfined, or --cap-add SYS_ADMIN)`},
	{name: "container's profile", ns: initscript.NewUser, mapped: true,
		prepare: func(t *testing.T) {
			refuseSystemCalls(t, unix.CLONE_NEWUSER, unix.EPERM, unix.SYS_UNSHARE, unix.SYS_CLONE)
		},
		error: `create namespaces user: operation not permitted (EPERM)`,
		hint: `likely the seccomp filter of this process, such as a container's default profile, ` +
			`refuses user namespaces: run the container with a profile that allows clone, unshare, ` +
			`setns, mount, umount2 and pivot_root (docker: --security-opt seccomp=unconfined, or ` +
			`--privileged)`},
	{name: "container's profile and mount", ns: initscript.NewUser | initscript.NewMount, mapped: true,
		script:  `C.mount("x", "/mnt", "tmpfs", 0, nil)`,
		prepare: func(t *testing.T) { refuseSystemCalls(t, 0, unix.EPERM, unix.SYS_MOUNT) },
		error:   `init.script:1: mount("x", "/mnt", "tmpfs", 0): operation not permitted (EPERM)`,
		hint: `likely the seccomp filter of the calling process, such as a container's default ` +
			`profile, refuses mount: run the container with a profile that allows it (docker: ` +
			`--security-opt seccomp=unconfined, or --privileged)`},
	{name: "kernel without Landlock", script: `C.landlock_create_ruleset({handled_access_fs = ` +
		`{"execute"}})`,
		prepare: func(t *testing.T) {
			refuseSystemCalls(t, 0, unix.ENOSYS,
				unix.SYS_LANDLOCK_CREATE_RULESET)
		},
		error: `init.script:1: landlock_create_ruleset((table)): function not implemented (ENOSYS): ` +
			`the kernel does not have it, or a seccomp filter hides it`,
		hint: `this kernel has no Landlock (Linux 5.13, CONFIG_SECURITY_LANDLOCK), or the seccomp ` +
			`filter of the calling process hides it`},
	{name: "Landlock off", script: `C.landlock_create_ruleset({handled_access_fs = {"execute"}})`,
		prepare: func(t *testing.T) {
			refuseSystemCalls(t, 0, unix.EOPNOTSUPP,
				unix.SYS_LANDLOCK_CREATE_RULESET)
		},
		error: `init.script:1: landlock_create_ruleset((table)): operation not supported (ENOTSUP)`,
		hint: `Landlock was not enabled when the kernel booted: add landlock to the list in the ` +
			`kernel parameter lsm=`},
	{name: "masked proc", ns: initscript.NewUser | initscript.NewMount | initscript.NewPID, mapped: true,
		script:  `C.mount("proc", "/proc", "proc", 0, nil)`,
		prepare: maskProc,
		error:   `init.script:1: mount("proc", "/proc", "proc", 0): operation not permitted (EPERM)`,
		hint: `a new proc would show what is hidden in the present one (…/proc/version…), as in a ` +
			`container: bind-mount /proc instead, or run the container with an unmasked /proc ` +
			`(docker: --security-opt systempaths=unconfined)`},
	{name: "no proc", ns: initscript.NewUser | initscript.NewMount | initscript.NewPID,
		script: `C.mount("proc", "/mnt", "proc", 0, nil)`,
		prepare: func(t *testing.T) {
			testkit.Must(t, testkit.Command(t, "").Run()) // this program is opened through /proc
			hideOtherProcs(t)
			testkit.Must(t, unix.Mount("x", "/proc", "tmpfs", 0, ""))
		},
		error: `init.script:1: mount("proc", "/mnt", "proc", 0): operation not permitted (EPERM)`,
		hint: `there is no proc that shows everything in this mount namespace, and without one none ` +
			`can be mounted in a user namespace: mount /proc outside first`},
	{name: "masked proc and another namespace entered",
		ns:     initscript.NewUser | initscript.NewMount | initscript.NewPID | initscript.NewNet,
		mapped: true,
		script: `C.setns(C.open("/proc/self/ns/net", C.O_RDONLY), 0) C.mount("proc", "/proc", ` +
			`"proc", 0, nil)`,
		prepare: maskProc,
		error:   `init.script:1: mount("proc", "/proc", "proc", 0): operation not permitted (EPERM)`,
		hint: `a new proc would show what is hidden in the present one (…/proc/version…), as in a ` +
			`container: bind-mount /proc instead, or run the container with an unmasked /proc ` +
			`(docker: --security-opt systempaths=unconfined)`},
	{name: "proc and another owner entered",
		ns: initscript.NewUser | initscript.NewMount | initscript.NewPID, mapped: true,
		script: `C.setns(C.open("/proc/self/ns/pid", C.O_RDONLY), 0) C.mount("proc", "/proc", ` +
			`"proc", 0, nil)`,
		prepare: maskProc,
		error:   `init.script:1: mount("proc", "/proc", "proc", 0): operation not permitted (EPERM)`},
	{name: "locked flags", ns: initscript.NewUser | initscript.NewMount, mapped: true,
		script: `C.mount(nil, "/mnt", nil, bit.bor(C.MS_BIND, C.MS_REMOUNT, C.MS_RDONLY), nil)`,
		prepare: func(t *testing.T) {
			testkit.Must(t, unix.Mount("x", "/mnt", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, ""))
		},
		error: `init.script:1: mount(nil, "/mnt", nil, 4129): operation not permitted (EPERM)`,
		hint: `the mount comes from a more privileged namespace, which has locked its flags: keep ` +
			`them, add C.MS_NOSUID, C.MS_NODEV`},
	{name: "mount by an ordinary user", script: `C.mount("x", "/mnt", "tmpfs", 0, nil)`,
		prepare: dropCapabilities,
		error:   `init.script:1: mount("x", "/mnt", "tmpfs", 0): operation not permitted (EPERM)`,
		hint: `CAP_SYS_ADMIN is needed: run the script as root, or in a user and a mount namespace ` +
			`of its own (NewUser|NewMount, --ns user,mount)`},
	{name: "mount without capability in a container", script: `C.mount("x", "/mnt", "tmpfs", 0, nil)`,
		prepare: func(t *testing.T) {
			dropCapabilities(t)
			refuseSystemCalls(t, 0, unix.EPERM, unix.SYS_MOUNT)
		},
		error: `init.script:1: mount("x", "/mnt", "tmpfs", 0): operation not permitted (EPERM)`,
		hint: `CAP_SYS_ADMIN is needed: run the script as root, or in a user and a mount namespace ` +
			`of its own (NewUser|NewMount, --ns user,mount); a container's default profile gives ` +
			`neither (docker: --cap-add SYS_ADMIN, or --security-opt seccomp=unconfined)`},
	{name: "unshare by an ordinary user", script: `C.unshare(C.CLONE_NEWNS)`,
		prepare: dropCapabilities,
		error:   `init.script:1: unshare(131072): operation not permitted (EPERM)`,
		hint: `CAP_SYS_ADMIN is needed: make a user namespace too (C.CLONE_NEWUSER, NewUser, --ns ` +
			`user), which gives it inside`},
	{name: "more than the own id", ns: initscript.NewUser,
		uidMap:  []initscript.IDMap{{ContainerID: 0, HostID: 0, Size: 2}},
		prepare: dropCapabilities,
		error:   `write uid_map "0 0 2": operation not permitted (EPERM)`,
		hint: `without CAP_SETUID a process can map one user id only, its own (0): for more have ` +
			`newuidmap(1) write the map, from ranges in /etc/subuid (…)`},
	{name: "ids that are not there", ns: initscript.NewUser,
		uidMap: []initscript.IDMap{{ContainerID: 0, HostID: 100, Size: 2}},
		error:  `write uid_map "0 100 2": operation not permitted (EPERM)`,
		hint: `the user ids 100 to 101 do not all exist in the user namespace of this process, ` +
			`which has 0 to 0`},
	{name: "ranges that overlap", ns: initscript.NewUser,
		uidMap: []initscript.IDMap{{ContainerID: 0, HostID: 0, Size: 2},
			{ContainerID: 1, HostID: 7, Size: 1}},
		error: `write uid_map "0 0 2\n1 7 1": invalid argument (EINVAL)`,
		hint:  `the ranges 0 and 1 overlap`},
	{name: "range without ids", ns: initscript.NewUser,
		uidMap: []initscript.IDMap{{ContainerID: 0, HostID: 0, Size: 0}},
		error:  `write uid_map "0 0 0": invalid argument (EINVAL)`,
		hint:   `range 0 has no ids (Size 0)`},
	{name: "ids beyond the last", ns: initscript.NewUser,
		uidMap: []initscript.IDMap{{ContainerID: 1<<32 - 2, HostID: 0, Size: 4}},
		error:  `write uid_map "4294967294 0 4": invalid argument (EINVAL)`,
		hint:   `range 0 leaves the ids that there are (0 to 4294967294)`},
	{name: "too many ranges", ns: initscript.NewUser, uidMap: manyRanges(341),
		error: `write uid_map "0 0 1\n1 1 1\n…": invalid argument (EINVAL)`,
		hint:  `341 ranges; the kernel takes 340`},
	{name: "user id 0 without capability", ns: initscript.NewUser, mapped: true,
		needs: requireFileCapabilityForRoot,
		prepare: func(t *testing.T) {
			set := cap.GetProc()
			testkit.Must(t, set.SetFlag(cap.Effective, false, cap.SETFCAP))
			testkit.Must(t, set.SetProc())
		},
		error: `write uid_map "0 0 1": operation not permitted (EPERM)`,
		hint:  `mapping user id 0 needs CAP_SETFCAP since Linux 5.12`},
	{name: "no executable memfd", needs: testkit.RequireRoot,
		prepare: func(t *testing.T) {
			if _, err := os.Stat("/proc/sys/vm/memfd_noexec"); err != nil {
				testkit.Skip(t, err.Error())
			}
			testkit.Must(t, unix.Mount("proc", "/proc", "proc", 0, ""))
			writeFile(t, "/proc/sys/vm/memfd_noexec", "2")
		},
		error: `start fork server: memfd_create: permission denied`,
		hint: `vm.memfd_noexec is 2: no memfd can be executed, and the fork server is one: sysctl -w ` +
			`vm.memfd_noexec=1, as root of this PID namespace`},
	{name: "no process left", needs: requireOrdinaryUser,
		prepare: func(t *testing.T) {
			dropCapabilities(t)
			testkit.Must(t, syscall.Setrlimit(unix.RLIMIT_NPROC, &syscall.Rlimit{Cur: 1, Max: 1}))
		},
		error: `start fork server: execute this program: execveat: resource temporarily unavailable`,
		hint: `likely the limit of processes is reached: RLIMIT_NPROC (1 for user 0) or pids.max of ` +
			`the cgroup: raise it, or let processes end`},
	{name: "no descriptor left",
		prepare: func(t *testing.T) {
			testkit.Must(t, testkit.Command(t, "").Run())
			testkit.Must(t, syscall.Setrlimit(unix.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: 64}))
		},
		error: `set up child: plan: too many open files (EMFILE)`,
		hint: `this process has as many descriptors as RLIMIT_NOFILE allows: close some, or raise ` +
			`the limit`},
}

// insideAttr has a subprocess start as root of namespaces of its own.
func insideAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
}

func TestHintsOfMachine(t *testing.T) {
	for _, test := range machineCases {
		t.Run(test.name, func(t *testing.T) {
			if os.Getenv(testkit.SubprocessMarker) == "" {
				if test.needs != nil {
					test.needs(t)
				}
				testkit.RequireUserNamespaces(t)
			}
			attr := insideAttr()
			if test.noIDs {
				attr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}
			}
			if !testkit.RunInSubprocess(t, attr) {
				return
			}
			if !test.noIDs {
				requireInside(t)
				testkit.Must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
				testkit.Must(t, unix.Mount("proc", "/proc", "proc", 0, ""))
			}
			if test.prepare != nil {
				test.prepare(t)
			}
			cmd := testkit.Command(t, test.script)
			if test.mapped {
				testkit.InUserNamespace(0)(cmd)
			}
			cmd.Namespaces = test.ns
			if test.uidMap != nil {
				cmd.UIDMap = test.uidMap
			}
			checkHint(t, cmd.Run(), test.error, test.hint)
		})
	}
}

// requireInside makes sure that what follows changes this machine for nobody else.
func requireInside(t *testing.T) {
	t.Helper()
	ids := machine.ReadIDMap("uid_map")
	if os.Getpid() != 1 || len(ids) != 1 || ids[0].Count != 1 {
		t.Fatalf("not in namespaces of its own: process %d, user ids %v", os.Getpid(), ids)
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	testkit.Must(t, os.WriteFile(path, []byte(content), 0o644))
}

// fakeSysctls shows files in /proc/sys/kernel that this kernel may not have.
func fakeSysctls(t *testing.T, values map[string]string) {
	t.Helper()
	testkit.Must(t, unix.Mount("x", "/proc/sys/kernel", "tmpfs", 0, ""))
	for name, value := range values {
		writeFile(t, filepath.Join("/proc/sys/kernel", name), value+"\n")
	}
}

// hideOtherProcs covers what debootstrap, for one, leaves mounted: with one complete proc anywhere the
// kernel allows more.
func hideOtherProcs(t *testing.T) {
	t.Helper()
	for _, m := range machine.ReadMounts() {
		if m.FSType != "proc" || m.Mountpoint == "/proc" {
			continue
		}
		if err := unix.Mount("x", m.Mountpoint, "tmpfs", 0, ""); err != nil {
			testkit.Skip(t, "another proc is mounted at "+m.Mountpoint+": "+err.Error())
		}
	}
}

// enterChroot makes a directory that shows the host the root, as a chroot.
func enterChroot(t *testing.T) {
	t.Helper()
	testkit.Must(t, unix.Mount("x", "/mnt", "tmpfs", 0, ""))
	const root = "/mnt/root"
	testkit.Must(t, os.Mkdir(root, 0o755))
	entries, err := os.ReadDir("/")
	testkit.Must(t, err)
	for _, entry := range entries {
		target := filepath.Join(root, entry.Name())
		switch {
		case entry.Type()&os.ModeSymlink != 0:
			link, err := os.Readlink("/" + entry.Name())
			testkit.Must(t, err)
			testkit.Must(t, os.Symlink(link, target))
		case entry.IsDir() && entry.Name() != "mnt":
			testkit.Must(t, os.Mkdir(target, 0o755))
			testkit.Must(t, unix.Mount("/"+entry.Name(), target, "", unix.MS_BIND|unix.MS_REC, ""))
		}
	}
	testkit.Must(t, unix.Chroot(root))
	testkit.Must(t, os.Chdir("/"))
}

// manyRanges maps n ids to themselves, one by one.
func manyRanges(n int) []initscript.IDMap {
	ranges := make([]initscript.IDMap, n)
	for i := range ranges {
		ranges[i] = initscript.IDMap{ContainerID: i, HostID: i, Size: 1}
	}
	return ranges
}

// requireFileCapabilityForRoot skips where the kernel lets everybody map user id 0.
func requireFileCapabilityForRoot(t *testing.T) {
	t.Helper()
	var name unix.Utsname
	testkit.Must(t, unix.Uname(&name))
	release := unix.ByteSliceToString(name.Release[:])
	version, err := definitions.ParseVersion(strings.Join(strings.SplitN(release, ".", 3)[:2], "."))
	testkit.Must(t, err)
	if version.Less(definitions.Version{Major: 5, Minor: 12}) {
		t.Skip("needs Linux 5.12, this is " + release)
	}
}

func dropCapabilities(t *testing.T) {
	t.Helper()
	testkit.Must(t, unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) // for the filter of this thread
	testkit.Must(t, (cap.SecbitNoRoot | cap.SecbitNoRootLocked).Set())
	testkit.Must(t, cap.NewSet().SetProc())
}

// refuseSystemCalls installs a filter on every thread that has calls fail whose first argument has one
// of the bits, or any call if there are none.
func refuseSystemCalls(t *testing.T, bits uint32, errno unix.Errno, calls ...uint32) {
	t.Helper()
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}}
	for i, call := range calls {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K,
			Jt: uint8(len(calls) - i), K: call})
	}
	test := unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, Jf: 1, K: bits}
	if bits == 0 {
		test = unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, Jf: 1}
	}
	filter = append(filter,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: testkit.FirstArgument},
		test,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	testkit.Must(t, unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if e != 0 {
		t.Fatalf("seccomp: %v", e)
	}
}

// Hint finds the hint behind wrapped errors, and says nothing of others.
func TestHint(t *testing.T) {
	script := &initscript.ScriptError{Hint: "x"}
	for err, want := range map[error]string{
		errors.Join(errors.New("y"), script):   "x",
		&initscript.NamespaceError{Hint: "n"}:  "n",
		&initscript.IDMapError{Hint: "i"}:      "i",
		&initscript.ExecError{Hint: "e"}:       "e",
		&initscript.SetupError{Hint: "s"}:      "s",
		&initscript.ServerError{Hint: "v"}:     "v",
		&initscript.FieldError{Field: "Env"}:   "",
		os.NewSyscallError("open", unix.EPERM): "",
	} {
		if got := initscript.Hint(err); got != want {
			t.Errorf("%v: %s", err, strconv.Quote(got))
		}
	}
	if initscript.Hint(nil) != "" {
		t.Error("no error has a hint")
	}
}

// maskProc hides a file of the only proc, as container engines do.
func maskProc(t *testing.T) {
	hideOtherProcs(t)
	testkit.Must(t, unix.Mount("/dev/null", "/proc/version", "", unix.MS_BIND, ""))
}
