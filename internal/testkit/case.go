//go:build linux

package testkit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// ScriptCase is a script, with what it must do, print and return.
type ScriptCase struct {
	Name   string
	Script string // after the prelude, on the same line
	As     Privilege
	In     initscript.Namespaces             // where the script is root of a user namespace
	Set    func(*testing.T, *initscript.Cmd) // changes the Cmd
	Peer   *Peer
	Then   string // shell commands that run after the script

	Sent   []string // the messages of S and R
	Stdout string
	Stderr string
	Files  map[string]string       // what files in the working directory contain afterwards
	Err    *initscript.ScriptError // nil: success
	Status int                     // of a process that ends neither with 0 nor with Err
	Exits  bool                    // the script ends the process in place of the program
	Signal syscall.Signal          // which ends the process although Err is another failure
}

// Privilege says who runs a case.
type Privilege int

const (
	Anybody      Privilege = iota
	OrdinaryUser           // the script of root becomes one first
	Privileged             // root, outside of user namespaces
)

// Peer is a socket pair whose one end is descriptor 5 in the script.
type Peer struct {
	Kind     int                   // SOCK_SEQPACKET if not given
	Set      func(*testing.T, int) // for the script's end
	Queued   []Message             // what the script finds there
	HangUp   bool                  // no other end any more
	Received []Message             // what the script leaves for the other end
}

// Message is some bytes with descriptors.
type Message struct {
	Data string
	FDs  int
}

// The beginnings and endings of texts on stderr.
const (
	initPrefix  = "<3>ipc_actor/init"
	inMainChunk = "stack traceback:\n\tinit.script:1: in main chunk\n"
)

// strerror has the texts of strerror(3) in the C locale.
var strerror = map[syscall.Errno]string{
	unix.EPERM:        "Operation not permitted",
	unix.ENOENT:       "No such file or directory",
	unix.E2BIG:        "Argument list too long",
	unix.EBADF:        "Bad file descriptor",
	unix.EACCES:       "Permission denied",
	unix.EFAULT:       "Bad address",
	unix.EBUSY:        "Device or resource busy",
	unix.EEXIST:       "File exists",
	unix.ENODEV:       "No such device",
	unix.ENOTDIR:      "Not a directory",
	unix.EISDIR:       "Is a directory",
	unix.EINVAL:       "Invalid argument",
	unix.EDOM:         "Numerical argument out of domain",
	unix.EPIPE:        "Broken pipe",
	unix.EROFS:        "Read-only file system",
	unix.ENAMETOOLONG: "File name too long",
	unix.ENOMSG:       "No message of desired type",
	unix.EBADFD:       "File descriptor in bad state",
	unix.ENOTSOCK:     "Socket operation on non-socket",
	unix.EAFNOSUPPORT: "Address family not supported by protocol",
	unix.ESRCH:        "No such process",
	unix.EAGAIN:       "Resource temporarily unavailable",
	unix.EXDEV:        "Invalid cross-device link",
	unix.EMFILE:       "Too many open files",
	unix.ENOTEMPTY:    "Directory not empty",
	unix.EOPNOTSUPP:   "Operation not supported",
	unix.ELOOP:        "Too many levels of symbolic links",
}

// CallFailed is the error of a call that failed on line 1.
func CallFailed(function string, errno syscall.Errno, args ...string) *initscript.ScriptError {
	return &initscript.ScriptError{Func: function, Args: args, Errno: errno, Line: 1}
}

// Killed is the error of a script that a signal has ended.
func Killed(signal syscall.Signal) *initscript.ScriptError {
	return &initscript.ScriptError{Signal: signal}
}

// MemoryExhausted is the error of a script that wanted more memory than its limit.
var MemoryExhausted = &initscript.ScriptError{
	Message: "the script's memory limit is exhausted", Errno: unix.ENOMEM,
}

// Run runs the script and compares its effects with the expected ones.
func (c *ScriptCase) Run(t *testing.T) {
	t.Helper()
	script := Lua("case")
	directory := OpenDirectory(t)
	options := []func(*initscript.Cmd){func(cmd *initscript.Cmd) { cmd.Dir = directory }}
	switch {
	case c.As == Privileged:
		RequireRoot(t)
	case c.As == OrdinaryUser && os.Geteuid() == 0:
		script += Lua("drop_privileges")
	}
	if c.In != 0 {
		RequireUserNamespaces(t)
		script += Lua("check_user_namespace")
		options = append(options, InUserNamespace(c.In))
	}
	if c.Then != "" {
		options = append(options, WithProgram("/bin/sh", "-c", c.Then))
	}
	check := func() {}
	if c.Peer != nil {
		end, checkPeer := c.Peer.connect(t)
		check = checkPeer
		options = append(options, func(cmd *initscript.Cmd) { cmd.ExtraFiles = []*os.File{end} })
	}
	if c.Set != nil {
		options = append(options, func(cmd *initscript.Cmd) { c.Set(t, cmd) })
	}
	r := RunScript(t, script+c.Script, options...)
	c.check(t, r)
	check()
	for name, want := range c.Files {
		if got, err := os.ReadFile(filepath.Join(directory, name)); err != nil || string(got) != want {
			t.Errorf("the file %s contains %q (%v), want %q", name, got, err, want)
		}
	}
}

func (c *ScriptCase) check(t *testing.T, r Result) {
	t.Helper()
	if !slices.Equal(r.Sent, c.Sent) {
		t.Errorf("sent %q, want %q", r.Sent, c.Sent)
	}
	if r.Stdout != c.Stdout {
		t.Errorf("stdout %q, want %q", r.Stdout, c.Stdout)
	}
	if r.Stderr != c.Stderr {
		t.Errorf("stderr %q, want %q", r.Stderr, c.Stderr)
	}
	status, signal := c.Status, c.Signal
	var exit *initscript.ExitError
	var failure *initscript.ScriptError
	switch {
	case c.Exits:
		if !errors.As(r.Err, &failure) || failure.Exited == nil || failure.Exited.ExitCode() != status {
			t.Errorf("error %v, want the script's own end with status %d", r.Err, status)
		}
	case c.Err != nil:
		checkScriptError(t, r.Err, c.Err)
		status = 1
		if c.Err.Signal != 0 {
			signal = c.Err.Signal
		}
	case status != 0 || signal != 0:
		if !errors.As(r.Err, &exit) {
			t.Errorf("error %v, want an *ExitError", r.Err)
		}
	case r.Err != nil:
		t.Errorf("error %v", r.Err)
	}
	if signal != 0 {
		status = -1
	}
	if r.State.ExitCode() != status || r.State.Signal() != signal {
		t.Errorf("the process ended with %v", r.State)
	}
	// The same traceback, where one is on stderr.
	var scriptError *initscript.ScriptError
	_, traceback, found := strings.Cut(r.Stderr, "stack traceback:\n")
	if found && errors.As(r.Err, &scriptError) {
		if got := scriptError.Traceback; got+"\n" != "stack traceback:\n"+traceback {
			t.Errorf("the error has the traceback %q", got)
		}
	}
}

func checkScriptError(t *testing.T, err error, want *initscript.ScriptError) {
	t.Helper()
	var got *initscript.ScriptError
	if !errors.As(err, &got) {
		t.Errorf("error %v, want a *ScriptError", err)
		return
	}
	if want.Errno != 0 && !errors.Is(err, want.Errno) {
		t.Errorf("error %v is not %v", err, want.Errno)
	}
	if want.Func != "" && !strings.HasPrefix(got.Traceback, "stack traceback:\n\t") {
		t.Errorf("traceback of the failed Call: %q", got.Traceback)
	}
	g, w := *got, *want
	g.Traceback, w.Traceback = "", ""
	g.Hint, w.Hint = "", "" // TestHints
	if w.ScriptName == "" {
		w.ScriptName = "init.script"
	}
	if len(g.Args) == 0 && len(w.Args) == 0 {
		g.Args, w.Args = nil, nil
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("error %+v, want %+v", g, w)
	}
}

// connect makes the socket pair and returns the script's end, and what to call when the
// script has ended.
func (p *Peer) connect(t *testing.T) (*os.File, func()) {
	t.Helper()
	kind := p.Kind
	if kind == 0 {
		kind = unix.SOCK_SEQPACKET
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	Must(t, err)
	end := os.NewFile(uintptr(pair[0]), "script's end")
	t.Cleanup(func() { end.Close() })
	if p.Set != nil {
		p.Set(t, pair[0])
	}
	for _, m := range p.Queued {
		sendTo(t, pair[1], m)
	}
	if p.HangUp {
		Must(t, unix.Close(pair[1]))
		return end, func() {}
	}
	t.Cleanup(func() { unix.Close(pair[1]) })
	return end, func() {
		for _, want := range p.Received {
			if got := receiveFrom(t, pair[1]); got != want {
				t.Errorf("the peer received %+v, want %+v", got, want)
			}
		}
		n, _, _, _, err := unix.Recvmsg(pair[1], make([]byte, 1), nil, unix.MSG_DONTWAIT)
		if err != unix.EAGAIN {
			t.Errorf("one more message for the Peer: %d bytes, %v", n, err)
		}
	}
}

func sendTo(t *testing.T, socket int, m Message) {
	t.Helper()
	null, err := os.Open(os.DevNull)
	Must(t, err)
	defer null.Close()
	var rights []byte
	if m.FDs > 0 {
		fds := make([]int, m.FDs)
		for i := range fds {
			fds[i] = int(null.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	Must(t, unix.Sendmsg(socket, []byte(m.Data), rights, nil, 0))
}

func receiveFrom(t *testing.T, socket int) Message {
	t.Helper()
	data, rights := make([]byte, 1<<10), make([]byte, 1<<10)
	const flags = unix.MSG_DONTWAIT | unix.MSG_CMSG_CLOEXEC
	n, rightsLength, _, _, err := unix.Recvmsg(socket, data, rights, flags)
	if err != nil {
		t.Errorf("the peer received nothing: %v", err)
		return Message{}
	}
	received := Message{Data: string(data[:n])}
	messages, err := unix.ParseSocketControlMessage(rights[:rightsLength])
	Must(t, err)
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		Must(t, err)
		received.FDs += len(fds)
		for _, fd := range fds {
			unix.Close(fd)
		}
	}
	return received
}

// FailureCase is a call that fails. It is tried twice: with errexit it ends the process, without
// it returns.
type FailureCase struct {
	Name    string // what it is about, where call does not say it
	Before  string // precedes the call
	Call    string
	Errno   syscall.Errno
	Report  string // the call as *ScriptError has it
	Results string // without errexit; "-1,ERRNO" if not given
	As      Privilege
	In      initscript.Namespaces
	Peer    *Peer
}

// Function returns the name of what is called.
func (c *FailureCase) Function() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(c.Call, "C."), "(")
	return name
}

// text is what appears on Stderr: Emilua's helpers say less than the functions of table C.
func (c *FailureCase) text() string {
	prefix, traceback := initPrefix, ""
	switch {
	case strings.HasPrefix(c.Call, "C."):
		prefix, traceback = initPrefix+"/"+c.Function(), inMainChunk
	case c.Function() == "write_all":
		prefix = initPrefix + "/write_all"
	}
	return prefix + ": " + strerror[c.Errno] + "\n" + traceback
}

// Run tries the call with errexit and without.
func (c *FailureCase) Run(t *testing.T) {
	t.Helper()
	c.requireNoFilterOn(t)
	function, args, _ := strings.Cut(strings.TrimSuffix(c.Report, ")"), "(")
	fails := ScriptCase{
		Script: c.Before + " " + c.Call, As: c.As, In: c.In, Peer: c.Peer,
		Stderr: c.text(),
		Err:    CallFailed(function, c.Errno),
	}
	if args != "" {
		fails.Err.Args = strings.Split(args, ", ")
	}
	fails.Run(t)

	results := c.Results
	if results == "" {
		results = fmt.Sprintf("-1,%d", c.Errno)
	}
	returns := ScriptCase{
		Script: c.Before + " errexit = false R(" + c.Call + ") S('goes on')",
		As:     c.As, In: c.In, Peer: c.Peer,
		Sent: []string{results, "goes on"},
	}
	returns.Run(t)
}

// DeathCase is a call that ends the process whatever errexit says and whatever calls it, without
// a traceback on stderr.
type DeathCase struct {
	Name   string
	Call   string // function, arguments...: what follows "pcall("
	Part   string // what the message calls it
	Report string // its arguments as *ScriptError has them
}

// Run tries the call, protected and without errexit.
func (c *DeathCase) Run(t *testing.T) {
	t.Helper()
	function, _, _ := strings.Cut(c.Part, "/")
	dies := ScriptCase{
		Script: "errexit = false pcall(" + c.Call + ") S('goes on')",
		Stderr: initPrefix + "/" + c.Part + ": Invalid argument\n",
		Err:    CallFailed(function, unix.EINVAL),
	}
	if c.Report != "" {
		dies.Err.Args = strings.Split(c.Report, ", ")
	}
	dies.Run(t)
}

// RaiseCase is a call that raises a Lua error: one that can be caught, whatever errexit says.
type RaiseCase struct {
	Call    string
	Message string
}

// Run tries the call with errexit and without.
func (c *RaiseCase) Run(t *testing.T) {
	t.Helper()
	raises := ScriptCase{
		Script: "for _, value in ipairs({true, false}) do errexit = value " +
			"R(pcall(function() " + c.Call + " end)) end",
		Sent: []string{"false," + c.Message, "false," + c.Message},
	}
	raises.Run(t)
}

// RunCases runs each as a subtest of its name.
func RunCases(t *testing.T, cases []ScriptCase) {
	for _, c := range cases {
		t.Run(c.Name, c.Run)
	}
}

// RunFailures runs each as a subtest, named for the call.
func RunFailures(t *testing.T, cases []FailureCase) {
	for _, c := range cases {
		t.Run(strings.TrimSpace("failure of "+c.Call+" "+c.Name), c.Run)
	}
}

// RunDeaths runs each as a subtest, named for the call.
func RunDeaths(t *testing.T, cases []DeathCase) {
	for _, c := range cases {
		t.Run("death by "+c.Call, c.Run)
	}
}

// RunRaises runs each as a subtest, named for the call.
func RunRaises(t *testing.T, cases []RaiseCase) {
	for _, c := range cases {
		t.Run("error of "+c.Call, c.Run)
	}
}

// requireNoFilterOn skips a case whose call the container's filter refuses before the kernel can
// refuse it for the reason that the case is about.
func (c *FailureCase) requireNoFilterOn(t *testing.T) {
	t.Helper()
	if c.As == Privileged {
		RequireRoot(t)
	}
	if SeccompAtStart(t) == "0" || c.Errno == unix.EPERM || c.In != 0 || c.Peer != nil {
		return
	}
	r := RunScript(t, Lua("case")+c.Before+" errexit = false S(select(2, "+c.Call+"))")
	if r.Err == nil && len(r.Sent) == 1 && r.Sent[0] == strconv.Itoa(int(unix.EPERM)) {
		t.Skipf("a seccomp filter of this container forbids %s", c.Function())
	}
}

// NoCapabilities is an empty set of them, as in /proc/PID/status.
const NoCapabilities = "0000000000000000"
