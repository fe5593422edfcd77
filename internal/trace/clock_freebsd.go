//go:build cgo

package trace

import "golang.org/x/sys/unix"

// quietClock returns the clock that the child reads.
func quietClock() int { return unix.CLOCK_MONOTONIC }
