package initscript

import (
	"fmt"
	"slices"
	"strings"
)

// Namespaces is a set of namespaces that a child gets of its own; see namespaces(7).
type Namespaces uint

// The namespaces. The kernel checks privileges: all but NewUser need CAP_SYS_ADMIN, which NewUser
// in the same set gives.
const (
	NewUser   Namespaces = 1 << iota // user_namespaces(7)
	NewMount                         // mount_namespaces(7)
	NewPID                           // pid_namespaces(7): the script is PID 1, the program its child
	NewNet                           // network_namespaces(7)
	NewUTS                           // uts_namespaces(7): host name
	NewIPC                           // ipc_namespaces(7)
	NewCgroup                        // cgroup_namespaces(7)
	// NewTime is a new time namespace, time_namespaces(7). The program enters it, so that the script can
	// set the offsets. Without NewPID it needs Linux 6.1.
	NewTime

	allNamespaces = NewTime<<1 - 1
)

var namespaceNames = []string{"user", "mount", "pid", "net", "uts", "ipc", "cgroup", "time"}

// ParseNamespaces reads a comma-separated list of namespace names as the command takes it:
// user, mount, pid, net, uts, ipc, cgroup, time. The empty string is the empty set.
func ParseNamespaces(list string) (Namespaces, error) {
	var set Namespaces
	if list == "" {
		return 0, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		i := slices.Index(namespaceNames, strings.TrimSpace(name))
		if i < 0 {
			return 0, fmt.Errorf("unknown namespace %q (known: %s)",
				name, strings.Join(namespaceNames, ", "))
		}
		set |= 1 << i
	}
	return set, nil
}

// String returns the list that [ParseNamespaces] reads.
func (n Namespaces) String() string {
	var names []string
	for i, name := range namespaceNames {
		if n&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if rest := n &^ allNamespaces; rest != 0 {
		names = append(names, fmt.Sprintf("%#x", uint(rest)))
	}
	return strings.Join(names, ",")
}

// IDMap is one range of a user namespace's user or group ids; see user_namespaces(7).
type IDMap struct {
	ContainerID int // the first id inside
	HostID      int // the first id outside, as the host sees it
	Size        int // how many ids
}

// formatIDMap returns the map as the kernel reads it.
func formatIDMap(idMap []IDMap) string {
	lines := make([]string, len(idMap))
	for i, m := range idMap {
		lines[i] = fmt.Sprintf("%d %d %d", m.ContainerID, m.HostID, m.Size)
	}
	return strings.Join(lines, "\n")
}
