//go:build linux

package doctor

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-initscript/initscript/internal/capability"
	"golang.org/x/sys/unix"
)

// A machine is what the files of one say.
type machine map[string]string

const (
	ordinary = "Name:\tx\nCapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\nNoNewPrivs:\t0\nSeccomp:\t0\n"
	asRoot   = "Name:\tx\nCapEff:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\nNoNewPrivs:\t1\nSeccomp:\t0\n"
	filtered = "Name:\tx\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nNoNewPrivs:\t0\nSeccomp:\t2\nSeccomp_filters:\t1\n"
	allIDs   = "         0          0 4294967295\n"
)

// use has the package look at the machine until the test ends.
func (m machine) use(t *testing.T) {
	t.Helper()
	before := root
	root = t.TempDir()
	t.Cleanup(func() { root = before })
	for path, content := range m {
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func kernelOf(status string, sysctls ...string) machine {
	m := machine{"/proc/thread-self/status": status, "/proc/self/uid_map": allIDs, "/proc/self/gid_map": allIDs}
	for _, setting := range sysctls {
		name, value, _ := strings.Cut(setting, "=")
		m["/proc/sys/"+strings.ReplaceAll(name, ".", "/")] = value + "\n"
	}
	return m
}

func TestNamespacesRefused(t *testing.T) {
	withKinds := kernelOf(asRoot)
	withKinds["/proc/self/ns/mnt"] = ""
	for _, test := range []struct {
		name    string
		machine machine
		kinds   []string
		err     error
		why     string // the beginning
		fix     string // a part
	}{
		{"limit 0", kernelOf(ordinary, "user.max_user_namespaces=0"), []string{"user", "net"}, unix.ENOSPC,
			"user.max_user_namespaces is 0", "sysctl -w user.max_user_namespaces=10000"},
		{"limit of another kind", kernelOf(ordinary, "user.max_user_namespaces=9", "user.max_net_namespaces=0"), []string{"user", "net"}, unix.ENOSPC,
			"user.max_net_namespaces is 0", "sysctl -w user.max_net_namespaces=10000"},
		{"limit not known", kernelOf(ordinary, "user.max_user_namespaces=9"), []string{"user"}, unix.EUSERS,
			"likely a limit is reached", "raise the limit"},
		{"kind that is not there", withKinds, []string{"mount", "time"}, unix.EINVAL, "this kernel has no time namespaces", "leave it out"},
		{"kinds that are there", withKinds, []string{"mount"}, unix.EINVAL, "", ""},
		{"processes", kernelOf(ordinary), []string{"user"}, unix.EAGAIN, "likely the limit of processes is reached", "raise it"},
		{"without capability", kernelOf(ordinary), []string{"net", "uts"}, unix.EPERM, "namespaces of kind net,uts need CAP_SYS_ADMIN", "user namespace too"},
		{"without capability in a container", kernelOf(filtered), []string{"uts"}, unix.EPERM, "namespaces of kind uts need CAP_SYS_ADMIN", "seccomp=unconfined"},
		{"root in a container", kernelOf(strings.Replace(filtered, "CapEff:\t00000000a80425fb", "CapEff:\t000001ffffffffff", 1)), []string{"uts"}, unix.EPERM,
			"likely the seccomp filter of this process", "seccomp=unconfined"},
		{"Debian's switch", kernelOf(ordinary, "kernel.unprivileged_userns_clone=0"), []string{"user"}, unix.EPERM,
			"kernel.unprivileged_userns_clone is 0", "sysctl -w kernel.unprivileged_userns_clone=1"},
		{"AppArmor", kernelOf(ordinary, "kernel.unprivileged_userns_clone=1", "kernel.apparmor_restrict_unprivileged_userns=1"), []string{"user"}, unix.EACCES,
			"likely AppArmor", `"userns,"`},
		{"the switches are not root's", kernelOf(asRoot, "kernel.unprivileged_userns_clone=0", "kernel.apparmor_restrict_unprivileged_userns=1"),
			[]string{"user"}, unix.EPERM, "", ""},
		{"ids that are not mapped", machine{"/proc/thread-self/status": ordinary, "/proc/self/uid_map": "", "/proc/self/gid_map": allIDs},
			[]string{"user"}, unix.EPERM, "the ids of this process are not mapped in its own user namespace (uid_map)", "write its id maps"},
		{"container's profile", kernelOf(filtered), []string{"user"}, unix.EPERM, "likely the seccomp filter of this process", "seccomp=unconfined"},
		{"another error", kernelOf(filtered), []string{"user"}, unix.ENOMEM, "", ""},
		{"no /proc", machine{}, []string{"user"}, unix.EPERM, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.machine.use(t)
			r := NamespacesRefused(test.kinds, test.err)
			if !strings.HasPrefix(r.Why, test.why) || !strings.Contains(r.Fix, test.fix) || (test.why == "") != (r == Reason{}) {
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
		kernelOf(ordinary, "vm.memfd_noexec="+test.level).use(t)
		if r := StartRefused(test.err); !strings.HasPrefix(r.Why, test.want) || (test.want == "") != (r == Reason{}) {
			t.Errorf("%s, %v: %+v", test.level, test.err, r)
		}
	}
}

func TestLandlockMissing(t *testing.T) {
	for _, test := range []struct {
		machine machine
		err     error
		want    string
	}{
		{kernelOf(ordinary), unix.EOPNOTSUPP, "not enabled when the kernel booted: add landlock to the list in the kernel parameter lsm="},
		{kernelOf(ordinary), unix.ENOSYS, "not in this kernel: use Linux 5.13 or newer with CONFIG_SECURITY_LANDLOCK"},
		{kernelOf(filtered), unix.ENOSYS, "not in this kernel, or hidden by the seccomp filter of this process"},
		{kernelOf(ordinary), nil, ""},
	} {
		test.machine.use(t)
		if got := LandlockMissing(test.err).String(); got != test.want {
			t.Errorf("%v: %s", test.err, got)
		}
	}
}

func TestMaps(t *testing.T) {
	ranges := []IDRange{{0, 1000, 1}, {1, 100000, 10}, {20, 5, 1}}
	for _, test := range []struct {
		first, size uint64
		want        bool
	}{{0, 1, true}, {0, 11, true}, {0, 12, false}, {5, 6, true}, {11, 1, false}, {20, 1, true}, {20, 2, false}} {
		if got := Maps(ranges, test.first, test.size); got != test.want {
			t.Errorf("%d+%d: %v", test.first, test.size, got)
		}
	}
}

func TestReadIDMap(t *testing.T) {
	machine{"/proc/self/uid_map": "  0  1000  1\n 1 100000 65536\n", "/proc/self/gid_map": "0 x 1\n"}.use(t)
	if got, want := ReadIDMap("uid_map"), []IDRange{{0, 1000, 1}, {1, 100000, 65536}}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if got := ReadIDMap("gid_map"); got != nil {
		t.Errorf("%v of a map that is none", got)
	}
	if InInitialUserNamespace() {
		t.Error("taken for the initial user namespace")
	}
}

func TestProcMasks(t *testing.T) {
	const whole = "30 1 0:5 / /proc rw,nosuid - proc proc rw\n"
	for _, test := range []struct {
		name, mounts string
		want         []string
	}{
		{"complete", whole, nil},
		{"automatic", whole + "31 30 0:9 / /proc/sys/fs/binfmt_misc rw shared:7 - autofs systemd-1 rw\n", nil},
		{"masked", whole + "31 30 0:9 / /proc/kcore rw - tmpfs tmpfs rw\n32 30 0:5 /sys /proc/sys ro - proc proc rw\n", []string{"/proc/kcore", "/proc/sys"}},
		{"read-only", "30 1 0:5 / /proc ro,nosuid - proc proc rw\n", []string{"/proc (read-only)"}},
		{"a part", "30 1 0:5 /self /proc rw - proc proc rw\n", []string{"/proc (a part of another one)"}},
		{"space in a path", whole + `31 30 0:9 / /proc/a\040b rw - tmpfs x rw` + "\n", []string{"/proc/a b"}},
		{"nonsense", "x\n", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			machine{"/proc/self/mountinfo": test.mounts}.use(t)
			if got := ProcMasks(ReadMounts()); !slices.Equal(got, test.want) {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestSubIDRanges(t *testing.T) {
	id := strconv.Itoa(os.Getuid())
	machine{"/etc/subuid": "somebody:1:2\n" + id + ":100000:65536\nbroken\n" + id + ":300000:5\n"}.use(t)
	if got, want := SubIDRanges("uid_map"), []string{"100000:65536", "300000:5"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := SubIDRanges("gid_map"); len(got) != 0 {
		t.Errorf("%q without a file", got)
	}
}

func TestCapabilityNames(t *testing.T) {
	machine{"/proc/sys/kernel/cap_last_cap": "40\n"}.use(t)
	for set, want := range map[uint64]string{
		0:                                 "none",
		1<<41 - 1:                         "all",
		1<<63 | 1<<41 - 1:                 "all",
		1<<41 - 1 - 1<<unix.CAP_SYS_ADMIN: "all but sys_admin",
		1<<unix.CAP_CHOWN | 1<<unix.CAP_CHECKPOINT_RESTORE: "chown,checkpoint_restore",
	} {
		if got := capabilityNames(set, capability.Name); got != want {
			t.Errorf("%x: %s, want %s", set, got, want)
		}
	}
}

// find returns the finding of that name.
func (r *Report) find(t *testing.T, name string) Finding {
	t.Helper()
	i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("nothing is found about %s", name)
	}
	return r.Findings[i]
}

func TestExamine(t *testing.T) {
	t.Setenv("container", "")
	m := kernelOf(filtered, "vm.memfd_noexec=2", "user.max_user_namespaces=0")
	m["/proc/self/mountinfo"] = "30 1 0:5 / /proc rw - proc proc rw,hidepid=2\n31 30 0:9 / /proc/kcore rw - tmpfs tmpfs rw\n"
	m["/proc/1/cgroup"] = "0::/docker/0123\n"
	m["/.dockerenv"] = ""
	m["/sys/kernel/security/lsm"] = "lockdown,capability,landlock\n"
	m["/proc/sys/kernel/seccomp/actions_avail"] = "kill_process allow\n"
	m.use(t)
	report := Examine(func(kinds []string, script string) (string, error) {
		if slices.Contains(kinds, "user") {
			return "why: also (why: it) so: the fix (docker: an option)", errors.New("refused")
		}
		return "", nil
	}, capability.Name)
	if !report.OK {
		t.Error("not OK, though a process can be started")
	}
	for _, want := range []Finding{
		{"start a process", OK, "a script runs in a new process", ""},
		{"executable memfd", No, "vm.memfd_noexec is 2: no memfd can be executed, and the fork server is one", "sysctl -w vm.memfd_noexec=1, as root of this PID namespace"},
		{"user namespace", No, "refused; why: also (why: it) so", "the fix (docker: an option)"},
		{"net namespace", No, "refused; why: also (why: it) so", "the fix (docker: an option)"},
		{"/proc", Info, "partly hidden: /proc/kcore; hidepid=2", ""},
		{"seccomp filter", OK, "can be installed", ""},
		{"seccomp actions", Info, "kill_process allow", ""},
		{"seccomp of this process", Info, "filter, 1 installed", ""},
		{"no_new_privs", Info, "not set", ""},
		{"user namespace of this process", Info, "the initial one, or one with the same ids", ""},
		{"LSMs", Info, "lockdown,capability,landlock", ""},
		{"user.max_user_namespaces", Info, "0", ""},
		{"container", Info, "perhaps: /.dockerenv exists; /proc/1/cgroup names docker; /proc is partly hidden", ""},
	} {
		if got := report.find(t, want.Name); got != want {
			t.Errorf("%+v\nwant %+v", got, want)
		}
	}
	var text strings.Builder
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"OK  start a process ", "NO  user namespace  ", "  fix: the fix (docker: an option)\n", "-   LSMs "} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, text.String())
		}
	}
}

func TestExamineWhereNothingWorks(t *testing.T) {
	machine{}.use(t)
	report := Examine(func([]string, string) (string, error) { return "", unix.ENOSYS }, capability.Name)
	if report.OK {
		t.Error("OK")
	}
	for name, want := range map[string]string{
		"start a process": unix.ENOSYS.Error(), "capabilities": "not known: no /proc", "LSMs": "not known: /sys/kernel/security/lsm cannot be read",
		"/proc": "no proc is mounted there: each start takes longer, and much here is not known",
	} {
		if got := report.find(t, name); got.Detail != want {
			t.Errorf("%s: %s", name, got.Detail)
		}
	}
}
