//go:build linux

package machine

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	subid "github.com/moby/sys/user"
)

// MapHelper is the set-user-id program that writes a map of that name for an ordinary user.
func MapHelper(file string) string {
	if file == "gid_map" {
		return "newgidmap"
	}
	return "newuidmap"
}

// SubIDFile is where the ranges are that it allows.
func SubIDFile(file string) string {
	if file == "gid_map" {
		return "/etc/subgid"
	}
	return "/etc/subuid"
}

// SubIDRanges returns what the file allows to the user of this process, as FIRST:COUNT.
func SubIDRanges(file string) []string {
	id := strconv.Itoa(os.Getuid())
	name := id
	if u, err := user.LookupId(id); err == nil {
		name = u.Username
	}
	isOwn := func(r subid.SubID) bool { return (r.Name == name || r.Name == id) && r.Count > 0 }
	entries, _ := subid.ParseSubIDFileFilter(filepath.Join(Root, SubIDFile(file)), isOwn)
	var ranges []string
	for _, r := range entries {
		ranges = append(ranges, fmt.Sprintf("%d:%d", r.SubID, r.Count))
	}
	return ranges
}

// SubIDs says what an ordinary user can use of that here.
func SubIDs(file string) string {
	helper := MapHelper(file)
	if _, err := exec.LookPath(helper); err != nil {
		return helper + " is not installed here; it is in the package uidmap or shadow-utils"
	}
	if ranges := SubIDRanges(file); len(ranges) > 0 {
		return "here: " + strings.Join(ranges, ", ")
	}
	return fmt.Sprintf("which has none for user %d: usermod --add-sub%ss 100000-165535 USER, as root",
		os.Getuid(), file[:3])
}
