package initscript_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-initscript/initscript"
	"golang.org/x/sys/unix"
)

// TestMain leaves out examples that cannot work on this machine: they have no way to skip. As
// elsewhere, INITSCRIPT_MUST_WORK=1 makes a failure of that.
func TestMain(m *testing.M) {
	initscript.Main()
	flag.Parse()
	if err := tryUserNamespace(); err != nil && os.Getenv("INITSCRIPT_MUST_WORK") != "1" {
		// not in subprocesses, whose output is compared
		if flag.Lookup("test.run").Value.String() == "" {
			fmt.Fprintln(os.Stderr, "Examples that need user namespaces are left out:", err)
		}
		skip := flag.Lookup("test.skip").Value
		patterns := []string{"^(Example|ExampleIDMap|ExampleIDMapError)$"}
		if skip.String() != "" {
			patterns = append(patterns, skip.String())
		}
		if err := skip.Set(strings.Join(patterns, "|")); err != nil {
			log.Fatal(err)
		}
	}
	os.Exit(m.Run())
}

// tryUserNamespace does not use the package: some tests want to be the first that do.
func tryUserNamespace() error {
	cmd := exec.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	return cmd.Run()
}

// A program with a private /tmp that cannot gain privileges. It needs none to begin with: in its
// user namespace the caller is root.
func Example() {
	cmd := initscript.Command("/bin/ls", "/tmp")
	cmd.Namespaces = initscript.NewUser | initscript.NewMount
	cmd.UIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	cmd.GIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	cmd.Script = `
		C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE), nil)
		C.mount("tmpfs", "/tmp", "tmpfs", bit.bor(C.MS_NOSUID, C.MS_NODEV), nil)
		C.mkdir("/tmp/private", mode(7, 0, 0))
		C.cap_set_proc("=")
		set_no_new_privs()
	`
	out, err := cmd.Output()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", out)
	// Output: private
}

func ExampleCommand() {
	cmd := initscript.Command("sh", "-c", "umask")
	cmd.Env = []string{"PATH=/usr/bin:/bin"} // nothing of the caller's environment is passed
	cmd.Script = `C.umask(mode(0, 7, 7))`
	cmd.Stdout = os.Stdout
	if err := cmd.Run(); err != nil {
		log.Fatal(err)
	}
	// Output: 0077
}

// A context ends the process in whatever state it is, also while the script runs.
func ExampleCommandContext() {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	cmd := initscript.CommandContext(ctx, "/bin/true")
	cmd.Script = `while true do end`
	fmt.Println(cmd.Run())
	// Output: context deadline exceeded: init.script: killed by signal: killed
}

// The script can exchange messages and descriptors with the host through its global arg.
func ExampleCmd_arg() {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		log.Fatal(err)
	}
	host, arg := os.NewFile(uintptr(fds[0]), "host"), os.NewFile(uintptr(fds[1]), "script")
	defer host.Close()

	cmd := initscript.Command("") // ends after the script
	cmd.Arg = arg
	cmd.Script = `
		local name = C.read(arg, 100)
		C.write(arg, "Hello, " .. name .. "!")
	`
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	arg.Close() // now the end of the process is the end of the connection

	if _, err := host.Write([]byte("host")); err != nil {
		log.Fatal(err)
	}
	answer := make([]byte, 100)
	n, err := host.Read(answer)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", answer[:n])
	if err := cmd.Wait(); err != nil {
		log.Fatal(err)
	}
	// Output: Hello, host!
}

func ExampleCmd_CombinedOutput() {
	cmd := initscript.Command("/bin/sh", "-c", "echo to stdout; echo to stderr >&2")
	out, err := cmd.CombinedOutput()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", out)
	// Output:
	// to stdout
	// to stderr
}

// Files of the host that the program finds open, and the script too, two numbers higher.
func ExampleCmd_extraFiles() {
	reader, writer, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	defer reader.Close()

	cmd := initscript.Command("/bin/sh", "-c", "echo from the program >&3")
	cmd.ExtraFiles = []*os.File{writer}
	cmd.Script = `C.write(5, "from the script\n")`
	err = cmd.Run()
	writer.Close()
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(os.Stdout, reader); err != nil {
		log.Fatal(err)
	}
	// Output:
	// from the script
	// from the program
}

func ExampleCmd_Output() {
	cmd := initscript.Command("/bin/cat", "/proc/self/status")
	cmd.Script = `set_no_new_privs()`
	out, err := cmd.Output()
	if err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "NoNewPrivs:") {
			fmt.Println(strings.Fields(line))
		}
	}
	// Output: [NoNewPrivs: 1]
}

func ExampleCmd_Run() {
	cmd := initscript.Command("/bin/sh", "-c", "exit 3")
	fmt.Println(cmd.Run())
	// Output: exit status 3
}

// Start returns when the process exists. What happens in it after that is told by Wait.
func ExampleCmd_Start() {
	cmd := initscript.Command("/bin/echo", "from the program")
	cmd.Script = `print("from the script")`
	cmd.Stdout = os.Stdout
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	// Here other work can be done.
	if err := cmd.Wait(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// from the script
	// from the program
}

func ExampleCmd_StderrPipe() {
	cmd := initscript.Command("/bin/sh", "-c", "echo something is wrong >&2")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		log.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	text, err := io.ReadAll(stderr) // to its end, before Wait
	if err != nil {
		log.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", text)
	// Output: something is wrong
}

func ExampleCmd_StdinPipe() {
	cmd := initscript.Command("/usr/bin/tr", "a-z", "A-Z")
	cmd.Stdout = os.Stdout
	stdin, err := cmd.StdinPipe()
	if err != nil {
		log.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	if _, err := io.WriteString(stdin, "written by the host\n"); err != nil {
		log.Fatal(err)
	}
	if err := stdin.Close(); err != nil { // or the program would wait for more
		log.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		log.Fatal(err)
	}
	// Output: WRITTEN BY THE HOST
}

func ExampleCmd_StdoutPipe() {
	cmd := initscript.Command("/bin/sh", "-c", "echo 6 7")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		log.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	var a, b int
	if _, err := fmt.Fscan(stdout, &a, &b); err != nil {
		log.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(a * b)
	// Output: 42
}

// Whether the sandbox could be set up is known before the program has ended.
func ExampleCmd_WaitScript() {
	cmd := initscript.Command("/bin/cat")
	cmd.Script = `set_no_new_privs()`
	cmd.Stdout = os.Stdout
	stdin, err := cmd.StdinPipe()
	if err != nil {
		log.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	if err := cmd.WaitScript(); err != nil {
		log.Fatal(err)
	}
	if _, err := io.WriteString(stdin, "for a confined process only\n"); err != nil {
		log.Fatal(err)
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		log.Fatal(err)
	}
	// Output: for a confined process only
}

func ExampleExecError() {
	cmd := initscript.Command("no-such-program")
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	err := cmd.Run()
	var execError *initscript.ExecError
	if errors.As(err, &execError) {
		fmt.Println(execError)
		fmt.Println("not found:", execError.NotFound())
	}
	// Output:
	// exec no-such-program: not found in the PATH of the given environment
	// not found: true
}

func ExampleExitError() {
	cmd := initscript.Command("/bin/sh", "-c", "echo the cause >&2; exit 3")
	_, err := cmd.Output()
	var exitError *initscript.ExitError
	if errors.As(err, &exitError) {
		fmt.Println(exitError.ExitCode())
		fmt.Printf("%s", exitError.Stderr)
	}
	// Output:
	// 3
	// the cause
}

func ExampleFieldError() {
	cmd := initscript.Command("/bin/true")
	cmd.Env = []string{"LANG=C", "HOME"}
	err := cmd.Run()
	var fieldError *initscript.FieldError
	if errors.As(err, &fieldError) {
		fmt.Println(fieldError.Field)
		fmt.Println(err)
	}
	// Output:
	// Env[1]
	// Env[1]: "HOME" is not of the form key=value
}

// The caller is root inside, and remains who it was outside.
func ExampleIDMap() {
	cmd := initscript.Command("/usr/bin/id", "-u")
	cmd.Namespaces = initscript.NewUser
	cmd.UIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	cmd.GIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	cmd.Stdout = os.Stdout
	if err := cmd.Run(); err != nil {
		log.Fatal(err)
	}
	// Output: 0
}

func ExampleIDMapError() {
	cmd := initscript.Command("/bin/true")
	cmd.Namespaces = initscript.NewUser
	cmd.UIDMap = []initscript.IDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 0}}
	err := cmd.Start()
	var mapError *initscript.IDMapError
	if errors.As(err, &mapError) {
		fmt.Println(mapError.File, mapError.Err)
	}
	// Output: uid_map invalid argument
}

// Without NewUser, all namespaces need privileges.
func ExampleNamespaceError() {
	cmd := initscript.Command("/bin/true")
	cmd.Namespaces = initscript.NewNet
	err := cmd.Start()
	var namespaceError *initscript.NamespaceError
	if errors.As(err, &namespaceError) && errors.Is(err, unix.EPERM) {
		fmt.Println("not allowed to create namespaces:", namespaceError.Namespaces)
	}
}

func ExampleNamespaces() {
	set := initscript.NewPID | initscript.NewUser
	fmt.Println(set)
	fmt.Println("with a network of its own:", set&initscript.NewNet != 0)
	// Output:
	// user,pid
	// with a network of its own: false
}

func ExampleParseNamespaces() {
	set, err := initscript.ParseNamespaces("user,mount,pid")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(set == initscript.NewUser|initscript.NewMount|initscript.NewPID)

	_, err = initscript.ParseNamespaces("user,disk")
	fmt.Println(err)
	// Output:
	// true
	// unknown namespace "disk" (known: user, mount, pid, net, uts, ipc, cgroup, time)
}

func ExampleProcess_Kill() {
	cmd := initscript.Command("/bin/sleep", "1000")
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	if err := cmd.WaitScript(); err != nil {
		log.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(cmd.Wait())
	// Output: signal: killed
}

// A pidfd becomes readable when the process ends.
func ExampleProcess_PidFD() {
	cmd := initscript.Command("/bin/cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		log.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	pidfd, err := cmd.Process.PidFD()
	if err != nil {
		log.Fatal(err)
	}
	defer pidfd.Close()
	poll := []unix.PollFd{{Fd: int32(pidfd.Fd()), Events: unix.POLLIN}}

	n, err := unix.Poll(poll, 0)
	fmt.Println("ended:", n > 0, err)
	stdin.Close()
	n, err = unix.Poll(poll, -1)
	fmt.Println("ended:", n > 0, err)
	if err := cmd.Wait(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// ended: false <nil>
	// ended: true <nil>
}

func ExampleProcess_Signal() {
	cmd := initscript.Command("/bin/sleep", "1000")
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	if err := cmd.WaitScript(); err != nil { // a signal would end the script, too
		log.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		log.Fatal(err)
	}
	err := cmd.Wait()
	fmt.Println(err)
	fmt.Println(errors.Is(cmd.Process.Signal(syscall.SIGTERM), os.ErrProcessDone))
	// Output:
	// signal: terminated
	// true
}

func ExampleProcessState() {
	for _, program := range []string{"exit 0", "exit 3", "kill -TERM $$"} {
		cmd := initscript.Command("/bin/sh", "-c", program)
		if err := cmd.Start(); err != nil {
			log.Fatal(err)
		}
		cmd.Wait() // what happened is to be seen in the state
		state := cmd.ProcessState
		fmt.Printf("%-14s success %-5v exit status %2d  signal %d\n",
			program+":", state.Success(), state.ExitCode(), state.Signal())
	}
	// Output:
	// exit 0:        success true  exit status  0  signal 0
	// exit 3:        success false exit status  3  signal 0
	// kill -TERM $$: success false exit status -1  signal 15
}

func ExampleProcessState_MaxRSS() {
	cmd := initscript.Command("/bin/true")
	if err := cmd.Run(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("needs some memory:", cmd.ProcessState.MaxRSS() > 0)
	// Output: needs some memory: true
}

// A process that has confined itself in a way that cannot be seen from outside, for example with
// Landlock, drops the fork server that it had before. The parent of a child is its fork server.
func ExampleRenewServer() {
	forkServer := func() string {
		out, err := initscript.Command("/bin/sh", "-c", "echo $PPID").Output()
		if err != nil {
			log.Fatal(err)
		}
		return string(out)
	}
	before := forkServer()
	fmt.Println("kept:", forkServer() == before)
	initscript.RenewServer()
	fmt.Println("kept:", forkServer() == before)
	// Output:
	// kept: true
	// kept: false
}

func ExampleScriptError() {
	cmd := initscript.Command("/bin/true")
	cmd.ScriptName = "sandbox.lua"
	cmd.Script = `
		set_no_new_privs()
		C.chroot("/no/such/directory")
	`
	err := cmd.Run()
	var scriptError *initscript.ScriptError
	if errors.As(err, &scriptError) {
		fmt.Println("line:", scriptError.Line)
		fmt.Println("call:", scriptError.Func, scriptError.Args)
		fmt.Println("not there:", errors.Is(err, fs.ErrNotExist))
	}
	fmt.Println(err)
	// Output:
	// line: 3
	// call: chroot ["/no/such/directory"]
	// not there: true
	// sandbox.lua:3: chroot("/no/such/directory"): no such file or directory (ENOENT)
}
