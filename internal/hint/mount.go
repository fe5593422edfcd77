//go:build linux

package hint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-initscript/initscript/internal/machine"
	"github.com/go-initscript/initscript/internal/wire"
	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// mountHint explains the calls that change mounts.
func (f *Failure) mountHint() string {
	if f.did(wire.NoteSeccomp) {
		return ""
	}
	switch {
	case f.Errno == unix.EPERM:
		return f.mountRefused()
	case f.Errno == unix.EACCES && f.appArmorRestricts():
		return appArmorHint
	case f.Name == "pivot_root":
		return f.pivotRootHint()
	case f.Name == "umount", f.Name == "umount2":
		return f.umountHint()
	case f.Name == "mount" && f.Errno == unix.EINVAL:
		return f.bindHint()
	}
	return ""
}

const appArmorHint = "likely AppArmor: kernel.apparmor_restrict_unprivileged_userns is 1, so user " +
	"namespaces of ordinary " +
	"users give no capabilities: give the program an AppArmor profile with the rule \"userns,\", " +
	"or set the sysctl to 0, as root"

func (f *Failure) appArmorRestricts() bool {
	on, known := machine.Sysctl("kernel.apparmor_restrict_unprivileged_userns")
	return known && on != 0 && f.Namespaces&unix.CLONE_NEWUSER != 0 &&
		machine.ReadStatus().Lacks(unix.CAP_SYS_ADMIN)
}

// mountRefused explains EPERM, in the order in which the kernel checks.
func (f *Failure) mountRefused() string {
	if line, did := f.droppedLine(); did && f.lacks(unix.CAP_SYS_ADMIN) {
		return fmt.Sprintf("CAP_SYS_ADMIN is needed, and the script has given it up %s: call %s "+
			"before that", line, f.Name)
	}
	if f.lacks(unix.CAP_SYS_ADMIN) {
		hint := "CAP_SYS_ADMIN is needed: run the script as root, or in a user and a mount " +
			"namespace of its own " +
			"(NewUser|NewMount, --ns user,mount)"
		if machine.ReadStatus().SeccompFilter() {
			hint += "; a container's default profile gives neither (docker: --cap-add SYS_ADMIN, " +
				"or --security-opt seccomp=unconfined)"
		}
		return hint
	}
	if f.did(wire.NoteSetns) {
		return ""
	}
	if f.inUserNamespace() && !f.isIn(unix.CLONE_NEWNS) {
		return "the mount namespace belongs to the user namespace outside: make a mount namespace " +
			"too (NewMount, --ns mount)"
	}
	if line, did := f.line(wire.NoteLandlock); did {
		return fmt.Sprintf("likely the Landlock ruleset in force since the call %s: one that "+
			"handles access to files forbids "+
			"every change of mounts; make them before", line)
	}
	if f.Name != "mount" {
		return f.seccompOutside()
	}
	const others = unix.MS_BIND | unix.MS_MOVE | unix.MS_SHARED | unix.MS_PRIVATE | unix.MS_SLAVE |
		unix.MS_UNBINDABLE
	switch flags := f.number(3); {
	case flags&unix.MS_REMOUNT != 0:
		return f.lockedFlagsHint(flags)
	case flags&others == 0:
		if hint := f.newMountHint(); hint != "" {
			return hint
		}
	}
	return f.seccompOutside()
}

// seccompOutside is about a filter that was there before the script.
func (f *Failure) seccompOutside() string {
	if f.appArmorRestricts() {
		return appArmorHint
	}
	if !machine.ReadStatus().SeccompFilter() {
		return ""
	}
	return "likely the seccomp filter of the calling process, such as a container's default " +
		"profile, refuses " + f.Name +
		": run the container with a profile that allows it (docker: --security-opt " +
		"seccomp=unconfined, or --privileged)"
}

// lockedFlags are the flags of a mount that a less privileged mount namespace cannot take away.
var lockedFlags = []struct {
	name   string
	statfs uint32
	mount  uint64
}{
	{"MS_RDONLY", unix.ST_RDONLY, unix.MS_RDONLY},
	{"MS_NOSUID", unix.ST_NOSUID, unix.MS_NOSUID},
	{"MS_NODEV", unix.ST_NODEV, unix.MS_NODEV},
	{"MS_NOEXEC", unix.ST_NOEXEC, unix.MS_NOEXEC},
	{"MS_NOATIME", unix.ST_NOATIME, unix.MS_NOATIME},
}

func (f *Failure) lockedFlagsHint(flags uint64) string {
	if !f.inUserNamespace() || len(f.paths) != 1 || f.paths[0].Error != 0 {
		return ""
	}
	var missing []string
	for _, flag := range lockedFlags {
		if f.paths[0].MountFlags&flag.statfs != 0 && flags&flag.mount == 0 {
			missing = append(missing, "C."+flag.name)
		}
	}
	switch {
	case flags&unix.MS_BIND == 0:
		return "a file system that was not mounted in this user namespace cannot be reconfigured: " +
			"change this mount only, with C.MS_BIND beside C.MS_REMOUNT"
	case len(missing) == 0:
		return ""
	}
	return "the mount comes from a more privileged namespace, which has locked its flags: keep " +
		"them, add " + strings.Join(missing, ", ")
}

// ownedBy are the file systems that show a namespace, and may be mounted by who owns that.
var ownedBy = map[string]uint32{
	"proc":    unix.CLONE_NEWPID,
	"sysfs":   unix.CLONE_NEWNET,
	"mqueue":  unix.CLONE_NEWIPC,
	"cgroup":  unix.CLONE_NEWCGROUP,
	"cgroup2": unix.CLONE_NEWCGROUP,
}

// newMountHint is about a new instance of a file system, whose type is the third argument.
func (f *Failure) newMountHint() string {
	if !f.inUserNamespace() {
		return ""
	}
	kind := f.unquoted(2)
	if owner, known := ownedBy[kind]; known && !f.isIn(owner) {
		hint := fmt.Sprintf("%s shows the %s namespace, which belongs to the user namespace "+
			"outside: make one too (--ns %[2]s)", kind, namesOf(owner))
		if kind == "proc" && f.notes.Unshared&unix.CLONE_NEWPID != 0 {
			hint += "; C.unshare(C.CLONE_NEWPID) makes it for later children only"
		}
		return hint
	}
	if kind == "proc" || kind == "sysfs" {
		return f.maskedHint(kind)
	}
	if kind == "devtmpfs" || needsDevice(kind) {
		return fmt.Sprintf("%s cannot be mounted in a user namespace (tmpfs, proc, sysfs, devpts, "+
			"mqueue, overlay, cgroup2 and "+
			"fuse can): mount it as root outside, or bind-mount what is mounted already", kind)
	}
	return ""
}

// maskedHint is about a proc or sysfs that would show more than those that are mounted already.
func (f *Failure) maskedHint(kind string) string {
	if line, did := f.line(wire.NoteUmount); did {
		return fmt.Sprintf("likely the script has unmounted (%s) the last %s that shows "+
			"everything, and without one none can "+
			"be mounted in a user namespace: mount the new one before", line, kind)
	}
	if kind != "proc" {
		return ""
	}
	mounts := machine.ReadMounts()
	if masks := machine.ProcMasks(mounts); len(masks) > 0 {
		if len(masks) > 3 {
			masks = append(masks[:3], "...")
		}
		return "a new proc would show what is hidden in the present one (" + strings.Join(masks, ", ") +
			"), as in a container: bind-mount /proc instead, or run the container with an " +
			"unmasked /proc " +
			"(docker: --security-opt systempaths=unconfined)"
	}
	if !slices.ContainsFunc(mounts, func(m *mountinfo.Info) bool { return m.FSType == "proc" }) {
		return "there is no proc that shows everything in this mount namespace, and without one " +
			"none can be mounted in a " +
			"user namespace: mount /proc outside first"
	}
	return ""
}

// needsDevice reports whether the kernel lists the file system as one on block devices.
func needsDevice(kind string) bool {
	list, _ := machine.Read("/proc/filesystems")
	for line := range strings.Lines(list) {
		if fields := strings.Fields(line); len(fields) == 1 && fields[0] == kind {
			return true
		}
	}
	return false
}

// bindHint is about EINVAL of a bind mount.
func (f *Failure) bindHint() string {
	flags := f.number(3)
	if flags&unix.MS_BIND == 0 || flags&(unix.MS_REC|unix.MS_REMOUNT) != 0 || !f.inUserNamespace() ||
		len(f.paths) != 1 || f.paths[0].Error != 0 {
		return ""
	}
	return "likely there are mounts below the source that a more privileged namespace has made, " +
		"and what they hide must not " +
		"be shown: add C.MS_REC to C.MS_BIND"
}

func (f *Failure) umountHint() string {
	if len(f.paths) != 1 || f.paths[0].Error != 0 {
		return ""
	}
	switch {
	case f.Errno == unix.EBUSY:
		return "something below it is in use (open file, working directory, other mount): leave " +
			"it first, or call " +
			"C.umount2(path, C.MNT_DETACH)"
	case f.Errno == unix.EINVAL && f.paths[0].IsMount == 0:
		return "no mount point: nothing is mounted right there"
	case f.Errno == unix.EINVAL && f.paths[0].IsMount == 1 && f.inUserNamespace():
		return "likely the mount is locked, because it comes from a more privileged namespace and " +
			"hides what is below it: " +
			"build a new root and pivot_root into it instead"
	}
	return ""
}

// isElsewhere reports whether both arguments are absolute paths and the first does not begin with the
// second.
func (f *Failure) isElsewhere(inner, outer int) bool {
	in, out := f.unquoted(inner), strings.TrimSuffix(f.unquoted(outer), "/")
	return strings.HasPrefix(in, "/") && strings.HasPrefix(out, "/") && in != out &&
		!strings.HasPrefix(in, out+"/")
}

// pivotRootHint follows the kernel's checks.
func (f *Failure) pivotRootHint() string {
	if len(f.paths) != 3 || f.Errno != unix.EINVAL && f.Errno != unix.EBUSY {
		return ""
	}
	root, newRoot, oldRoot := f.paths[0], f.paths[1], f.paths[2]
	if root.Error != 0 || newRoot.Error != 0 || oldRoot.Error != 0 {
		return ""
	}
	const bindFix = ": bind-mount it to itself first, C.mount(dir, dir, nil, bit.bor(C.MS_BIND, " +
		"C.MS_REC), nil)"
	switch {
	case f.Errno == unix.EBUSY && newRoot.IsMount == 0 && newRoot.MountID == root.MountID:
		return "the new root must be a mount of its own, not a directory of the present root's" + bindFix
	case newRoot.MountID == root.MountID && newRoot.IsMount == 1:
		return "the new root is the present root"
	case f.Errno == unix.EBUSY:
		return "the place for the old root is on the present root's mount: it must be at or below " +
			"the new root"
	case newRoot.IsMount == 0:
		return "the new root is not a mount point" + bindFix
	case root.IsMount == 0:
		return "the present root is a chroot, not a mount point, and cannot be put anywhere: call " +
			"pivot_root outside of it"
	case newRoot.Propagation&2 != 0 || root.Propagation&2 != 0 || oldRoot.Propagation&1 != 0:
		return `a mount involved is shared with other namespaces: C.mount(nil, "/", nil, ` +
			`bit.bor(C.MS_REC, C.MS_PRIVATE), nil) first`
	case f.isElsewhere(1, 0) && oldRoot.MountID != newRoot.MountID && newRoot.IsListed != 0:
		return "the place for the old root must be at or below the new root"
	case f.inUserNamespace() && oldRoot.MountID == newRoot.MountID && newRoot.IsListed != 0:
		return "likely the new root is a mount that a more privileged namespace has made, and is " +
			"locked in its place" + bindFix
	}
	return ""
}
