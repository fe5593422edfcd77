//go:build !linux

package capability

import "strconv"

// Name returns the number: package cap is for Linux.
func Name(number int) string { return strconv.Itoa(number) }

// Names returns nil: none is known here.
func Names() []string { return nil }
