//go:build linux

// Command bench measures how long it takes to start confined processes: with this package, with others,
// and with a C program that does nothing else, which is the limit. Everything is measured in one run,
// in turns, so that the ratios mean something on a machine that is busy, too. tools/bench builds
// what it needs; docs/internals/performance.md says how to read the results.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/go-initscript/initscript"
)

type options struct {
	tools      string // directory of what tools/bench has built
	out        string
	docs       bool
	quick      bool
	latency    time.Duration
	throughput time.Duration
}

func main() {
	initscript.Main()
	beExecuted()
	var o options
	flag.StringVar(&o.tools, "tools", "bin", "`directory` with initscript and bench/limit")
	flag.StringVar(&o.out, "out", "bench/out", "`directory` for the results")
	flag.BoolVar(&o.docs, "docs", false, "put table and chart into docs/internals, too")
	flag.BoolVar(&o.quick, "quick", false, "everything, but only for some seconds")
	flag.DurationVar(&o.latency, "latency", 80*time.Second, "how long single starts are measured")
	flag.DurationVar(&o.throughput, "throughput", 10*time.Second, "how long each throughput is measured")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "bench: unexpected argument", flag.Arg(0))
		os.Exit(2)
	}
	if o.quick {
		o.latency, o.throughput = 6*time.Second, 600*time.Millisecond
	}
	if err := run(&o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o *options) error {
	b, err := newBench(o)
	if err != nil {
		return err
	}
	defer b.close()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	go func() {
		<-interrupted
		b.close()
		os.Exit(130)
	}()
	results, err := b.measure(o)
	if err != nil {
		return err
	}
	if err := results.write(o.out); err != nil {
		return err
	}
	fmt.Print("\n", results.text())
	if o.docs {
		return results.publish("docs/internals")
	}
	return nil
}

// bench holds what all measurements use.
type bench struct {
	temp    string // for bundles and their state
	command string // the initscript command
	box     string // the script examples/rootless-box.lua
	boxPath string
	limit   *helper // the C program
	large   *helper // the same, grown to the size of the fork server
	sandbox *helper // github.com/criyle/go-sandbox
	tools   string
}

func newBench(o *options) (*bench, error) {
	boxPath, err := filepath.Abs("examples/rootless-box.lua")
	if err != nil {
		return nil, err
	}
	box, err := os.ReadFile(boxPath)
	if err != nil {
		return nil, fmt.Errorf("%w (bench runs in the directory of the main module)", err)
	}
	tools, err := filepath.Abs(o.tools)
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "initscript-bench.")
	if err != nil {
		return nil, err
	}
	b := &bench{
		temp:    temp,
		command: filepath.Join(tools, "initscript"),
		box:     string(box),
		boxPath: boxPath,
		tools:   tools,
	}
	if err := b.startHelpers(); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) startHelpers() error {
	var err error
	if b.limit, err = startHelper(filepath.Join(b.tools, "bench/limit")); err != nil {
		return err
	}
	if b.large, err = startHelper(filepath.Join(b.tools, "bench/limit")); err != nil {
		return err
	}
	if err := b.growToServer(b.large); err != nil {
		return fmt.Errorf("make the limit as large as the fork server: %w", err)
	}
	// A peer, so it may be missing.
	b.sandbox, err = startHelper(filepath.Join(b.tools, "bench/gosandbox"))
	if err != nil {
		b.sandbox = &helper{broken: err}
	}
	return nil
}

func (b *bench) close() {
	for _, h := range []*helper{b.limit, b.large, b.sandbox} {
		h.close()
	}
	os.RemoveAll(b.temp)
}

func (b *bench) measure(o *options) (*results, error) {
	r := &results{Machine: describeMachine(), Started: time.Now().UTC().Truncate(time.Second)}
	progress := func(what string) { fmt.Fprintln(os.Stderr, "bench:", what) }

	progress("memory")
	var err error
	if r.Memory, err = measureMemory(); err != nil {
		return nil, fmt.Errorf("memory: %w", err)
	}
	progress("cost of calls")
	if r.Calls, err = measureCalls(); err != nil {
		return nil, fmt.Errorf("cost of calls: %w", err)
	}
	progress(fmt.Sprintf("single starts, for %v", o.latency))
	contenders, err := b.contenders()
	if err != nil {
		return nil, err
	}
	r.Starts = measureStarts(contenders, o.latency)
	progress(fmt.Sprintf("throughput, %v each", o.throughput))
	if r.Throughput, err = b.measureThroughput(o.throughput); err != nil {
		return nil, fmt.Errorf("throughput: %w", err)
	}
	r.Budgets = checkBudgets(r)
	return r, nil
}
