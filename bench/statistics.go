//go:build linux

package main

import (
	"math"
	"slices"
	"time"
)

// quantiles returns the 10th, 50th and 90th percentile in microseconds; it sorts samples.
func quantiles(samples []time.Duration) (p10, median, p90 float64) {
	slices.Sort(samples)
	at := func(p float64) float64 { return quantile(samples, p) / 1000 }
	return at(0.1), at(0.5), at(0.9)
}

// quantile interpolates between the two nearest of the sorted samples.
func quantile[T ~int64 | ~float64](sorted []T, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	position := p * float64(len(sorted)-1)
	low := math.Floor(position)
	rest := position - low
	a, b := float64(sorted[int(low)]), float64(sorted[min(int(low)+1, len(sorted)-1)])
	return a + rest*(b-a)
}
