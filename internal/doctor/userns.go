//go:build linux

package doctor

import (
	"errors"
	"fmt"
	"os"
	"strings"

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

// namespaceLimits are the sysctls below user. with the number of namespaces that one user may make.
var namespaceLimits = map[string]string{
	"user": "max_user_namespaces", "mount": "max_mnt_namespaces", "pid": "max_pid_namespaces",
	"net": "max_net_namespaces", "uts": "max_uts_namespaces", "ipc": "max_ipc_namespaces",
	"cgroup": "max_cgroup_namespaces", "time": "max_time_namespaces",
}

// namespaceFiles are their names in /proc/self/ns where they differ.
var namespaceFiles = map[string]string{"mount": "mnt"}

// NamespacesRefused returns why the kernel did not create the namespaces of these kinds for the
// calling thread; the zero Reason if the facts do not show it.
func NamespacesRefused(kinds []string, err error) Reason {
	newUser := false
	for _, kind := range kinds {
		newUser = newUser || kind == "user"
	}
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EUSERS):
		return namespaceLimit(kinds)
	case errors.Is(err, unix.EINVAL):
		return namespaceUnknown(kinds)
	case errors.Is(err, unix.EAGAIN):
		return tooManyProcesses()
	case !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES):
		return Reason{}
	case newUser:
		return userNamespaceRefused()
	case ReadStatus().Lacks(unix.CAP_SYS_ADMIN):
		return withoutCapability(kinds)
	}
	return seccompRefused("new namespaces")
}

func withoutCapability(kinds []string) Reason {
	fix := "make a user namespace too (NewUser, --ns user), which gives it inside"
	if ReadStatus().SeccompFilter() {
		fix += "; a container's default profile refuses that as well (docker: --security-opt seccomp=unconfined, " +
			"or --cap-add SYS_ADMIN)"
	}
	return Reason{"namespaces of kind " + strings.Join(kinds, ",") + " need CAP_SYS_ADMIN", fix}
}

func namespaceLimit(kinds []string) Reason {
	for _, kind := range kinds {
		name := "user." + namespaceLimits[kind]
		if limit, known := Sysctl(name); known && limit == 0 {
			return Reason{name + " is 0", "sysctl -w " + name + "=10000, as root"}
		}
	}
	return Reason{
		"likely a limit is reached: user.max_*_namespaces, here or in a user namespace further out, or 32 nested ones",
		"let namespaces end, or raise the limit as root of that namespace",
	}
}

func namespaceUnknown(kinds []string) Reason {
	for _, kind := range kinds {
		file := kind
		if other := namespaceFiles[kind]; other != "" {
			file = other
		}
		if !HasNamespace(file) {
			return Reason{"this kernel has no " + kind + " namespaces", "leave it out, or use a kernel with it"}
		}
	}
	return Reason{}
}

// userNamespaceRefused is about EPERM and EACCES.
func userNamespaceRefused() Reason {
	status := ReadStatus()
	if on, known := Sysctl("kernel.unprivileged_userns_clone"); known && on == 0 && status.Lacks(unix.CAP_SYS_ADMIN) {
		return Reason{
			"kernel.unprivileged_userns_clone is 0: only root may make user namespaces",
			"sysctl -w kernel.unprivileged_userns_clone=1, as root",
		}
	}
	if on, known := Sysctl("kernel.apparmor_restrict_unprivileged_userns"); known && on != 0 && status.Lacks(unix.CAP_SYS_ADMIN) {
		return Reason{
			"likely AppArmor: kernel.apparmor_restrict_unprivileged_userns is 1",
			"give the program an AppArmor profile with the rule \"userns,\", or set the sysctl to 0, as root",
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
		if _, readable := Read("/proc/self/" + file); readable && !Maps(ReadIDMap(file), int64(id), 1) {
			return Reason{
				fmt.Sprintf("the ids of this process are not mapped in its own user namespace (%s)", file),
				"write its id maps first",
			}
		}
	}
	return Reason{}
}

// isChrooted tells whether the root directory is certainly that of a chroot: no mount.
func isChrooted() bool {
	const mountRoot = 0x2000 // STATX_ATTR_MOUNT_ROOT, Linux 5.8
	var root unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, "/", 0, 0, &root)
	return err == nil && root.Attributes_mask&mountRoot != 0 && root.Attributes&mountRoot == 0
}

// seccompRefused is the last guess.
func seccompRefused(what string) Reason {
	if !ReadStatus().SeccompFilter() {
		return Reason{}
	}
	return Reason{
		"likely the seccomp filter of this process, such as a container's default profile, refuses " + what,
		"run the container with a profile that allows clone, unshare, setns, mount, umount2 and pivot_root" +
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
	level, known := Sysctl("vm.memfd_noexec")
	switch {
	case errors.Is(err, unix.EAGAIN):
		return tooManyProcesses()
	case errors.Is(err, unix.EMFILE):
		return Reason{"this process has as many descriptors as RLIMIT_NOFILE allows", "close some, or raise the limit"}
	case errors.Is(err, unix.ETOOMANYREFS):
		return Reason{
			"processes of the same user have more descriptors under way in sockets than RLIMIT_NOFILE allows here",
			"end them; give each box ids of its own, or a hard limit RLIMIT_NOFILE of less than half the " +
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

// LandlockMissing returns why [Landlock] has failed.
func LandlockMissing(err error) Reason {
	switch {
	case err == nil:
		return Reason{}
	case errors.Is(err, unix.EOPNOTSUPP):
		return Reason{"not enabled when the kernel booted", "add landlock to the list in the kernel parameter lsm="}
	case errors.Is(err, unix.ENOSYS) && ReadStatus().SeccompFilter():
		return Reason{Why: "not in this kernel, or hidden by the seccomp filter of this process"}
	case errors.Is(err, unix.ENOSYS):
		return Reason{"not in this kernel", "use Linux 5.13 or newer with CONFIG_SECURITY_LANDLOCK"}
	}
	return Reason{Why: err.Error()}
}
