//go:build (linux || freebsd) && cgo

package initscript

// #include "csrc/wire.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/go-initscript/initscript/internal/doctor"
	"golang.org/x/sys/unix"
)

const maxIDRanges = 340 // user_namespaces(7), since Linux 4.15

// hint explains why the kernel refused the map; see user_namespaces(7).
func (e *IDMapError) hint() string {
	switch {
	case e.File == "setgroups":
		return ""
	case errors.Is(e.Err, unix.EINVAL):
		return e.invalidHint()
	case errors.Is(e.Err, unix.EPERM):
		return e.refusedHint()
	}
	return ""
}

func (e *IDMapError) invalidHint() string {
	if len(e.Map) > maxIDRanges {
		return fmt.Sprintf("%d ranges; the kernel takes %d", len(e.Map), maxIDRanges)
	}
	for i, a := range e.Map {
		if a.Size <= 0 {
			return fmt.Sprintf("range %d has no ids (Size %d)", i, a.Size)
		}
		if a.ContainerID < 0 || a.HostID < 0 || a.ContainerID+a.Size > 1<<32-1 || a.HostID+a.Size > 1<<32-1 {
			return fmt.Sprintf("range %d leaves the ids that there are (0 to 4294967294)", i)
		}
		for j, b := range e.Map[:i] {
			if a.ContainerID < b.ContainerID+b.Size && b.ContainerID < a.ContainerID+a.Size ||
				a.HostID < b.HostID+b.Size && b.HostID < a.HostID+a.Size {
				return fmt.Sprintf("the ranges %d and %d overlap", j, i)
			}
		}
	}
	return ""
}

func (e *IDMapError) refusedHint() string {
	status := doctor.ReadStatus()
	kind, capability, name, own := "user", unix.CAP_SETUID, "CAP_SETUID", os.Geteuid()
	if e.File == "gid_map" {
		kind, capability, name, own = "group", unix.CAP_SETGID, "CAP_SETGID", os.Getegid()
	}
	if status.Lacks(capability) && (len(e.Map) != 1 || e.Map[0].Size != 1 || e.Map[0].HostID != own) {
		return fmt.Sprintf("without %s a process can map one %s id only, its own (%d): for more have %s(1) write the map, "+
			"from ranges in %s (%s)", name, kind, own, doctor.MapHelper(e.File), doctor.SubIDFile(e.File), doctor.SubIDs(e.File))
	}
	outside := doctor.ReadIDMap(e.File)
	for _, m := range e.Map {
		if outside != nil && !doctor.Maps(outside, int64(m.HostID), int64(m.Size)) {
			return fmt.Sprintf("the %s ids %d to %d do not all exist in the user namespace of this process, which has %s",
				kind, m.HostID, m.HostID+m.Size-1, formatRanges(outside))
		}
		if m.HostID == 0 && e.File == "uid_map" && status.Lacks(unix.CAP_SETFCAP) {
			return "mapping user id 0 needs CAP_SETFCAP since Linux 5.12"
		}
	}
	return ""
}

func formatRanges(ranges []doctor.IDRange) string {
	var texts []string
	for _, r := range ranges {
		texts = append(texts, fmt.Sprintf("%d to %d", r.ID, r.ID+r.Count-1))
	}
	return strings.Join(texts, ", ")
}

// idMapWriteHint is about a script that writes id maps itself; text is the file that it wrote to.
func (f *failure) idMapWriteHint() string {
	if !strings.HasPrefix(f.text, "/proc/") || f.errno != unix.EPERM {
		return ""
	}
	switch {
	case strings.HasSuffix(f.text, "/gid_map"):
		return "likely setgroups is still allowed there: write \"deny\" to the file setgroups beside it first; and without " +
			"CAP_SETGID outside only the own group id can be mapped"
	case strings.HasSuffix(f.text, "/uid_map"):
		return "likely more than the own user id is mapped, for which CAP_SETUID is needed in the user namespace outside, or " +
			"the map is written already, which works once"
	}
	return ""
}
