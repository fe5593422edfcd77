//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// machine describes the machine that the numbers depend on.
type machine struct {
	Kernel       string   `json:"kernel"`
	Distribution string   `json:"distribution"`
	Processor    string   `json:"processor"`
	Processors   int      `json:"processors"`
	Virtual      bool     `json:"virtual"`
	Go           string   `json:"go"`
	User         int      `json:"uid"`
	Load         string   `json:"load"`  // average of the last minute, before the run
	Peers        []string `json:"peers"` // first lines of their --version
}

func describeMachine() machine {
	var name unix.Utsname
	unix.Uname(&name)
	processors, _ := os.ReadFile("/proc/cpuinfo")
	distribution, _ := os.ReadFile("/etc/os-release")
	load, _ := os.ReadFile("/proc/loadavg")
	m := machine{
		Kernel: unix.ByteSliceToString(name.Release[:]) + " " +
			unix.ByteSliceToString(name.Machine[:]),
		Distribution: strings.Trim(lineAfter(string(distribution), "PRETTY_NAME="), `"`),
		Processor:    strings.TrimLeft(lineAfter(string(processors), "model name"), "\t :"),
		Processors:   runtime.NumCPU(),
		Virtual:      strings.Contains(lineAfter(string(processors), "flags"), " hypervisor"),
		Go:           runtime.Version(),
		User:         os.Geteuid(),
		Load:         lineAfter(strings.ReplaceAll(string(load), " ", "\n"), ""),
	}
	for _, peer := range []string{"unshare", "bwrap", "firejail", "crun", "runc"} {
		if out, err := exec.Command(peer, "--version").Output(); err == nil {
			line, _, _ := strings.Cut(string(out), "\n")
			m.Peers = append(m.Peers, line)
		}
	}
	return m
}

// lineAfter returns the rest of the first line that begins with prefix.
func lineAfter(text, prefix string) string {
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, prefix); found {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

func (m machine) String() string {
	kind := "machine"
	if m.Virtual {
		kind = "virtual machine"
	}
	return fmt.Sprintf("%s with %d processors (%s), Linux %s, %s, %s, uid %d; load %s before the "+
		"run; %s",
		kind, m.Processors, m.Processor, m.Kernel, m.Distribution, m.Go, m.User, m.Load,
		strings.Join(m.Peers, ", "))
}
