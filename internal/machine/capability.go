//go:build linux

package machine

import (
	"fmt"
	"math/bits"
	"strings"

	"golang.org/x/sys/unix"
)

// capabilities in the order of their numbers, from CAP_CHOWN on; see capabilities(7).
var capabilities = []string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
	"linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
	"sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
	"sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
	"mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
	"checkpoint_restore",
}

// CapabilityNames says which of the capabilities that the kernel has are in the set: the shorter of both
// lists.
func CapabilityNames(set uint64) string {
	last, known := Sysctl("kernel.cap_last_cap")
	if !known {
		last = unix.CAP_LAST_CAP
	}
	all := uint64(1)<<(last+1) - 1
	set &= all
	switch missing := all &^ set; {
	case set == 0:
		return "none"
	case missing == 0:
		return "all"
	case bits.OnesCount64(missing) < bits.OnesCount64(set):
		return "all but " + listCapabilities(missing)
	}
	return listCapabilities(set)
}

func listCapabilities(set uint64) string {
	var names []string
	for ; set != 0; set &= set - 1 {
		if i := bits.TrailingZeros64(set); i < len(capabilities) {
			names = append(names, capabilities[i])
		} else {
			names = append(names, fmt.Sprint(i))
		}
	}
	return strings.Join(names, ",")
}
