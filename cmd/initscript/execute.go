//go:build (linux || freebsd) && cgo

package main

import "github.com/go-initscript/initscript"

// execute starts the command, passes signals on to it and waits for its end.
func execute(command *initscript.Cmd, status *statusWriter) error {
	signals := catchSignals()
	if err := command.Start(); err != nil {
		status.failed(err)
		return err
	}
	status.started(command.Process.Pid)
	signals.forwardTo(command.Process, command.Namespaces&initscript.NewPID != 0)
	if command.WaitScript() == nil {
		signals.scriptEnded()
		status.scriptDone()
	}
	err := command.Wait()
	if signal := signals.interrupted(); signal != 0 && endSignal(err) != 0 {
		err = &interruptError{signal}
	}
	status.finished(command.ProcessState, err)
	return err
}
