//go:build (linux || freebsd) && cgo

package main

import (
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// The first two a terminal sends to all of its foreground process group.
var (
	terminalSignals  = []os.Signal{unix.SIGINT, unix.SIGQUIT}
	forwardedSignals = append(terminalSignals, unix.SIGTERM, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2)
)

// signalForwarder makes signals to this command signals to the process that it has started.
type signalForwarder struct {
	incoming chan os.Signal

	mu        sync.Mutex
	deaf      bool           // the process gets signals, and the kernel drops them
	killedFor syscall.Signal // the first signal that ended a deaf process
}

// catchSignals keeps signals from ending this command from now on; forwardTo says what they do
// instead. What the caller has set to be ignored (nohup) stays ignored. There is no way back: a signal
// that has ended the process may reach this command after it has seen that end.
func catchSignals() *signalForwarder {
	f := &signalForwarder{incoming: make(chan os.Signal, 16)}
	for _, sig := range forwardedSignals {
		if !signal.Ignored(sig) {
			signal.Notify(f.incoming, sig)
		}
	}
	return f
}

// forwardTo begins to forward. A script that runs as PID 1 of its namespace does not notice
// signals: until scriptEnded is called it is killed instead.
func (f *signalForwarder) forwardTo(process *initscript.Process, isInit bool) {
	f.deaf = isInit
	go func() {
		for sig := range f.incoming {
			f.forward(process, sig.(syscall.Signal))
		}
	}()
}

func (f *signalForwarder) forward(process *initscript.Process, sig syscall.Signal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.deaf && sig != unix.SIGUSR1 && sig != unix.SIGUSR2:
		if f.killedFor == 0 {
			f.killedFor = sig
		}
		process.Kill()
	case slices.Contains(terminalSignals, os.Signal(sig)) && terminalReaches(process):
	default:
		process.Signal(sig)
	}
}

func (f *signalForwarder) scriptEnded() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deaf = false
}

// interrupted returns the signal for which the script was killed, or 0.
func (f *signalForwarder) interrupted() syscall.Signal {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.killedFor
}

// terminalReaches reports whether a signal from the terminal goes to the process as well as to this
// command: both are in the foreground process group.
func terminalReaches(process *initscript.Process) bool {
	group := unix.Getpgrp()
	if theirs, err := unix.Getpgid(process.Pid); err != nil || theirs != group {
		return false
	}
	terminals := []int{0, 1, 2}
	if tty, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_NOCTTY|unix.O_CLOEXEC, 0); err == nil {
		defer unix.Close(tty)
		terminals = append(terminals, tty)
	}
	for _, terminal := range terminals { // an error: not a terminal, or not ours
		if foreground, err := unix.IoctlGetInt(terminal, unix.TIOCGPGRP); err == nil {
			return foreground == group
		}
	}
	return false
}
