package actors_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-initscript/initscript/internal/actortest"
	"github.com/go-initscript/initscript/internal/testkit"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/mailbox"
	"golang.org/x/sys/unix"
)

func TestActorEnvironment(t *testing.T) {
	tests := []struct {
		name     string
		env      []string
		question string
		want     any
	}{
		{"none", nil, "environ", []any{[]any{}, []any{}}},
		{"exactly the given", []string{"B=2", "A=1", "B=3", "EMPTY="}, "environ",
			[]any{[]any{"A=1", "B=3", "EMPTY="}, []any{"A=1", "B=3", "EMPTY="}}},
		{"GOMAXPROCS", []string{"GOMAXPROCS=1"}, "gomaxprocs", int64(1)},
		{"GOGC", []string{"GOGC=37"}, "gogc", int64(37)},
		{"GOMEMLIMIT", []string{"GOMEMLIMIT=123MiB"}, "gomemlimit", int64(123 << 20)},
		{"GODEBUG", []string{"GODEBUG=panicnil=1"}, "panicnil", "<nil>"},
		{"no GODEBUG", nil, "panicnil", "panic called with nil argument"},
		{"arguments", nil, "args", []any{os.Args[0]}},
	}
	t.Setenv("GOGC", "77") // the host's own are nobody's business
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			actor := actortest.Spawn(t, initscript.Actor{Entry: "probe", Env: test.env})
			if got := actortest.Ask(t, actor, test.question); !reflect.DeepEqual(got, test.want) {
				t.Errorf("%s: %#v, want %#v", test.question, got, test.want)
			}
			actortest.Finish(t, actor)
		})
	}
	t.Run("many", func(t *testing.T) {
		var env []string
		for i := range 5000 {
			env = append(env, fmt.Sprintf("VARIABLE_%d=%s", i, strings.Repeat("x", i%300)))
		}
		actor := actortest.Spawn(t, initscript.Actor{Entry: "probe", Env: env})
		got := actortest.Ask(t, actor, "environ").([]any)[0].([]any)
		if len(got) != len(env) || got[4999] != env[4999] || got[0] != env[0] {
			t.Errorf("%d variables, want %d", len(got), len(env))
		}
	})
}

// The server's AT_RANDOM would seed all actors alike.
func TestActorsHaveDifferentRandomNumbers(t *testing.T) {
	seen := make(map[any]bool)
	for range 3 {
		for _, number := range actortest.Ask(t, actortest.Spawn(t, initscript.Actor{Entry: "probe"}),
			"random").([]any) {
			if seen[number] {
				t.Errorf("%v occurs twice", number)
			}
			seen[number] = true
		}
	}
}

// emptyRoot leaves nothing of the file system, not even /proc.
const emptyRoot = `
	C.mount(nil, "/", nil, bit.bor(C.MS_REC, C.MS_PRIVATE), nil)
	C.mount("tmpfs", "/mnt", "tmpfs", 0, nil)
	C.chdir("/mnt")
	C.pivot_root(".", ".")
	C.umount2(".", C.MNT_DETACH)
`

func TestActorInEmptyRoot(t *testing.T) {
	testkit.RequireUserNamespaces(t)
	for _, more := range []initscript.Namespaces{0, initscript.NewPID,
		initscript.NewPID | initscript.NewTime | initscript.NewNet} {
		t.Run(more.String(), func(t *testing.T) {
			actor := actortest.Spawn(t, actortest.MappedToRoot(initscript.Actor{Entry: "probe",
				Namespaces: initscript.NewMount | more, Script: emptyRoot}))
			if got := actortest.Ask(t, actor, "list", "/"); !reflect.DeepEqual(got, []any{}) {
				t.Errorf("in the root directory: %v", got)
			}
			if got := actortest.Ask(t, actor, "getcwd"); got != "/" {
				t.Errorf("working directory: %v", got)
			}
			if got := actortest.Ask(t, actor, "open",
				"/proc/self/status"); !strings.HasPrefix(fmt.Sprint(got), "error:") {
				t.Errorf("/proc is there: %v", got)
			}
			actortest.Ask(t, actor, "collect")
			wantPid := int64(actor.Pid())
			if more&initscript.NewPID != 0 {
				wantPid = 2
			}
			if got := actortest.Ask(t, actor, "pid"); got != wantPid {
				t.Errorf("pid in the actor: %v, want %d", got, wantPid)
			}
			actortest.Finish(t, actor)
		})
	}
}

func TestActorFailures(t *testing.T) {
	tests := []struct {
		entry, message, stack string
	}{
		{"error", "no luck: input/output error", ""},
		{"panic", "panic: the cat is in the box", "entries_test.go"},
		{"panicInGoroutine", "panic: the cat is out", "entries_test.go"},
		{"goexit", "the entry has called runtime.Goexit", ""},
		{"concurrent map writes", "fatal error", "entries_test.go"},
	}
	for _, test := range tests {
		for _, namespaces := range []initscript.Namespaces{0, initscript.NewUser | initscript.NewPID} {
			t.Run(test.entry+" "+namespaces.String(), func(t *testing.T) {
				if namespaces != 0 {
					testkit.RequireUserNamespaces(t)
				}
				actor := actortest.Spawn(t, initscript.Actor{Entry: test.entry, Namespaces: namespaces})
				if message, err := actor.Receive(actortest.Context(t)); err != io.EOF {
					t.Errorf("receive: %v, %v", message, err)
				}
				err := actor.Wait()
				var actorError *initscript.ActorError
				if !errors.As(err, &actorError) || actorError.Entry != test.entry {
					t.Fatalf("%T %v", err, err)
				}
				if !strings.HasPrefix(actorError.Message, test.message) ||
					!strings.Contains(actorError.Stack, test.stack) {
					t.Errorf("message %q, stack %q", actorError.Message, actorError.Stack)
				}
				if again := actor.Wait(); again != err {
					t.Errorf("the second Wait: %v", again)
				}
			})
		}
	}
	t.Run("long error", func(t *testing.T) {
		var actorError *initscript.ActorError
		err := actortest.Spawn(t, initscript.Actor{Entry: "longError"}).Wait()
		if !errors.As(err, &actorError) || len(actorError.Message) < 8192 ||
			strings.Trim(actorError.Message, "x") != "" {
			t.Errorf("%T of %d bytes", err, len(fmt.Sprint(err)))
		}
	})
	t.Run("forged reports", func(t *testing.T) {
		var actorError *initscript.ActorError
		err := actortest.Spawn(t, initscript.Actor{Entry: "forge"}).Wait()
		if !errors.As(err, &actorError) || actorError.Message != "the truth" {
			t.Errorf("%T %v", err, err)
		}
	})
	for entry, want := range map[string]string{"exit 3": "exit status 3", "killed": "signal: killed"} {
		t.Run(entry, func(t *testing.T) {
			var exit *initscript.ExitError
			if err := actortest.Spawn(t, initscript.Actor{Entry: entry}).Wait(); !errors.As(err,
				&exit) || err.Error() != want {
				t.Errorf("%T %v, want %s", err, err, want)
			}
		})
	}
}

func TestSpawnErrors(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	tests := []struct {
		name   string
		ctx    context.Context
		config initscript.Actor
		want   string
	}{
		{"unknown entry", nil, initscript.Actor{Entry: "nobody"},
			`Entry: "nobody" is not registered; registered are [`},
		{"no entry", nil, initscript.Actor{},
			`Entry: exactly one of Entry, Module and ModuleSource has to be set`},
		{"time namespace alone", nil, initscript.Actor{Entry: "wait",
			Namespaces: initscript.NewUser | initscript.NewTime},
			"Namespaces: an actor enters a time namespace only together with NewPID"},
		{"Env", nil, initscript.Actor{Entry: "wait", Env: []string{"FOO"}},
			`Env[0]: "FOO" is not of the form key=value`},
		{"call fails", nil, initscript.Actor{Entry: "wait", ScriptName: "box",
			Script: "\nC.open('/none', 0)"},
			`box:2: open("/none", 0): no such file or directory (ENOENT)`},
		{"script fails", nil, initscript.Actor{Entry: "wait", Script: "error('no')"},
			"init.script:1: no"},
		{"script does not load", nil, initscript.Actor{Entry: "wait", Script: "x = ="},
			"init.script:1: unexpected symbol near '='"},
		{"script exits", nil, initscript.Actor{Entry: "wait", Script: "os.exit(0)"},
			"init.script: the script has ended the process with status 0; what was to follow did not " +
				"run"},
		{"script exits with 7", nil, initscript.Actor{Entry: "wait", Script: "os.exit(7)"},
			"init.script: the script has ended the process with status 7; what was to follow did not " +
				"run"},
		{"script executes", nil, initscript.Actor{Entry: "wait",
			Script: "C.execve('/bin/true', {'true'})"},
			"actor wait: the script has executed another program in its place"},
		{"context is done", cancelled, initscript.Actor{Entry: "wait"}, "context canceled"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx := test.ctx
			if ctx == nil {
				ctx = actortest.Context(t)
			}
			actor, err := initscript.Spawn(ctx, test.config)
			if actor != nil || err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%v, %v; want %s", actor, err, test.want)
			}
		})
	}
	t.Run("script never ends", func(t *testing.T) {
		ctx, cancel := context.WithCancel(actortest.Context(t))
		host, arg := testkit.Socketpair(t)
		go func() {
			host.Read(make([]byte, 1))
			cancel()
		}()
		_, err := initscript.Spawn(ctx, initscript.Actor{Entry: "wait", Arg: arg,
			Script: `C.write(arg, "x") while true do end`})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestSpawnWithoutMain(t *testing.T) {
	if os.Getenv(withoutMain) == "" {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestSpawnWithoutMain$")
		cmd.Env = append(os.Environ(), withoutMain+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	_, err := initscript.Spawn(actortest.Context(t), initscript.Actor{Entry: "wait"})
	if err == nil || !strings.Contains(err.Error(), "has to call initscript.Main first") {
		t.Errorf("%v", err)
	}
}

func TestRegisterMisuse(t *testing.T) {
	for _, name := range []string{"", "a\x00b", "probe"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Register(%q) did not panic", name)
				}
			}()
			initscript.Register(name, func(*initscript.Self) error { return nil })
		}()
	}
}

func TestActorLifecycle(t *testing.T) {
	t.Run("Kill", func(t *testing.T) {
		actor := actortest.Spawn(t, initscript.Actor{Entry: "wait"})
		testkit.Must(t, actor.Kill())
		var exit *initscript.ExitError
		if err := actor.Wait(); !errors.As(err, &exit) || exit.Signal() != syscall.SIGKILL {
			t.Errorf("%v", err)
		}
		if err := actor.Kill(); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("after the end: %v", err)
		}
		if err := actor.Detach(); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("Detach after the end: %v", err)
		}
		if err := actor.Send(actortest.Context(t), "x"); err == nil {
			t.Error("Send to the dead")
		}
	})
	t.Run("Signal", func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		for _, namespaces := range []initscript.Namespaces{0, initscript.NewUser | initscript.NewPID} {
			actor := actortest.Spawn(t, initscript.Actor{Entry: "wait", Namespaces: namespaces})
			testkit.Must(t, actor.Signal(syscall.SIGTERM))
			want := "signal: terminated"
			if namespaces != 0 {
				want = "exit status 143" // from the init process
			}
			if err := actor.Wait(); err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
	})
	t.Run("Close", func(t *testing.T) {
		actor := actortest.Spawn(t, initscript.Actor{Entry: "wait"})
		testkit.Must(t, actor.Close())
		var actorError *initscript.ActorError
		if err := actor.Wait(); !errors.As(err, &actorError) || actorError.Message != "EOF" {
			t.Errorf("%v", err)
		}
	})
	t.Run("context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(actortest.Context(t))
		actor, err := initscript.Spawn(ctx, initscript.Actor{Entry: "wait"})
		testkit.Must(t, err)
		defer actor.Close()
		cancel()
		if err := actor.Wait(); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
	t.Run("context after Detach", func(t *testing.T) {
		ctx, cancel := context.WithCancel(actortest.Context(t))
		actor, err := initscript.Spawn(ctx, initscript.Actor{Entry: "probe"})
		testkit.Must(t, err)
		testkit.Must(t, actor.Detach())
		cancel()
		actortest.Ask(t, actor, "pid")
		actortest.Finish(t, actor)
	})
	t.Run("ProcessState", func(t *testing.T) {
		actor := actortest.Spawn(t, initscript.Actor{Entry: "probe"})
		actortest.Ask(t, actor, "collect")
		actortest.Finish(t, actor)
		if state := actor.ProcessState(); !state.Success() || state.Pid() != actor.Pid() ||
			state.MaxRSS() < 1<<20 {
			t.Errorf("%+v", state)
		}
	})
}

// A host of its own starts actors, two of them below one another, detaches one and gets killed.
func TestActorsDieWithTheirHost(t *testing.T) {
	const marker = "INITSCRIPT_TEST_ACTOR_HOST"
	if os.Getenv(marker) == "1" {
		beHostOfActors(t)
		return
	}
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		host := exec.Command("/proc/self/exe", "-test.run=^TestActorsDieWithTheirHost$")
		host.Env = append(os.Environ(), marker+"=1")
		host.Stderr = os.Stderr
		stdout, err := host.StdoutPipe()
		testkit.Must(t, err)
		testkit.Must(t, host.Start())
		line, err := bufio.NewReader(stdout).ReadString('\n')
		testkit.Must(t, err)
		var pidfds []int
		for _, word := range strings.Fields(line) {
			pid, err := strconv.Atoi(word)
			if err != nil {
				t.Fatalf("the host: %s", line)
			}
			pidfds = append(pidfds, testkit.OpenPidfd(t, pid))
		}
		if len(pidfds) != 6 {
			t.Fatalf("the host: %s", line)
		}
		host.Process.Signal(signal)
		host.Wait()
		for _, pidfd := range pidfds[1:] {
			testkit.AwaitDeath(t, pidfd)
		}
		detached := pidfds[0]
		poll := []unix.PollFd{{Fd: int32(detached), Events: unix.POLLIN}}
		if n, err := unix.Poll(poll, 0); n != 0 {
			t.Errorf("the detached actor has ended, too: %v", err)
		}
		testkit.Must(t, unix.PidfdSendSignal(detached, unix.SIGKILL, nil, 0))
		testkit.AwaitDeath(t, detached)
	}
}

func beHostOfActors(t *testing.T) {
	// Without a channel to the host nothing ends it but a signal.
	detached := actortest.Spawn(t, initscript.Actor{Entry: "sleep"})
	testkit.Must(t, detached.Detach())
	ordinary := actortest.Spawn(t, initscript.Actor{Entry: "sleep"})
	family := actortest.Spawn(t, initscript.Actor{Entry: "probe"})
	pids := []any{detached.Pid(), ordinary.Pid()}
	pids = append(pids, actortest.Ask(t, family, "spawn", 3).([]any)...)
	fmt.Println(strings.Trim(fmt.Sprint(pids), "[]"))
	select {}
}

func TestNestedActors(t *testing.T) {
	for _, namespaces := range []initscript.Namespaces{0, initscript.NewPID,
		initscript.NewPID | initscript.NewNet} {
		t.Run(namespaces.String(), func(t *testing.T) {
			config := initscript.Actor{Entry: "probe", Stderr: os.Stderr}
			if namespaces != 0 {
				testkit.RequireUserNamespaces(t)
				config.Namespaces = namespaces
				config = actortest.MappedToRoot(config)
			}
			actor := actortest.Spawn(t, config)
			answer := actortest.Ask(t, actor, "spawn", 3)
			pids, ok := answer.([]any)
			if !ok || len(pids) != 4 {
				t.Fatalf("pids: %v", answer)
			}
			if namespaces != 0 {
				testkit.Must(t, actor.Kill()) // of PID 1, so the kernel ends all
				actor.Wait()
				return
			}
			var pidfds []int
			for _, pid := range pids {
				pidfds = append(pidfds, testkit.OpenPidfd(t, int(pid.(int64))))
			}
			testkit.Must(t, actor.Kill())
			for _, pidfd := range pidfds {
				testkit.AwaitDeath(t, pidfd)
			}
		})
	}
	t.Run("empty root", func(t *testing.T) {
		testkit.RequireUserNamespaces(t)
		actor := actortest.Spawn(t, actortest.MappedToRoot(initscript.Actor{Entry: "probe",
			Namespaces: initscript.NewMount, Script: emptyRoot}))
		answer := actortest.Ask(t, actor, "spawn", 1)
		if _, ok := answer.([]any); !ok &&
			!strings.Contains(fmt.Sprint(answer), "its dynamic loader is not in this root directory") {
			t.Errorf("neither an actor nor a clear error: %v", answer)
		}
	})
}

func TestActorDescriptors(t *testing.T) {
	null, err := os.Open(os.DevNull)
	testkit.Must(t, err)
	defer null.Close()
	want := []string{"0 /dev/null", "1 /dev/null", "2 /dev/null", "3 socket", "5 /dev/null"}
	actor := actortest.Spawn(t, initscript.Actor{Entry: "probe", ExtraFiles: []*os.File{null}, Arg: null,
		Script: `C.open("/dev/zero", C.O_RDONLY) C.pipe2(0) C.dup2(C.open("/dev/zero", C.O_RDONLY), ` +
			`40)`})
	var low []string
	high := map[string]int{}
	for _, descriptor := range actortest.Ask(t, actor, "descriptors").([]any) {
		number, kind, _ := strings.Cut(descriptor.(string), " ")
		if n, _ := strconv.Atoi(number); n <= 5 && n != 4 {
			low = append(low, descriptor.(string))
		} else {
			high[kind]++
		}
	}
	if !slices.Equal(low, want) {
		t.Errorf("%q, want %q", low, want)
	}
	// The start socket and the channel to the parent; the crash report; the program; the runtime.
	program, err := os.Readlink("/proc/self/exe")
	testkit.Must(t, err)
	programs := high["/"] + high[program] + high["/memfd:initscript (deleted)"]
	if high["socket"] != 2 || high["pipe"] != 1 || programs != 1 || high["/dev/zero"] != 0 {
		t.Errorf("beside them: %v", high)
	}
}

func TestActorExtraFiles(t *testing.T) {
	var files []*os.File
	for _, text := range []string{"one", "two"} {
		reader, writer, err := os.Pipe()
		testkit.Must(t, err)
		defer reader.Close()
		writer.WriteString(text)
		writer.Close()
		files = append(files, reader)
	}
	actor := actortest.Spawn(t, initscript.Actor{Entry: "probe", ExtraFiles: files})
	if got := actortest.Ask(t, actor, "extra"); !reflect.DeepEqual(got, []any{"one", "two"}) {
		t.Errorf("%v", got)
	}
}

func TestActorSetresuidChangesAllThreads(t *testing.T) {
	testkit.RequireRoot(t)
	for _, namespaces := range []initscript.Namespaces{0, initscript.NewPID} {
		t.Run(fmt.Sprintf("namespaces %q", namespaces), func(t *testing.T) {
			testkit.RequireNamespaces(t, namespaces)
			actor := actortest.Spawn(t, initscript.Actor{Entry: "probe", Namespaces: namespaces,
				Env: []string{"GOMAXPROCS=4"}})
			if got := actortest.Ask(t, actor, "setresuid", 1000); !reflect.DeepEqual(got,
				[]any{"1000 1000 1000 1000"}) {
				t.Errorf("ids of the threads: %v", got)
			}
		})
	}
}

// What the script drops is dropped in every thread that the runtime makes.
func TestActorInheritsConfinement(t *testing.T) {
	actor := actortest.Spawn(t, initscript.Actor{Entry: "probe", Script: `
		set_no_new_privs()
		local rights = { "read_file", "read_dir" }
		local ruleset = C.landlock_create_ruleset({ handled_access_fs = rights }, nil)
		local proc = C.open("/proc", bit.bor(C.O_PATH, C.O_CLOEXEC))
		C.landlock_add_rule(ruleset, "path_beneath", { allowed_access = rights, parent_fd = proc })
		C.landlock_restrict_self(ruleset)`})
	if got := actortest.Ask(t, actor, "open", "/etc/passwd"); !strings.Contains(fmt.Sprint(got),
		"permission denied") {
		t.Errorf("the forbidden: %v", got)
	}
	if got := actortest.Ask(t, actor, "open", "/proc/version"); got != true {
		t.Errorf("the allowed: %v", got)
	}
}

func TestActorStdio(t *testing.T) {
	var out strings.Builder
	actor := actortest.Spawn(t, initscript.Actor{Entry: "panic", Stderr: &out, Stdout: io.Discard})
	if err := actor.Wait(); err == nil || !strings.Contains(out.String(), "the cat is in the box") {
		t.Errorf("%v, %q", err, &out)
	}
}

func TestActorsKnowEachOther(t *testing.T) {
	one, two := actortest.Spawn(t, initscript.Actor{Entry: "probe"}), actortest.Spawn(t,
		initscript.Actor{Entry: "probe"})
	testkit.Must(t, two.Send(actortest.Context(t), []any{"announcement"}))
	if got := actortest.Ask(t, one, "introduce", two.Channel()); got != true {
		t.Fatalf("%v", got)
	}
	// The host does not take part: two has got the address of one, and answers with what it got.
	announcement, err := two.Receive(actortest.Context(t))
	testkit.Must(t, err)
	address := announcement.([]any)[1].(*mailbox.Channel)
	defer address.Close()
	testkit.Must(t, address.Send(actortest.Context(t), []any{"pid"}))
	pid, err := one.Receive(actortest.Context(t))
	if err != nil || pid != int64(one.Pid()) {
		t.Errorf("%v, %v", pid, err)
	}
}

func TestSetLogger(t *testing.T) {
	if !testkit.RunInSubprocess(t, nil) {
		return
	}
	var lines bytes.Buffer
	initscript.SetLogger(slog.New(slog.NewTextHandler(&lines,
		&slog.HandlerOptions{Level: slog.LevelDebug})))
	defer initscript.SetLogger(nil)
	testkit.Must(t, testkit.Command(t, "", "true").Run())
	actortest.Finish(t, actortest.Spawn(t, initscript.Actor{Entry: "probe"}))
	initscript.RenewServer()
	testkit.Must(t, testkit.Command(t, "").Run())
	killed := testkit.TheServer(t)
	cmd := testkit.Command(t, "", "sleep", "1000")
	testkit.Must(t, cmd.Start())
	testkit.KillAndAwait(t, killed)
	cmd.Wait()
	log := lines.String()
	for _, want := range []string{
		`level=DEBUG msg="fork server started" pid=`,
		`level=INFO msg="child started" pid=`, `program=true namespaces="" took=`,
		`level=INFO msg="child ended" pid=`, `status="exit status 0"`,
		`entry=probe`, `level=WARN msg="fork server died"`, `level=WARN msg="child lost" program=sleep`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("%s is missing in\n%s", want, log)
		}
	}
	initscript.SetLogger(nil)
	lines.Reset()
	testkit.Must(t, testkit.Command(t, "").Run())
	if lines.Len() > 0 {
		t.Errorf("without a logger: %s", &lines)
	}
}
