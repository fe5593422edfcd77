//go:build (linux || freebsd) && cgo

// Package trace makes events of what a traced script calls: it reads the records that the child writes
// into memory that both share, and shows their values as strace(1) would. The child's side is
// csrc/tell_trace.c.
package trace

import (
	"time"

	"golang.org/x/sys/unix"
)

// An Event is one call, as initscript.TraceEvent describes it. One whose Func is "" only says how many
// were lost.
type Event struct {
	Line            int
	Func            string
	Args, Results   []string
	Errno           unix.Errno
	End             End
	Start, Duration time.Duration
	Lost            uint64
}

// End says how a call ended; initscript.TraceEnd has the same values.
type End string

const (
	Returned   End = "returned"
	Raised     End = "raised"
	Unfinished End = "unfinished"
)

// A Tracer makes events of what a child writes into its ring. A nil Tracer does nothing.
type Tracer struct {
	ring   *ring
	handle func(Event)
	start  int64          // of the clock that the child uses
	fds    map[int]string // what the script's descriptors are

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
	event       Event
}

// New returns the Tracer of a script whose first descriptors are fds. All events go to handle, from one
// goroutine. The error is an *os.SyscallError.
func New(fds map[int]string, handle func(Event)) (*Tracer, error) {
	ring, err := newRing()
	if err != nil {
		return nil, err
	}
	t := &Tracer{ring: ring, handle: handle, fds: fds, done: make(chan struct{})}
	var now unix.Timespec
	if unix.ClockGettime(ring.header.Clock, &now) == nil {
		t.start = now.Nano()
	}
	return t, nil
}

// Memfd returns the descriptor of the ring, which the child is to get.
func (t *Tracer) Memfd() int { return t.ring.memfd }

// Abandon is for a child that was not started.
func (t *Tracer) Abandon() {
	if t != nil {
		t.ring.close()
	}
}

// Follow makes events until the script has ended, in a goroutine of its own. The child has the memfd.
// awaitSilence waits for at most the timeout, and reports whether the script does nothing any more.
func (t *Tracer) Follow(awaitSilence func(timeout time.Duration) bool) {
	if t == nil {
		return
	}
	t.ring.closeMemfd()
	go func() {
		defer close(t.done)
		defer t.ring.close()
		t.run(awaitSilence)
	}()
}

// Wait returns after the last event.
func (t *Tracer) Wait() {
	if t != nil {
		<-t.done
	}
}

// Nobody wakes the reader: the child would need a system call for that.
const (
	minInterval = time.Millisecond
	maxInterval = 20 * time.Millisecond
)

func (t *Tracer) run(awaitSilence func(time.Duration) bool) {
	for interval := minInterval; ; {
		over := awaitSilence(interval)
		n, err := t.drain()
		if over || t.scriptEnd || err != nil {
			break
		}
		interval = min(2*interval, maxInterval)
		if n > 0 {
			interval = minInterval
		}
	}
	t.finish()
}

// drain takes all records that are there and returns their number.
func (t *Tracer) drain() (n int, err error) {
	for ; ; n++ {
		record, err := t.ring.next()
		if record == nil {
			return n, err
		}
		t.take(record)
	}
}

func (t *Tracer) take(r *record) {
	t.noteLost(r.lost)
	switch r.kind {
	case KindCall:
		t.keepOpen(r.depth)
		t.begin(r)
	case KindReturn, KindFailed:
		for i := len(t.open) - 1; i >= 0; i-- {
			if t.open[i].id == r.id {
				t.keepOpen(i + 1)
				t.complete(t.open[i], r)
				t.open = t.open[:i]
				break
			}
		}
	case KindEnd:
		t.keepOpen(0)
		t.scriptEnd = true
	}
}

func (t *Tracer) noteLost(total uint64) {
	if total > t.lost {
		t.untold += total - t.lost
		t.lost = total
	}
}

// keepOpen ends all calls but the first n: they have raised an error, or would have told more.
func (t *Tracer) keepOpen(n int) {
	for len(t.open) > max(n, 0) {
		last := len(t.open) - 1
		t.end(t.open[last], Raised)
		t.open = t.open[:last]
	}
}

func (t *Tracer) end(call *openCall, how End) {
	call.event.End = how
	t.handle(call.event)
}

func (t *Tracer) begin(r *record) {
	var name luaString
	if len(r.values) > 0 {
		name, _ = r.values[0].(luaString)
		r.values = r.values[1:]
	}
	call := &openCall{id: r.id, nanoseconds: r.nanoseconds}
	call.tracedCall = tracedCall{row: tracedFunctions()[name.bytes], fds: t.fds, args: r.values}
	call.event = Event{
		Line: r.line,
		Func: name.bytes,
		Args: call.showAll(call.row.args, call.args),
		Lost: t.untold,
	}
	t.untold = 0
	if r.nanoseconds > t.start {
		call.event.Start = time.Duration(r.nanoseconds - t.start)
	}
	t.open = append(t.open, call)
}

func (t *Tracer) complete(call *openCall, r *record) {
	event := &call.event
	if r.nanoseconds > call.nanoseconds {
		event.Duration = time.Duration(r.nanoseconds - call.nanoseconds)
	}
	call.results, event.Errno = r.values, r.errno
	if r.kind == KindFailed {
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
	t.end(call, Returned)
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
func (t *Tracer) finish() {
	for len(t.open) > 0 {
		last := len(t.open) - 1
		t.end(t.open[last], Unfinished)
		t.open = t.open[:last]
	}
	t.noteLost(t.ring.lost())
	if t.untold > 0 {
		t.handle(Event{Lost: t.untold})
	}
}
