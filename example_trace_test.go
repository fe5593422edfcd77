package initscript_test

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/go-initscript/initscript"
)

// Tracing tells what a script does, here without the times.
func ExampleTraceEvent() {
	cmd := initscript.Command("/bin/true")
	cmd.ScriptName = "box.lua"
	cmd.Script = `
		local fd = C.open("/etc/passwd", bit.bor(C.O_RDONLY, C.O_CLOEXEC))
		C.close(fd)
		errexit = false
		C.mkdir("/etc/passwd", mode(7, 5, 5))`
	cmd.Trace = func(e initscript.TraceEvent) {
		fmt.Printf("%s:%d: %s(%s) = %s, %v\n", e.ScriptName, e.Line, e.Func, strings.Join(e.Args, ", "),
			strings.Join(e.Results, ", "), e.Errno)
	}
	if err := cmd.Run(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// box.lua:2: open("/etc/passwd", O_RDONLY|O_CLOEXEC) = 4</etc/passwd>, errno 0
	// box.lua:3: close(4</etc/passwd>) = 0, errno 0
	// box.lua:5: mode(7, 5, 5) = 0755, errno 0
	// box.lua:5: mkdir("/etc/passwd", 0755) = -1, file exists
}

// The last event of a script that fails shows the call that failed.
func ExampleTraceText() {
	var trace strings.Builder
	cmd := initscript.Command("")
	cmd.Script = `C.chdir("/does/not/exist")`
	cmd.Trace = initscript.TraceText(&trace)
	err := cmd.Run()
	text, _, _ := strings.Cut(trace.String(), " <") // without the duration
	fmt.Println(text)
	fmt.Println(err)
	// Output:
	// init.script:1: chdir("/does/not/exist") = -1 ENOENT (no such file or directory)
	// init.script:1: chdir("/does/not/exist"): no such file or directory (ENOENT)
}

func ExampleTraceJSON() {
	write := initscript.TraceJSON(os.Stdout)
	write(initscript.TraceEvent{
		ScriptName: "box.lua", Line: 3, Func: "getpid", Results: []string{"2"},
		End: initscript.TraceReturned, Start: 9 * time.Microsecond, Duration: 2 * time.Microsecond,
	})
	// Output:
	// {"script":"box.lua","line":3,"func":"getpid","results":["2"],"end":"returned","start_us":9,"us":2}
}

func ExampleTraceEvent_String() {
	fmt.Println(initscript.TraceEvent{
		ScriptName: "box.lua", Line: 7, Func: "execve", Args: []string{`"/bin/sh"`, `{"sh"}`, "{}"},
		End: initscript.TraceUnfinished,
	})
	// Output:
	// box.lua:7: execve("/bin/sh", {"sh"}, {}) = ?
}

func ExampleTraceEvent_MarshalJSON() {
	line, err := json.Marshal(initscript.TraceEvent{ScriptName: "box.lua", Lost: 3})
	fmt.Println(string(line), err)
	// Output:
	// {"script":"box.lua","start_us":0,"us":0,"lost":3} <nil>
}
