//go:build linux

package hint

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/go-initscript/initscript/internal/machine"
	"golang.org/x/sys/unix"
)

// Reason is why something is refused, and what helps.
type Reason struct {
	Why, Fix string
}

// String returns both in one line; "" for the zero Reason.
func (r Reason) String() string {
	if r.Fix == "" {
		return r.Why
	}
	return r.Why + ": " + r.Fix
}

// namespaces are the kinds in the order of initscript.Namespaces.
var namespaces = []struct {
	flag  uint32
	name  string
	file  string // in /proc/self/ns
	limit string // the sysctl below user. with the number that one user may make
}{
	{unix.CLONE_NEWUSER, "user", "user", "max_user_namespaces"},
	{unix.CLONE_NEWNS, "mount", "mnt", "max_mnt_namespaces"},
	{unix.CLONE_NEWPID, "pid", "pid", "max_pid_namespaces"},
	{unix.CLONE_NEWNET, "net", "net", "max_net_namespaces"},
	{unix.CLONE_NEWUTS, "uts", "uts", "max_uts_namespaces"},
	{unix.CLONE_NEWIPC, "ipc", "ipc", "max_ipc_namespaces"},
	{unix.CLONE_NEWCGROUP, "cgroup", "cgroup", "max_cgroup_namespaces"},
	{unix.CLONE_NEWTIME, "time", "time", "max_time_namespaces"},
}

func allNamespaces() (flags uint32) {
	for _, n := range namespaces {
		flags |= n.flag
	}
	return flags
}

// namesOf lists the kinds that are in the flags.
func namesOf(flags uint32) string {
	var names []string
	for _, n := range namespaces {
		if flags&n.flag != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ",")
}

// NamespacesRefused returns why the kernel did not create the namespaces of these CLONE_NEW* flags for
// the calling thread; the zero Reason if the facts do not show it.
func NamespacesRefused(flags uint32, err error) Reason {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EUSERS):
		return namespaceLimit(flags)
	case errors.Is(err, unix.EINVAL):
		return namespaceUnknown(flags)
	case errors.Is(err, unix.EAGAIN):
		return tooManyProcesses()
	case !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES):
		return Reason{}
	case flags&unix.CLONE_NEWUSER != 0:
		return userNamespaceRefused()
	case machine.ReadStatus().Lacks(unix.CAP_SYS_ADMIN):
		return withoutCapability(flags)
	}
	return seccompRefused("new namespaces")
}

func withoutCapability(flags uint32) Reason {
	fix := "make a user namespace too (NewUser, --ns user), which gives it inside"
	if machine.ReadStatus().SeccompFilter() {
		fix += "; a container's default profile refuses that as well (docker: --security-opt " +
			"seccomp=unconfined, " +
			"or --cap-add SYS_ADMIN)"
	}
	return Reason{"namespaces of kind " + namesOf(flags) + " need CAP_SYS_ADMIN", fix}
}

func namespaceLimit(flags uint32) Reason {
	for _, n := range namespaces {
		name := "user." + n.limit
		if flags&n.flag == 0 {
			continue
		}
		if limit, known := machine.Sysctl(name); known && limit == 0 {
			return Reason{name + " is 0", "sysctl -w " + name + "=10000, as root"}
		}
	}
	return Reason{
		"likely a limit is reached: user.max_*_namespaces, here or in a user namespace further " +
			"out, or 32 nested ones",
		"let namespaces end, or raise the limit as root of that namespace",
	}
}

func namespaceUnknown(flags uint32) Reason {
	for _, n := range namespaces {
		if flags&n.flag != 0 && !machine.HasNamespace(n.file) {
			return Reason{"this kernel has no " + n.name + " namespaces", "leave it out, or use a " +
				"kernel with it"}
		}
	}
	return Reason{}
}

// userNamespaceRefused is about EPERM and EACCES.
func userNamespaceRefused() Reason {
	status := machine.ReadStatus()
	if on, known := machine.Sysctl("kernel.unprivileged_userns_clone"); known && on == 0 &&
		status.Lacks(unix.CAP_SYS_ADMIN) {
		return Reason{
			"kernel.unprivileged_userns_clone is 0: only root may make user namespaces",
			"sysctl -w kernel.unprivileged_userns_clone=1, as root",
		}
	}
	if on, known := machine.Sysctl("kernel.apparmor_restrict_unprivileged_userns"); known && on != 0 &&
		status.Lacks(unix.CAP_SYS_ADMIN) {
		return Reason{
			"likely AppArmor: kernel.apparmor_restrict_unprivileged_userns is 1",
			"give the program an AppArmor profile with the rule \"userns,\", or set the sysctl to " +
				"0, as root",
		}
	}
	if r := unmappedUser(); r != (Reason{}) {
		return r
	}
	if isChrooted() {
		return Reason{
			"this process runs in a chroot, where the kernel allows no user namespaces",
			"enter the directory by pivot_root(2) in a mount namespace instead of chroot(2)",
		}
	}
	return seccompRefused("user namespaces")
}

// unmappedUser finds a process whose ids do not exist in its own user namespace.
func unmappedUser() Reason {
	for file, id := range map[string]int{"uid_map": os.Geteuid(), "gid_map": os.Getegid()} {
		if _, readable := machine.Read("/proc/self/" + file); readable &&
			!machine.Maps(machine.ReadIDMap(file), int64(id), 1) {
			return Reason{
				fmt.Sprintf("the ids of this process are not mapped in its own user namespace (%s)",
					file),
				"write its id maps first",
			}
		}
	}
	return Reason{}
}

// isChrooted reports whether the root directory is certainly that of a chroot: no mount.
func isChrooted() bool {
	const mountRoot = 0x2000 // STATX_ATTR_MOUNT_ROOT, Linux 5.8
	var root unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, "/", 0, 0, &root)
	return err == nil && root.Attributes_mask&mountRoot != 0 && root.Attributes&mountRoot == 0
}

// seccompRefused is the last guess.
func seccompRefused(what string) Reason {
	if !machine.ReadStatus().SeccompFilter() {
		return Reason{}
	}
	return Reason{
		"likely the seccomp filter of this process, such as a container's default profile, " +
			"refuses " + what,
		"run the container with a profile that allows clone, unshare, setns, mount, umount2 and " +
			"pivot_root" +
			" (docker: --security-opt seccomp=unconfined, or --privileged)",
	}
}

func tooManyProcesses() Reason {
	var limit unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_NPROC, &limit)
	text := fmt.Sprintf("RLIMIT_NPROC (%d for user %d)", limit.Cur, os.Getuid())
	if limit.Cur == unix.RLIM_INFINITY {
		text = "RLIMIT_NPROC"
	}
	return Reason{
		"likely the limit of processes is reached: " + text + " or pids.max of the cgroup",
		"raise it, or let processes end",
	}
}

// StartRefused returns why this program could not start a copy of itself.
func StartRefused(err error) Reason {
	level, known := machine.Sysctl("vm.memfd_noexec")
	switch {
	case errors.Is(err, unix.EAGAIN):
		return tooManyProcesses()
	case errors.Is(err, unix.EMFILE):
		return Reason{"this process has as many descriptors as RLIMIT_NOFILE allows",
			"close some, or raise the limit"}
	case errors.Is(err, unix.ETOOMANYREFS):
		return Reason{
			"processes of the same user have more descriptors under way in sockets than " +
				"RLIMIT_NOFILE allows here",
			"end them; give each box ids of its own, or a hard limit RLIMIT_NOFILE of less than " +
				"half the " +
				"soft limit of this process",
		}
	case errors.Is(err, unix.EACCES) && known && level >= 2:
		return Reason{
			"vm.memfd_noexec is 2: no memfd can be executed, and the fork server is one",
			"sysctl -w vm.memfd_noexec=1, as root of this PID namespace",
		}
	}
	return Reason{}
}

// LandlockMissing returns why [machine.Landlock] has failed.
func LandlockMissing(err error) Reason {
	switch {
	case err == nil:
		return Reason{}
	case errors.Is(err, unix.EOPNOTSUPP):
		return Reason{"not enabled when the kernel booted", "add landlock to the list in the " +
			"kernel parameter lsm="}
	case errors.Is(err, unix.ENOSYS) && machine.ReadStatus().SeccompFilter():
		return Reason{Why: "not in this kernel, or hidden by the seccomp filter of this process"}
	case errors.Is(err, unix.ENOSYS):
		return Reason{"not in this kernel", "use Linux 5.13 or newer with CONFIG_SECURITY_LANDLOCK"}
	}
	return Reason{Why: err.Error()}
}
