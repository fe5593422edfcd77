package doctor

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-initscript/initscript/internal/hint"
	"github.com/go-initscript/initscript/internal/machine"
	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Examine looks at everything. What can be tried is tried. capabilityName returns the name of the
// capability with a number.
func Examine(try Try, capabilityName func(number int) string) Report {
	e, status := &examination{try: try}, machine.ReadStatus()
	e.begin()
	e.memfd()
	e.namespaces(status)
	e.proc()
	e.landlock()
	e.seccomp(status)
	e.privileges(status, capabilityName)
	e.idMaps()
	e.surroundings()
	return e.Report
}

func (e *examination) memfd() {
	switch level, known := machine.Sysctl("vm.memfd_noexec"); {
	case !known:
		e.add("executable memfd", OK, "this kernel has no vm.memfd_noexec", "")
	case level >= 2:
		r := hint.StartRefused(unix.EACCES)
		e.add("executable memfd", No, r.Why, r.Fix)
	default:
		e.add("executable memfd", OK, fmt.Sprintf("vm.memfd_noexec is %d", level), "")
	}
}

// namespaces tries each kind as this user can have it.
func (e *examination) namespaces(status machine.Status) {
	e.tried("user namespace", []string{"user"}, "", "can be made, and ids mapped")
	for _, kind := range []string{"mount", "pid", "net", "uts", "ipc", "cgroup", "time"} {
		kinds, how := []string{kind}, "can be made, with CAP_SYS_ADMIN"
		if !status.Has(unix.CAP_SYS_ADMIN) {
			kinds, how = []string{"user", kind}, "can be made, with a user namespace"
		}
		e.tried(kind+" namespace", kinds, "", how)
	}
	const mount = `C.mount("tmpfs", "/", "tmpfs", 0, nil)`
	e.tried("mount, without root", []string{"user", "mount"}, mount,
		"a tmpfs can be mounted in a user namespace")
}

func (e *examination) proc() {
	const mount = `C.mount("proc", "/proc", "proc", 0, nil)`
	e.tried("new /proc, without root", []string{"user", "mount", "pid"}, mount,
		"can be mounted in user, mount and PID namespaces")
	mounts := machine.ReadMounts()
	i := slices.IndexFunc(mounts,
		func(m *mountinfo.Info) bool { return m.Mountpoint == "/proc" && m.FSType == "proc" })
	if i < 0 {
		e.add("/proc", No, "no proc is mounted there: each start takes longer, and much here is "+
			"not known", "mount -t proc proc /proc, as root")
		return
	}
	detail := "complete"
	if masks := machine.ProcMasks(mounts); len(masks) > 0 {
		detail = "partly hidden: " + strings.Join(masks, ", ")
	}
	for option := range strings.SplitSeq(mounts[i].VFSOptions, ",") {
		if strings.HasPrefix(option, "hidepid=") || option == "subset=pid" {
			detail += "; " + option
		}
	}
	e.add("/proc", Info, detail, "")
}

func (e *examination) landlock() {
	abi, err := machine.Landlock()
	if err != nil {
		r := hint.LandlockMissing(err)
		e.add("Landlock", No, r.Why, r.Fix)
		return
	}
	detail := fmt.Sprintf("ABI %d", abi)
	if fixed, known := machine.LandlockErrata(); known {
		detail += fmt.Sprintf(", fixed errata %#x", fixed)
	}
	e.add("Landlock", OK, detail, "")
}

func (e *examination) seccomp(status machine.Status) {
	// BPF_RET|BPF_K, SECCOMP_RET_ALLOW.
	instruction := binary.NativeEndian.AppendUint16(nil, 6)
	instruction = binary.NativeEndian.AppendUint32(append(instruction, 0, 0), 0x7fff0000)
	var text strings.Builder
	for _, b := range instruction {
		fmt.Fprintf(&text, `\%03d`, b)
	}
	script := `set_no_new_privs() C.seccomp_set_mode_filter("` + text.String() + `")`
	e.tried("seccomp filter", nil, script, "can be installed")
	if actions, ok := machine.Read("/proc/sys/kernel/seccomp/actions_avail"); ok {
		e.add("seccomp actions", Info, actions, "")
	}
	mode := map[string]string{"0": "none", "1": "strict", "2": "filter"}[status["Seccomp"]]
	if mode == "" {
		mode = "not known: no /proc"
	}
	if n := status["Seccomp_filters"]; n != "" && n != "0" {
		mode += ", " + n + " installed"
	}
	e.add("seccomp of this process", Info, mode, "")
}

func (e *examination) privileges(status machine.Status, capabilityName func(int) string) {
	e.user()
	for _, set := range []struct{ name, key string }{
		{"capabilities", "CapEff"}, {"bounding set", "CapBnd"},
	} {
		bits, known := status.Capabilities(set.key)
		if !known {
			e.add(set.name, Info, "not known: no /proc", "")
			continue
		}
		e.add(set.name, Info, machine.CapabilityNames(bits, capabilityName), "")
	}
	detail := "not set"
	if status.NoNewPrivs() {
		detail = "set: programs such as newuidmap get no privileges, and children cannot undo it"
	}
	e.add("no_new_privs", Info, detail, "")
}

func (e *examination) idMaps() {
	e.add("user namespace of this process", Info, namespaceText(), "")
	for _, file := range []string{"uid_map", "gid_map"} {
		helper := machine.MapHelper(file)
		if path, err := exec.LookPath(helper); err != nil {
			e.add(helper, Info, "not installed: an ordinary user can map one id only",
				"install the package uidmap, or shadow-utils")
		} else {
			e.add(helper, Info, path, "")
		}
		ranges := "none for this user"
		if r := machine.SubIDRanges(file); len(r) > 0 {
			ranges = strings.Join(r, ", ")
		}
		e.add(machine.SubIDFile(file), Info, ranges, "")
	}
}

func namespaceText() string {
	ranges := machine.ReadIDMap("uid_map")
	switch {
	case machine.InInitialUserNamespace():
		return "the initial one, or one with the same ids"
	case ranges == nil:
		return "not known, or without ids"
	}
	var texts []string
	for _, r := range ranges {
		texts = append(texts, fmt.Sprintf("%d+%d is %d outside", r.ID, r.Count, r.ParentID))
	}
	return "not the initial one: " + strings.Join(texts, ", ")
}

func (e *examination) surroundings() {
	e.add("cgroup", Info, cgroupVersion(), "")
	lsm, ok := machine.Read("/sys/kernel/security/lsm")
	if !ok {
		lsm = "not known: /sys/kernel/security/lsm cannot be read"
	}
	e.add("LSMs", Info, lsm, "")
	for _, name := range []string{"kernel.unprivileged_userns_clone",
		"kernel.apparmor_restrict_unprivileged_userns",
		"user.max_user_namespaces", "kernel.yama.ptrace_scope"} {
		if value, known := machine.Sysctl(name); known {
			e.add(name, Info, fmt.Sprint(value), "")
		}
	}
	e.add("container", Info, container(), "")
}

func cgroupVersion() string {
	var system unix.Statfs_t
	if err := unix.Statfs("/sys/fs/cgroup", &system); err != nil {
		return "none: " + err.Error()
	}
	if system.Type == unix.CGROUP2_SUPER_MAGIC {
		return "version 2"
	}
	if unix.Statfs("/sys/fs/cgroup/unified", &system) == nil && system.Type == unix.CGROUP2_SUPER_MAGIC {
		return "version 1, and version 2 at /sys/fs/cgroup/unified"
	}
	if _, err := os.Stat("/sys/fs/cgroup/pids"); err == nil {
		return "version 1"
	}
	return "none is mounted at /sys/fs/cgroup"
}

// container says what speaks for a container. Nothing proves one, or that there is none.
func container() string {
	var signs []string
	for _, path := range []string{"/.dockerenv", "/run/.containerenv", "/run/systemd/container"} {
		if _, err := os.Stat(filepath.Join(machine.Root, path)); err == nil {
			signs = append(signs, path+" exists")
		}
	}
	if value := os.Getenv("container"); value != "" {
		signs = append(signs, fmt.Sprintf("the environment has container=%q", value))
	}
	cgroups, _ := machine.Read("/proc/1/cgroup")
	for _, name := range []string{"docker", "kubepods", "lxc", "libpod", "containerd"} {
		if strings.Contains(cgroups, name) {
			signs = append(signs, "/proc/1/cgroup names "+name)
		}
	}
	if !machine.InInitialUserNamespace() {
		signs = append(signs, "the user namespace is not the initial one")
	}
	if masks := machine.ProcMasks(machine.ReadMounts()); len(masks) > 0 {
		signs = append(signs, "/proc is partly hidden")
	}
	if len(signs) == 0 {
		return "no sign of one was found"
	}
	return "perhaps: " + strings.Join(signs, "; ")
}
