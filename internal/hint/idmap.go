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

const maxIDRanges = 340 // user_namespaces(7), since Linux 4.15

// MapRange is one range of an id map, as initscript.IDMap.
type MapRange struct{ ContainerID, HostID, Size int }

// IDMap explains why the kernel refused the map that was written to the file ("uid_map", "gid_map" or
// "setgroups"); see user_namespaces(7).
func IDMap(file string, ranges []MapRange, err error) string {
	switch {
	case file == "setgroups":
		return ""
	case errors.Is(err, unix.EINVAL):
		return invalidMap(ranges)
	case errors.Is(err, unix.EPERM):
		return refusedMap(file, ranges)
	}
	return ""
}

func invalidMap(ranges []MapRange) string {
	if len(ranges) > maxIDRanges {
		return fmt.Sprintf("%d ranges; the kernel takes %d", len(ranges), maxIDRanges)
	}
	for i, a := range ranges {
		if a.Size <= 0 {
			return fmt.Sprintf("range %d has no ids (Size %d)", i, a.Size)
		}
		if a.ContainerID < 0 || a.HostID < 0 || a.ContainerID+a.Size > 1<<32-1 ||
			a.HostID+a.Size > 1<<32-1 {
			return fmt.Sprintf("range %d leaves the ids that there are (0 to 4294967294)", i)
		}
		for j, b := range ranges[:i] {
			if a.ContainerID < b.ContainerID+b.Size && b.ContainerID < a.ContainerID+a.Size ||
				a.HostID < b.HostID+b.Size && b.HostID < a.HostID+a.Size {
				return fmt.Sprintf("the ranges %d and %d overlap", j, i)
			}
		}
	}
	return ""
}

func refusedMap(file string, ranges []MapRange) string {
	status := machine.ReadStatus()
	kind, capability, name, own := "user", unix.CAP_SETUID, "CAP_SETUID", os.Geteuid()
	if file == "gid_map" {
		kind, capability, name, own = "group", unix.CAP_SETGID, "CAP_SETGID", os.Getegid()
	}
	if status.Lacks(capability) && (len(ranges) != 1 || ranges[0].Size != 1 || ranges[0].HostID != own) {
		return fmt.Sprintf("without %s a process can map one %s id only, its own (%d): for more "+
			"have %s(1) write the map, from ranges in %s (%s)",
			name, kind, own, machine.MapHelper(file), machine.SubIDFile(file), machine.SubIDs(file))
	}
	outside := machine.ReadIDMap(file)
	for _, m := range ranges {
		if outside != nil && !machine.Maps(outside, int64(m.HostID), int64(m.Size)) {
			return fmt.Sprintf("the %s ids %d to %d do not all exist in the user namespace of "+
				"this process, which has %s",
				kind, m.HostID, m.HostID+m.Size-1, formatRanges(outside))
		}
		if m.HostID == 0 && file == "uid_map" && status.Lacks(unix.CAP_SETFCAP) {
			return "mapping user id 0 needs CAP_SETFCAP since Linux 5.12"
		}
	}
	return ""
}

func formatRanges(ranges []machine.IDRange) string {
	var texts []string
	for _, r := range ranges {
		texts = append(texts, fmt.Sprintf("%d to %d", r.ID, r.ID+r.Count-1))
	}
	return strings.Join(texts, ", ")
}

// idMapWriteHint is about a script that writes id maps itself; text is the file that it wrote to.
func (f *Failure) idMapWriteHint() string {
	if !strings.HasPrefix(f.text, "/proc/") || f.Errno != unix.EPERM {
		return ""
	}
	switch {
	case strings.HasSuffix(f.text, "/gid_map"):
		return "likely setgroups is still allowed there: write \"deny\" to the file setgroups " +
			"beside it first; and without " +
			"CAP_SETGID outside only the own group id can be mapped"
	case strings.HasSuffix(f.text, "/uid_map"):
		return "likely more than the own user id is mapped, for which CAP_SETUID is needed in the " +
			"user namespace outside, or " +
			"the map is written already, which works once"
	}
	return ""
}
