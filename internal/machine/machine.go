//go:build linux

// Package machine reads what is known of this machine and this process: facts for hints and doctor, which
// draw no conclusions here.
package machine

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

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

// Has tells whether the effective set has the capability; false also where that is not known.
func (s Status) Has(capability int) bool {
	set, _ := s.Capabilities("CapEff")
	return set&(1<<capability) != 0
}

// Lacks tells whether the effective set is known not to have the capability.
func (s Status) Lacks(capability int) bool {
	set, known := s.Capabilities("CapEff")
	return known && set&(1<<capability) == 0
}

// NoNewPrivs tells whether no_new_privs is set.
func (s Status) NoNewPrivs() bool { return s["NoNewPrivs"] == "1" }

// SeccompFilter tells whether a filter decides about the thread's system calls.
func (s Status) SeccompFilter() bool { return s["Seccomp"] == "2" }

// IDRange is a line of uid_map or gid_map, see user_namespaces(7).
type IDRange struct{ Inside, Outside, Size uint64 }

// ReadIDMap returns the ids that the user namespace of this process has; nil if that is not known.
// file is "uid_map" or "gid_map".
func ReadIDMap(file string) []IDRange {
	text, _ := Read("/proc/self/" + file)
	var ranges []IDRange
	for line := range strings.Lines(text) {
		var numbers []uint64
		for field := range strings.FieldsSeq(line) {
			number, err := strconv.ParseUint(field, 10, 64)
			if err != nil {
				return nil
			}
			numbers = append(numbers, number)
		}
		if len(numbers) != 3 {
			return nil
		}
		ranges = append(ranges, IDRange{numbers[0], numbers[1], numbers[2]})
	}
	return ranges
}

// Maps tells whether all size ids from first on exist inside.
func Maps(ranges []IDRange, first, size uint64) bool {
	for size > 0 {
		i := slices.IndexFunc(ranges, func(r IDRange) bool { return r.Inside <= first && first-r.Inside < r.Size })
		if i < 0 {
			return false
		}
		step := min(size, ranges[i].Size-(first-ranges[i].Inside))
		first, size = first+step, size-step
	}
	return true
}

// InInitialUserNamespace tells whether all ids are mapped to themselves, as nowhere else by default.
func InInitialUserNamespace() bool {
	return slices.Equal(ReadIDMap("uid_map"), []IDRange{{0, 0, 1<<32 - 1}})
}

// Mount is a line of /proc/self/mountinfo.
type Mount struct {
	ID, Parent           int
	Root, Point, Options string
	Type, SuperOptions   string
	Shared               bool
}

// ReadMounts returns nil without /proc.
func ReadMounts() []Mount {
	text, _ := Read("/proc/self/mountinfo")
	var mounts []Mount
	for line := range strings.Lines(text) {
		before, after, _ := strings.Cut(line, " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if len(fields) < 6 || len(rest) < 1 {
			continue
		}
		m := Mount{Root: fields[3], Point: unescape(fields[4]), Options: fields[5], Type: rest[0]}
		if len(rest) > 2 {
			m.SuperOptions = rest[2]
		}
		m.ID, _ = strconv.Atoi(fields[0])
		m.Parent, _ = strconv.Atoi(fields[1])
		for _, field := range fields[6:] {
			m.Shared = m.Shared || strings.HasPrefix(field, "shared:")
		}
		mounts = append(mounts, m)
	}
	return mounts
}

var octal = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

func unescape(path string) string { return octal.Replace(path) }

// ProcMasks returns what keeps a new proc file system from being mounted in a user namespace: mounts
// below /proc, or a /proc that is read-only. The kernel lets nobody see by a new mount what such a
// mount hides.
func ProcMasks(mounts []Mount) []string {
	var masks []string
	for _, m := range mounts {
		isProc := m.Point == "/proc" && m.Type == "proc"
		switch {
		case strings.HasPrefix(m.Point, "/proc/") && m.Type != "binfmt_misc" && m.Type != "autofs":
			masks = append(masks, m.Point)
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
	n, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
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

// HasNamespace tells whether the kernel knows the kind, a name in /proc/self/ns; true also where that
// cannot be seen.
func HasNamespace(file string) bool {
	if _, err := os.Stat(filepath.Join(Root, "proc/self/ns")); err != nil {
		return true
	}
	_, err := os.Lstat(filepath.Join(Root, "proc/self/ns", file))
	return err == nil
}
