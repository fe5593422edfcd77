//go:build linux

package main

import (
	"errors"
	"path/filepath"
	"sync"
	"time"
)

// throughputResult is how many processes per second executed /bin/true and ended.
type throughputResult struct {
	Level   level   `json:"level"`
	Workers int     `json:"workers"` // goroutines, or processes of the C program
	Limit   float64 `json:"limit_per_second"`
	Ours    float64 `json:"ours_per_second"`
	Ratio   float64 `json:"ratio"`
}

const mostWorkers = 8

// measureThroughput gives each side the length in slices, in turns.
func (b *bench) measureThroughput(length time.Duration) ([]throughputResult, error) {
	limits, stop, err := b.startLimits(mostWorkers)
	defer stop()
	if err != nil {
		return nil, err
	}
	const slices = 10
	slice := length / slices
	var results []throughputResult
	for _, l := range []level{none, six} {
		for _, workers := range []int{1, 2, mostWorkers} {
			var limit, ours rate
			for range slices {
				if err := limit.measure(workers, func(i int) (int64, error) {
					return limits[i].ask("repeat %s exec %d", l, slice.Milliseconds())
				}); err != nil {
					return nil, err
				}
				start := b.runProgram(l)
				if err := ours.measure(workers, func(int) (int64, error) {
					return repeat(start, slice)
				}); err != nil {
					return nil, err
				}
			}
			results = append(results, throughputResult{
				Level: l, Workers: workers, Limit: limit.perSecond(), Ours: ours.perSecond(),
				Ratio: ours.perSecond() / limit.perSecond(),
			})
		}
	}
	return results, nil
}

func (b *bench) startLimits(count int) (limits []*helper, stop func(), err error) {
	stop = func() {
		for _, h := range limits {
			h.close()
		}
	}
	for range count {
		h, err := startHelper(filepath.Join(b.tools, "bench/limit"))
		if err != nil {
			return nil, stop, err
		}
		limits = append(limits, h)
	}
	return limits, stop, nil
}

// repeat starts one after the other, for so long, and returns how many.
func repeat(start func() (time.Duration, error), length time.Duration) (count int64, err error) {
	for end := time.Now().Add(length); time.Now().Before(end); count++ {
		if _, err := start(); err != nil {
			return count, err
		}
	}
	return count, nil
}

type rate struct {
	count   int64
	elapsed time.Duration
}

func (r rate) perSecond() float64 { return float64(r.count) / r.elapsed.Seconds() }

// measure adds what all workers together do at the same time.
func (r *rate) measure(workers int, work func(worker int) (int64, error)) error {
	counts, failures := make([]int64, workers), make([]error, workers)
	var group sync.WaitGroup
	begin := time.Now()
	for i := range workers {
		group.Go(func() { counts[i], failures[i] = work(i) })
	}
	group.Wait()
	r.elapsed += time.Since(begin)
	for _, count := range counts {
		r.count += count
	}
	return errors.Join(failures...)
}
