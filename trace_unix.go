//go:build (linux || freebsd) && cgo

package initscript

// #include "csrc/util_fds.h"
// #include "csrc/trace_ring.h"
import "C"

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// tracer makes events of what a child writes into its ring.
type tracer struct {
	ring       *traceRing
	handle     func(TraceEvent)
	scriptName string
	start      int64 // of the clock that the child uses
	fds        map[int]string

	open      []*openCall // calls that have not returned; each was made by the one before
	lost      uint64      // calls, told or not
	untold    uint64      // of these
	scriptEnd bool
	done      chan struct{} // closed after the last event
}

// openCall is a call that has not returned.
type openCall struct {
	tracedCall
	id          uint64
	nanoseconds int64
	event       TraceEvent
}

// newTracer returns nil if nothing is to be traced. A nil tracer does nothing.
func newTracer(handle func(TraceEvent), r *spawnRequest) (*tracer, error) {
	if handle == nil {
		return nil, nil
	}
	ring, err := newTraceRing()
	if err != nil {
		return nil, &SetupError{Op: "trace", Err: err}
	}
	t := &tracer{
		ring:       ring,
		handle:     handle,
		scriptName: r.plan.scriptName,
		fds:        r.descriptorNames(),
		done:       make(chan struct{}),
	}
	var now unix.Timespec
	if unix.ClockGettime(int32(ring.header.clock), &now) == nil {
		t.start = now.Nano()
	}
	return t, nil
}

// descriptorNames tells what a script's first descriptors are, in the words of /proc/self/fd.
func (r *spawnRequest) descriptorNames() map[int]string {
	names := make(map[int]string)
	note := func(fd int, file *os.File) {
		if name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", file.Fd())); err == nil {
			names[fd] = name
		}
	}
	for fd, file := range r.stdio {
		note(fd, file)
	}
	note(C.INITSCRIPT_INBOX_FD, r.inbox)
	if r.arg != nil {
		note(C.INITSCRIPT_ARG_FD, r.arg)
	}
	for i, file := range r.extraFiles {
		note(C.INITSCRIPT_EXTRA_FD+i, file)
	}
	return names
}

// abandon is for a child that was not started.
func (t *tracer) abandon() {
	if t != nil {
		t.ring.close()
	}
}

// follow makes events until the script has ended, in a goroutine of its own.
func (t *tracer) follow(c *child) {
	if t == nil {
		return
	}
	t.ring.closeMemfd()
	go func() {
		defer close(t.done)
		defer t.ring.close()
		t.run(c)
	}()
}

// wait returns after the last event.
func (t *tracer) wait() {
	if t != nil {
		<-t.done
	}
}

// Nobody wakes the reader: the child would need a system call for that.
const (
	minTraceInterval = time.Millisecond
	maxTraceInterval = 20 * time.Millisecond
)

func (t *tracer) run(c *child) {
	for interval := minTraceInterval; ; {
		over := c.awaitSilence(interval)
		n, err := t.drain()
		if over || t.scriptEnd || err != nil {
			break
		}
		interval = min(2*interval, maxTraceInterval)
		if n > 0 {
			interval = minTraceInterval
		}
	}
	t.finish()
}

// awaitSilence waits for at most the timeout. It returns true when the child has executed a program
// or ended, so that its script does nothing any more.
func (c *child) awaitSilence(timeout time.Duration) bool {
	if c.isEnded() {
		return true
	}
	poll := []unix.PollFd{{}} // the end of the start socket is always told
	connection, err := c.reports.socket.SyscallConn()
	if err == nil {
		err = connection.Control(func(fd uintptr) {
			poll[0].Fd = int32(fd)
			unix.Poll(poll, int(timeout.Milliseconds()))
		})
	}
	return err != nil || poll[0].Revents&unix.POLLHUP != 0 || c.isEnded()
}

// drain takes all records that are there and returns their number.
func (t *tracer) drain() (n int, err error) {
	for ; ; n++ {
		record, err := t.ring.next()
		if record == nil {
			return n, err
		}
		t.take(record)
	}
}

func (t *tracer) take(r *traceRecord) {
	t.noteLost(r.lost)
	switch r.kind {
	case C.INITSCRIPT_TRACE_CALL:
		t.keepOpen(r.depth)
		t.begin(r)
	case C.INITSCRIPT_TRACE_RETURN, C.INITSCRIPT_TRACE_FAILED:
		for i := len(t.open) - 1; i >= 0; i-- {
			if t.open[i].id == r.id {
				t.keepOpen(i + 1)
				t.complete(t.open[i], r)
				t.open = t.open[:i]
				break
			}
		}
	case C.INITSCRIPT_TRACE_END:
		t.keepOpen(0)
		t.scriptEnd = true
	}
}

func (t *tracer) noteLost(total uint64) {
	if total > t.lost {
		t.untold += total - t.lost
		t.lost = total
	}
}

// keepOpen ends all calls but the first n: they have raised an error, or would have told more.
func (t *tracer) keepOpen(n int) {
	for len(t.open) > max(n, 0) {
		last := len(t.open) - 1
		t.end(t.open[last], TraceRaised)
		t.open = t.open[:last]
	}
}

func (t *tracer) end(call *openCall, how TraceEnd) {
	call.event.End = how
	t.handle(call.event)
}

func (t *tracer) begin(r *traceRecord) {
	var name luaString
	if len(r.values) > 0 {
		name, _ = r.values[0].(luaString)
		r.values = r.values[1:]
	}
	call := &openCall{id: r.id, nanoseconds: r.nanoseconds}
	call.tracedCall = tracedCall{row: tracedFunctions[name.bytes], fds: t.fds, args: r.values}
	call.event = TraceEvent{
		ScriptName: t.scriptName,
		Line:       r.line,
		Func:       name.bytes,
		Args:       call.showAll(call.row.args, call.args),
		Lost:       t.untold,
	}
	t.untold = 0
	if r.nanoseconds > t.start {
		call.event.Start = time.Duration(r.nanoseconds - t.start)
	}
	t.open = append(t.open, call)
}

func (t *tracer) complete(call *openCall, r *traceRecord) {
	event := &call.event
	if r.nanoseconds > call.nanoseconds {
		event.Duration = time.Duration(r.nanoseconds - call.nanoseconds)
	}
	call.results, event.Errno = r.values, r.errno
	if r.kind == C.INITSCRIPT_TRACE_FAILED {
		call.results = []any{-1.0}
	} else if last := len(call.results) - 1; last >= 0 && !call.row.noErrno {
		errno, _ := integer(call.results[last])
		call.results, event.Errno = call.results[:last], unix.Errno(errno)
	}
	if event.Errno != 0 {
		event.Results = call.showAll(nil, call.results)
	} else {
		call.succeed()
		event.Results = call.showAll(call.row.results, call.results)
	}
	t.end(call, TraceReturned)
}

// succeed notes what the call has made of the script's descriptors.
func (c *tracedCall) succeed() {
	if c.row.opens != nil {
		c.opened(c.row.opens(c))
	}
	if c.row.after != nil {
		c.row.after(c)
	}
}

// finish makes the events of what will never return.
func (t *tracer) finish() {
	for len(t.open) > 0 {
		last := len(t.open) - 1
		t.end(t.open[last], TraceUnfinished)
		t.open = t.open[:last]
	}
	t.noteLost(t.ring.lost())
	if t.untold > 0 {
		t.handle(TraceEvent{ScriptName: t.scriptName, Lost: t.untold})
	}
}
