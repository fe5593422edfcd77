//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// level is how much of a sandbox is set up.
type level string

const (
	none level = "none" // no namespaces
	six  level = "six"  // user, mount, pid, net, uts, ipc; the caller is root in the first
	box  level = "box"  // six, and what examples/rootless-box.lua mounts
)

var levels = []level{none, six, box}

var levelNames = map[level]string{
	none: "no namespaces",
	six:  "six namespaces",
	box:  "six namespaces and mounts",
}

// contender is one way of starting a process. Within a group all do the same, as far as they
// can; the first of a group is what the others are compared with.
type contender struct {
	group, name string
	start       func() (time.Duration, error) // what is not to be measured it does outside of its time
}

// startResult has the times of the starts of one contender.
type startResult struct {
	Group string `json:"group"`
	Name  string `json:"name"`
	// In microseconds.
	Median float64 `json:"median_us"`
	P10    float64 `json:"p10_us"`
	P90    float64 `json:"p90_us"`
	Count  int     `json:"count"`
	// Ratio of the medians: this one's to that of the first in the group.
	Ratio float64 `json:"ratio"`
	Error string  `json:"error,omitempty"`
}

const warmUps = 3

// measureStarts measures all in turns until the time is over. The order is another one in each
// round: what the kernel does after the end of one start, as taking namespaces down, must not
// always fall on the same neighbour.
func measureStarts(contenders []contender, length time.Duration) []startResult {
	samples := make([][]time.Duration, len(contenders))
	failures := make([]error, len(contenders))
	var turns []int
	for i, c := range contenders {
		for range warmUps {
			if _, failures[i] = c.start(); failures[i] != nil {
				break
			}
		}
		if failures[i] == nil {
			turns = append(turns, i)
		} else {
			fmt.Fprintf(os.Stderr, "bench: %s: %s: %v\n", c.group, c.name, failures[i])
		}
	}
	for end := time.Now().Add(length); time.Now().Before(end); {
		rand.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
		for _, i := range turns {
			if failures[i] != nil {
				continue
			}
			took, err := contenders[i].start()
			if failures[i] = err; err == nil {
				samples[i] = append(samples[i], took)
			}
		}
	}
	return evaluate(contenders, samples, failures)
}

func evaluate(contenders []contender, samples [][]time.Duration, failures []error) []startResult {
	results := make([]startResult, len(contenders))
	first := make(map[string]float64)
	for i, c := range contenders {
		r := &results[i]
		r.Group, r.Name, r.Count = c.group, c.name, len(samples[i])
		if failures[i] != nil {
			r.Error = failures[i].Error()
			continue
		}
		r.P10, r.Median, r.P90 = quantiles(samples[i])
		if _, known := first[c.group]; !known {
			first[c.group] = r.Median
		}
		if first[c.group] > 0 {
			r.Ratio = r.Median / first[c.group]
		}
	}
	return results
}
