// Package capability names the capabilities of Linux as libcap does, by its Go package cap. Only the
// command uses it, so that programs of others are not linked with libpsx, which cap brings along.
package capability

import (
	"sync"

	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// Name returns the name of the capability with the number, such as "cap_chown", or the number itself
// where it has none.
func Name(number int) string { return cap.Value(number).String() }

// Names returns the names of all capabilities that have one, in the order of their numbers.
var Names = sync.OnceValue(func() []string {
	names := make([]string, cap.NamedCount)
	for number := range names {
		names[number] = Name(number)
	}
	return names
})
