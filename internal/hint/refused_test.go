//go:build linux

package hint

import (
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/machine/machinetest"
	"golang.org/x/sys/unix"
)

func TestNamespacesRefused(t *testing.T) {
	withKinds := machinetest.Kernel(machinetest.Root)
	withKinds["/proc/self/ns/mnt"] = ""
	for _, test := range []struct {
		name  string
		files machinetest.Files
		flags uint32
		err   error
		why   string // the beginning
		fix   string // a part
	}{
		{"limit 0", machinetest.Kernel(machinetest.Ordinary, "user.max_user_namespaces=0"),
			unix.CLONE_NEWUSER | unix.CLONE_NEWNET, unix.ENOSPC,
			"user.max_user_namespaces is 0", "sysctl -w user.max_user_namespaces=10000"},
		{"limit of another kind", machinetest.Kernel(machinetest.Ordinary,
			"user.max_user_namespaces=9", "user.max_net_namespaces=0"),
			unix.CLONE_NEWUSER | unix.CLONE_NEWNET, unix.ENOSPC,
			"user.max_net_namespaces is 0", "sysctl -w user.max_net_namespaces=10000"},
		{"limit not known", machinetest.Kernel(machinetest.Ordinary, "user.max_user_namespaces=9"),
			unix.CLONE_NEWUSER, unix.EUSERS,
			"likely a limit is reached", "raise the limit"},
		{"kind that is not there", withKinds, unix.CLONE_NEWNS | unix.CLONE_NEWTIME, unix.EINVAL,
			"this kernel has no time namespaces", "leave it out"},
		{"kinds that are there", withKinds, unix.CLONE_NEWNS, unix.EINVAL, "", ""},
		{"processes", machinetest.Kernel(machinetest.Ordinary), unix.CLONE_NEWUSER, unix.EAGAIN,
			"likely the limit of processes is reached", "raise it"},
		{"without capability", machinetest.Kernel(machinetest.Ordinary),
			unix.CLONE_NEWNET | unix.CLONE_NEWUTS, unix.EPERM,
			"namespaces of kind net,uts need CAP_SYS_ADMIN", "user namespace too"},
		{"without capability in a container", machinetest.Kernel(machinetest.Filtered),
			unix.CLONE_NEWUTS, unix.EPERM, "namespaces of kind uts need CAP_SYS_ADMIN",
			"seccomp=unconfined"},
		{"root in a container", machinetest.Kernel(strings.Replace(machinetest.Filtered,
			"CapEff:\t00000000a80425fb", "CapEff:\t000001ffffffffff", 1)),
			unix.CLONE_NEWUTS, unix.EPERM,
			"likely the seccomp filter of this process", "seccomp=unconfined"},
		{"Debian's switch", machinetest.Kernel(machinetest.Ordinary,
			"kernel.unprivileged_userns_clone=0"),
			unix.CLONE_NEWUSER, unix.EPERM,
			"kernel.unprivileged_userns_clone is 0", "sysctl -w kernel.unprivileged_userns_clone=1"},
		{"AppArmor", machinetest.Kernel(machinetest.Ordinary,
			"kernel.unprivileged_userns_clone=1", "kernel.apparmor_restrict_unprivileged_userns=1"),
			unix.CLONE_NEWUSER, unix.EACCES,
			"likely AppArmor", `"userns,"`},
		{"the switches are not root's", machinetest.Kernel(machinetest.Root,
			"kernel.unprivileged_userns_clone=0", "kernel.apparmor_restrict_unprivileged_userns=1"),
			unix.CLONE_NEWUSER, unix.EPERM, "", ""},
		{"ids that are not mapped", machinetest.Files{
			"/proc/thread-self/status": machinetest.Ordinary,
			"/proc/self/uid_map":       "",
			"/proc/self/gid_map":       machinetest.AllIDs,
		},
			unix.CLONE_NEWUSER, unix.EPERM, "the ids of this process are not mapped in its own " +
				"user namespace (uid_map)", "write its id maps"},
		{"container's profile", machinetest.Kernel(machinetest.Filtered), unix.CLONE_NEWUSER, unix.EPERM,
			"likely the seccomp filter of this process", "seccomp=unconfined"},
		{"another error", machinetest.Kernel(machinetest.Filtered), unix.CLONE_NEWUSER, unix.ENOMEM, "",
			""},
		{"no /proc", machinetest.Files{}, unix.CLONE_NEWUSER, unix.EPERM, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.files.Use(t)
			r := NamespacesRefused(test.flags, test.err)
			if !strings.HasPrefix(r.Why, test.why) || !strings.Contains(r.Fix, test.fix) ||
				(test.why == "") != (r == Reason{}) {
				t.Errorf("%q, %q", r.Why, r.Fix)
			}
		})
	}
}

func TestStartRefused(t *testing.T) {
	for _, test := range []struct {
		level string
		err   error
		want  string
	}{
		{"2", unix.EACCES, "vm.memfd_noexec is 2"},
		{"1", unix.EACCES, ""},
		{"2", unix.EMFILE, "this process has as many descriptors"},
		{"0", unix.EAGAIN, "likely the limit of processes"},
		{"0", unix.ETOOMANYREFS, "processes of the same user have more descriptors under way"},
		{"0", unix.ENOENT, ""},
	} {
		machinetest.Kernel(machinetest.Ordinary, "vm.memfd_noexec="+test.level).Use(t)
		if r := StartRefused(test.err); !strings.HasPrefix(r.Why, test.want) ||
			(test.want == "") != (r == Reason{}) {
			t.Errorf("%s, %v: %+v", test.level, test.err, r)
		}
	}
}

func TestLandlockMissing(t *testing.T) {
	for _, test := range []struct {
		files machinetest.Files
		err   error
		want  string
	}{
		{machinetest.Kernel(machinetest.Ordinary), unix.EOPNOTSUPP, "not enabled when the kernel " +
			"booted: add landlock to the list in the kernel parameter lsm="},
		{machinetest.Kernel(machinetest.Ordinary), unix.ENOSYS, "not in this kernel: use Linux " +
			"5.13 or newer with CONFIG_SECURITY_LANDLOCK"},
		{machinetest.Kernel(machinetest.Filtered), unix.ENOSYS, "not in this kernel, or hidden by " +
			"the seccomp filter of this process"},
		{machinetest.Kernel(machinetest.Ordinary), nil, ""},
	} {
		test.files.Use(t)
		if got := LandlockMissing(test.err).String(); got != test.want {
			t.Errorf("%v: %s", test.err, got)
		}
	}
}
