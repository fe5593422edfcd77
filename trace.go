package initscript

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/go-initscript/initscript/internal/errtext"
	"github.com/go-initscript/initscript/internal/printable"
)

// A TraceEvent is one call that a script has made: a function of the table C or a helper such as
// write_all. [Cmd.Trace] gets them in the order in which the calls ended.
type TraceEvent struct {
	ScriptName string
	Line       int      // of the script; 0 when not known
	Func       string   // for example "mount"
	Args       []string // as strace(1) shows them: O_RDONLY|O_CLOEXEC, "/etc/passwd", 5</etc/passwd>
	Results    []string // the same, without errno
	Errno      syscall.Errno
	End        TraceEnd

	// Start is when the call began, since Cmd.Start; Duration is how long it took. Both are 0 where
	// the machine has no clock that can be read without a system call, and accurate to a few
	// milliseconds only where the kernel's clock source is not the processor's counter.
	Start, Duration time.Duration

	// Lost is how many calls right before this one are missing, because the script made them faster
	// than Cmd.Trace took them. An event whose Func is "" has nothing but this.
	Lost uint64
}

// TraceEnd says how a traced call ended.
type TraceEnd string

const (
	// TraceReturned: the call returned to the script, or its failure ended the process.
	TraceReturned TraceEnd = "returned"
	// TraceRaised: the call raised a Lua error, most often because of a wrong argument.
	TraceRaised TraceEnd = "raised"
	// TraceUnfinished: the call never returned: the process became another program in it (execve),
	// or was killed.
	TraceUnfinished TraceEnd = "unfinished"
)

// String returns the event as one line in the style of strace(1), without a line feed.
func (e TraceEvent) String() string {
	var text strings.Builder
	if e.Lost > 0 {
		fmt.Fprintf(&text, "%s: %d calls lost", e.ScriptName, e.Lost)
		if e.Func == "" {
			return text.String()
		}
		text.WriteByte('\n')
	}
	text.WriteString(e.ScriptName)
	if e.Line > 0 {
		fmt.Fprintf(&text, ":%d", e.Line)
	}
	fmt.Fprintf(&text, ": %s(%s)", e.Func, strings.Join(e.Args, ", "))
	switch e.End {
	case TraceRaised:
		text.WriteString(" = ? (Lua error)")
		return text.String()
	case TraceUnfinished:
		text.WriteString(" = ?")
		return text.String()
	}
	if len(e.Results) > 0 {
		text.WriteString(" = " + strings.Join(e.Results, ", "))
	}
	if e.Errno != 0 {
		fmt.Fprintf(&text, " %s (%v)", errnoName(e.Errno), e.Errno)
	}
	fmt.Fprintf(&text, " <%d us>", e.Duration.Microseconds())
	return text.String()
}

// errnoName returns the symbolic name, or the number where there is none.
func errnoName(errno syscall.Errno) string {
	if name := errtext.Symbol(errno); name != "" {
		return name
	}
	return fmt.Sprintf("errno %d", int(errno))
}

// MarshalJSON returns an object with the keys script, line, func, args, results, errno (its name),
// end, start_us, us and lost. Keys without a value are left out.
func (e TraceEvent) MarshalJSON() ([]byte, error) {
	object := struct {
		Script  string   `json:"script"`
		Line    int      `json:"line,omitempty"`
		Func    string   `json:"func,omitempty"`
		Args    []string `json:"args,omitempty"`
		Results []string `json:"results,omitempty"`
		Errno   string   `json:"errno,omitempty"`
		End     TraceEnd `json:"end,omitempty"`
		Start   int64    `json:"start_us"`
		US      int64    `json:"us"`
		Lost    uint64   `json:"lost,omitempty"`
	}{
		e.ScriptName, e.Line, e.Func, e.Args, e.Results, "", e.End,
		e.Start.Microseconds(), e.Duration.Microseconds(), e.Lost,
	}
	if e.Errno != 0 {
		object.Errno = errnoName(e.Errno)
	}
	text, err := json.Marshal(object)
	return printable.JSON(text), err
}

// TraceText returns a function for [Cmd.Trace] that writes each event to w as a line of text, with
// one Write. After a Write that failed it writes nothing more.
func TraceText(w io.Writer) func(TraceEvent) {
	return traceLines(w, func(e TraceEvent) ([]byte, error) {
		return []byte(printable.Lines(e.String())), nil
	})
}

// TraceJSON is like TraceText; each line is a JSON object, see [TraceEvent.MarshalJSON].
func TraceJSON(w io.Writer) func(TraceEvent) {
	return traceLines(w, func(e TraceEvent) ([]byte, error) { return json.Marshal(e) })
}

func traceLines(w io.Writer, format func(TraceEvent) ([]byte, error)) func(TraceEvent) {
	var failed error
	return func(e TraceEvent) {
		if failed != nil {
			return
		}
		line, err := format(e)
		if err == nil {
			_, err = w.Write(append(line, '\n'))
		}
		failed = err
	}
}
