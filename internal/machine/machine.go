//go:build linux

// Package machine reads what is known of this machine and this process: facts for hints and doctor,
// which draw no conclusions here.
package machine

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
	"github.com/moby/sys/user"
	"golang.org/x/sys/unix"
)

// Root is where all files are looked for. Tests put others there.
var Root = "/"

// Read returns the trimmed text of a file, and whether it could be read.
func Read(path string) (string, bool) {
	text, err := os.ReadFile(filepath.Join(Root, path))
	return strings.TrimSpace(string(text)), err == nil
}

// Sysctl returns the number in a file of /proc/sys, and whether there is one.
func Sysctl(name string) (int64, bool) {
	text, _ := Read("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	number, err := strconv.ParseInt(text, 10, 64)
	return number, err == nil
}

// Status is /proc/thread-self/status: what the calling thread may do.
type Status map[string]string

// ReadStatus returns nil without /proc.
func ReadStatus() Status {
	text, ok := Read("/proc/thread-self/status")
	if !ok {
		return nil
	}
	return ParseStatus(text)
}

// ParseStatus reads lines of the form "Key:\tvalue".
func ParseStatus(text string) Status {
	status := make(Status)
	for line := range strings.Lines(text) {
		if key, value, found := strings.Cut(line, ":"); found {
			status[key] = strings.TrimSpace(value)
		}
	}
	return status
}

// Capabilities returns the set of that name (CapEff, CapBnd, ...) as bits 1 << CAP_*, and whether it
// is known.
func (s Status) Capabilities(name string) (uint64, bool) {
	set, err := strconv.ParseUint(s[name], 16, 64)
	return set, err == nil
}

// Has reports whether the effective set has the capability; false also where that is not known.
func (s Status) Has(capability int) bool {
	set, _ := s.Capabilities("CapEff")
	return set&(1<<capability) != 0
}

// Lacks reports whether the effective set is known not to have the capability.
func (s Status) Lacks(capability int) bool {
	set, known := s.Capabilities("CapEff")
	return known && set&(1<<capability) == 0
}

// NoNewPrivs reports whether no_new_privs is set.
func (s Status) NoNewPrivs() bool { return s["NoNewPrivs"] == "1" }

// SeccompFilter reports whether a filter decides about the thread's system calls.
func (s Status) SeccompFilter() bool { return s["Seccomp"] == "2" }

// IDRange is a line of uid_map or gid_map, see user_namespaces(7).
type IDRange = user.IDMap

// ReadIDMap returns the ids that the user namespace of this process has; nil if that is not known, or if
// it has none. file is "uid_map" or "gid_map".
func ReadIDMap(file string) []IDRange {
	ranges, err := user.ParseIDMapFile(filepath.Join(Root, "/proc/self", file))
	if err != nil || len(ranges) == 0 {
		return nil
	}
	return ranges
}

// Maps reports whether all size ids from first on exist inside.
func Maps(ranges []IDRange, first, size int64) bool {
	for size > 0 {
		i := slices.IndexFunc(ranges,
			func(r IDRange) bool { return r.ID <= first && first-r.ID < r.Count })
		if i < 0 {
			return false
		}
		step := min(size, ranges[i].Count-(first-ranges[i].ID))
		first, size = first+step, size-step
	}
	return true
}

// InInitialUserNamespace reports whether all ids are mapped to themselves, as nowhere else by default.
// (What github.com/moby/sys/userns answers is "yes" without /proc, too, and its first answer forever.)
func InInitialUserNamespace() bool {
	return slices.Equal(ReadIDMap("uid_map"), []IDRange{{ID: 0, ParentID: 0, Count: 1<<32 - 1}})
}

// ReadMounts returns the mounts that this process sees; nil without /proc.
func ReadMounts() []*mountinfo.Info {
	file, err := os.Open(filepath.Join(Root, "/proc/self/mountinfo"))
	if err != nil {
		return nil
	}
	defer file.Close()
	mounts, err := mountinfo.GetMountsFromReader(file, nil)
	if err != nil {
		return nil
	}
	return mounts
}

// ProcMasks returns what keeps a new proc file system from being mounted in a user namespace: mounts
// below /proc, or a /proc that is read-only. The kernel lets nobody see by a new mount what such a
// mount hides.
func ProcMasks(mounts []*mountinfo.Info) []string {
	var masks []string
	for _, m := range mounts {
		isProc := m.Mountpoint == "/proc" && m.FSType == "proc"
		switch {
		case strings.HasPrefix(m.Mountpoint, "/proc/") && m.FSType != "binfmt_misc" &&
			m.FSType != "autofs":
			masks = append(masks, m.Mountpoint)
		case isProc && slices.Contains(strings.Split(m.Options, ","), "ro"):
			masks = append(masks, "/proc (read-only)")
		case isProc && m.Root != "/":
			masks = append(masks, "/proc (a part of another one)")
		}
	}
	return masks
}

// Landlock returns the ABI version that the kernel has, 0 and the reason if none.
func Landlock() (abi int, err error) {
	n, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0,
		unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// LandlockErrata returns the bits of the errata that the kernel has fixed, and whether it tells.
func LandlockErrata() (fixed int, known bool) {
	const errata = 1 << 1 // LANDLOCK_CREATE_RULESET_ERRATA, Linux 6.15
	n, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, errata)
	return int(n), errno == 0
}

// HasNamespace reports whether the kernel knows the kind, a name in /proc/self/ns; true also where that
// cannot be seen.
func HasNamespace(file string) bool {
	if _, err := os.Stat(filepath.Join(Root, "proc/self/ns")); err != nil {
		return true
	}
	_, err := os.Lstat(filepath.Join(Root, "proc/self/ns", file))
	return err == nil
}
