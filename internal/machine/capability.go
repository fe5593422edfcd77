//go:build linux

package machine

import (
	"math/bits"
	"strings"

	"golang.org/x/sys/unix"
)

// CapabilityNames says which of the capabilities that the kernel has are in the set: the shorter of both
// lists. name returns that of a number.
func CapabilityNames(set uint64, name func(number int) string) string {
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
		return "all but " + listCapabilities(missing, name)
	}
	return listCapabilities(set, name)
}

func listCapabilities(set uint64, name func(number int) string) string {
	var names []string
	for ; set != 0; set &= set - 1 {
		names = append(names, strings.TrimPrefix(name(bits.TrailingZeros64(set)), "cap_"))
	}
	return strings.Join(names, ",")
}
