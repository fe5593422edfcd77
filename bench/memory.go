//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-initscript/initscript"
)

// memoryResult is the proportional set size of some processes together: a page that n processes
// share counts as 1/n in each.
type memoryResult struct {
	Name  string  `json:"name"`
	KB    float64 `json:"pss_kb,omitempty"`
	Error string  `json:"error,omitempty"`
}

const (
	nameServerMemory = "fork server, without children"
	manyChildren     = 20
)

func measureMemory() ([]memoryResult, error) {
	server, err := serverPid()
	if err != nil {
		return nil, err
	}
	var results []memoryResult
	add := func(name string, pids ...int) error {
		sum := 0
		for _, pid := range pids {
			kB, err := smapsField(pid, "Pss")
			if errors.Is(err, os.ErrPermission) { // PID 1 is not dumpable, so only root may look
				results = append(results, memoryResult{Name: name, Error: err.Error()})
				return nil
			}
			if err != nil {
				return err
			}
			sum += kB
		}
		results = append(results, memoryResult{Name: name, KB: float64(sum)})
		return nil
	}

	children, release, err := idleChildren(1, none, "")
	err = errors.Join(err, add("one child, its script waiting", children...))
	release()
	if err != nil {
		return nil, err
	}
	// Not first: only now has the server written to what a fork makes it copy.
	if err := add(nameServerMemory, server); err != nil {
		return nil, err
	}
	children, release, err = idleChildren(manyChildren, none, "")
	err = errors.Join(err, add(fmt.Sprintf("%d such children", manyChildren), children...),
		add(fmt.Sprintf("fork server, beside %d children", manyChildren), server))
	release()
	if err != nil {
		return nil, err
	}
	children, release, err = idleChildren(1, six, "/bin/cat")
	err = errors.Join(err, add("PID 1 of a program", children...))
	release()
	if err != nil {
		return nil, err
	}
	err = measureIdleActors(add)
	return results, err
}

func measureIdleActors(add func(name string, pids ...int) error) error {
	for _, kind := range []struct {
		name    string
		options initscript.Actor
	}{
		{"Go", initscript.Actor{Entry: "wait"}},
		{"Lua", initscript.Actor{ModuleSource: waitModule}},
	} {
		for _, count := range []int{1, manyActors} {
			actors, release, err := idleActors(count, kind.options)
			err = errors.Join(err, add(fmt.Sprintf("idle %s actors: %d", kind.name, count), actors...))
			release()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// idleChildren starts children that wait, either in their scripts or in a program, and returns
// their process ids.
func idleChildren(count int, l level, program string) (pids []int, release func(), err error) {
	var ends []func()
	release = func() {
		for _, end := range ends {
			end()
		}
	}
	script := `C.write(1, ".")`
	if program == "" {
		script += ` C.read(0, 1)`
	}
	for range count {
		cmd := newCmd(script, l, program)
		end, err := startIdle(cmd)
		if err != nil {
			return pids, release, err
		}
		ends = append(ends, end)
		pids = append(pids, cmd.Process.Pid)
	}
	return pids, release, nil
}

func startIdle(cmd *initscript.Cmd) (end func(), err error) {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(stdout, make([]byte, 1)); err != nil {
		return nil, errors.Join(fmt.Errorf("no sign of the script: %w", err), cmd.Wait())
	}
	if cmd.Path != "" {
		if err := cmd.WaitScript(); err != nil {
			return nil, err
		}
	}
	return func() { stdin.Close(); cmd.Wait() }, nil
}

// serverPid finds the fork server of this process, after a start that brings it up.
func serverPid() (int, error) {
	if err := newCmd("", none, "").Run(); err != nil {
		return 0, err
	}
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, path := range paths {
		stat, _ := os.ReadFile(path) // it may have ended
		before, after, _ := strings.Cut(string(stat), ") ")
		pid, name, _ := strings.Cut(before, " (")
		fields := strings.Fields(after) // state, parent, ...
		if name == "initscript" && len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			return strconv.Atoi(pid)
		}
	}
	return 0, errors.New("fork server not found in /proc")
}

// smapsField returns a line of /proc/PID/smaps_rollup, in kB.
func smapsField(pid int, name string) (int, error) {
	path := fmt.Sprintf("/proc/%d/smaps_rollup", pid)
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if fields[0] == name+":" {
			return strconv.Atoi(fields[1])
		}
	}
	return 0, fmt.Errorf("%s: no line %s", path, name)
}

// growToServer makes the C program as expensive to fork as the fork server: as much memory that
// must be marked copy-on-write, in as many mappings. Pages of files need no page tables copied.
func (b *bench) growToServer(h *helper) error {
	server, err := serverPid()
	if err != nil {
		return err
	}
	var anonymous, mappings [2]int
	for i, pid := range []int{server, h.process.Process.Pid} {
		if anonymous[i], err = smapsField(pid, "Anonymous"); err != nil {
			return err
		}
		maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
		if err != nil {
			return err
		}
		mappings[i] = strings.Count(string(maps), "\n")
	}
	_, err = h.ask("grow %d %d", anonymous[0]-anonymous[1], mappings[0]-mappings[1])
	return err
}
