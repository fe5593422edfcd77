//go:build linux

package actortest

import (
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/testkit"
	"github.com/go-initscript/initscript/mailbox"
)

// environAtInit is what package initializers see.
var environAtInit = os.Environ()

func init() {
	initscript.Register("probe", func(self *initscript.Self) error {
		ctx := context.Background()
		for {
			message, err := self.Receive(ctx)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			question := message.([]any)
			answer, err := Probes[question[0].(string)](self, question[1:])
			if err != nil {
				answer = "error: " + err.Error()
			}
			if err := self.Send(ctx, answer); err != nil {
				return err
			}
		}
	})
	initscript.Register("echo", func(self *initscript.Self) error {
		message, err := self.Receive(context.Background())
		if err != nil {
			return err
		}
		return self.Send(context.Background(), message)
	})
	initscript.Register("wait", func(self *initscript.Self) error {
		_, err := self.Receive(context.Background())
		return err
	})
}

// Probes are the questions to the entry "probe", which answers them until there are no more. A package
// of tests can add its own, by an init function.
var Probes = map[string]func(self *initscript.Self, arguments []any) (any, error){
	"environ": func(*initscript.Self, []any) (any, error) {
		return []any{os.Environ(), environAtInit}, nil
	},
	"args":       func(*initscript.Self, []any) (any, error) { return os.Args, nil },
	"gomaxprocs": func(*initscript.Self, []any) (any, error) { return runtime.GOMAXPROCS(0), nil },
	"gogc":       func(*initscript.Self, []any) (any, error) { return debug.SetGCPercent(100), nil },
	"gomemlimit": func(*initscript.Self, []any) (any, error) { return debug.SetMemoryLimit(-1), nil },
	"panicnil": func(*initscript.Self, []any) (answer any, _ error) {
		defer func() { answer = fmt.Sprint(recover()) }()
		panic(nil)
	},
	"pid":    func(*initscript.Self, []any) (any, error) { return os.Getpid(), nil },
	"getcwd": func(*initscript.Self, []any) (any, error) { return os.Getwd() },
	"random": func(*initscript.Self, []any) (any, error) {
		return []any{rand.Uint64(), maphash.Comparable(maphash.MakeSeed(), 1)}, nil
	},
	"list": func(_ *initscript.Self, arguments []any) (any, error) {
		entries, err := os.ReadDir(arguments[0].(string))
		names := []string{}
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		return names, err
	},
	"open": func(_ *initscript.Self, arguments []any) (any, error) {
		file, err := os.Open(arguments[0].(string))
		if err == nil {
			file.Close()
		}
		return err == nil, err
	},
	"read": func(_ *initscript.Self, arguments []any) (any, error) {
		text, err := io.ReadAll(arguments[0].(*os.File))
		return string(text), err
	},
	"extra": func(self *initscript.Self, _ []any) (any, error) {
		texts := []string{}
		for _, file := range self.ExtraFiles {
			text, err := io.ReadAll(file)
			if err != nil {
				return nil, err
			}
			texts = append(texts, string(text))
		}
		return texts, nil
	},
	"descriptors": func(*initscript.Self, []any) (any, error) { return descriptors() },
	"confine": func(_ *initscript.Self, arguments []any) (any, error) {
		return true, initscript.Confine(arguments[0].(string), nil)
	},
	"child opens": func(_ *initscript.Self, arguments []any) (any, error) {
		cmd := initscript.Command("")
		cmd.Script = "C.open(" + strconv.Quote(arguments[0].(string)) + ", C.O_RDONLY)"
		err := cmd.Run()
		return err == nil, err
	},
	"setresuid": setresuidEverywhere,
	"collect":   func(*initscript.Self, []any) (any, error) { return churn(), nil },
	"spawn":     spawnInActor,
	"introduce": introduce,
	"announcement": func(self *initscript.Self, _ []any) (any, error) {
		return self.Receive(context.Background())
	},
}

// descriptors returns what is open, by number, but for what the runtime and the question need.
func descriptors() ([]string, error) {
	entries, err := os.ReadDir("/proc/self/fd")
	var open []string
	for _, entry := range entries {
		target, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err != nil {
			continue // that of ReadDir
		}
		kind, _, _ := strings.Cut(target, ":[")
		open = append(open, entry.Name()+" "+kind)
	}
	sort.Strings(open)
	return open, err
}

// setresuidEverywhere changes the ids from each of many threads in turn, there and back, and at last
// for good. It returns the ids of all threads.
func setresuidEverywhere(_ *initscript.Self, arguments []any) (any, error) {
	id := int(arguments[0].(int64))
	var ready sync.WaitGroup
	ready.Add(20)
	results := make(chan error)
	turns := make([]chan int, 20)
	for i := range turns {
		turns[i] = make(chan int)
		defer close(turns[i])
		go func() {
			runtime.LockOSThread()
			ready.Done()
			for effective := range turns[i] {
				results <- syscall.Setresuid(-1, effective, -1)
			}
		}()
	}
	ready.Wait()
	for i, turn := range turns {
		for _, effective := range []int{id + i, 0} {
			turn <- effective
			if err := <-results; err != nil {
				return nil, err
			}
			want := fmt.Sprintf("0 %d 0 %d", effective, effective)
			if ids, err := idsOfThreads(); err != nil || !slices.Equal(ids, []string{want}) {
				return nil, fmt.Errorf("thread %d has set %s, threads have %q, %v", i, want, ids, err)
			}
		}
	}
	go func() { results <- syscall.Setresuid(id, id, id) }()
	if err := <-results; err != nil {
		return nil, err
	}
	return idsOfThreads()
}

// idsOfThreads returns each line of user ids that some thread has.
func idsOfThreads() ([]string, error) {
	statuses, err := filepath.Glob("/proc/self/task/*/status")
	var ids []string
	for _, path := range statuses {
		status, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		ids = append(ids, strings.Join(strings.Fields(testkit.StatusField(string(status), "Uid")), " "))
	}
	if len(ids) < 20 {
		return nil, fmt.Errorf("only %d threads", len(ids))
	}
	sort.Strings(ids)
	return slices.Compact(ids), err
}

// churn keeps the garbage collector and the scheduler busy.
func churn() int {
	var total sync.WaitGroup
	var mu sync.Mutex
	sum := 0
	for range 50 {
		total.Add(1)
		go func() {
			defer total.Done()
			for i := range 200 {
				block := make([]byte, 1<<12+i)
				mu.Lock()
				sum += len(block) & 1
				mu.Unlock()
			}
		}()
	}
	total.Wait()
	runtime.GC()
	debug.FreeOSMemory()
	return sum
}

// spawnInActor starts an actor of the actor, which starts one, and so on, and returns all pids from
// the outermost. Each sends its parent a channel for questions about it.
func spawnInActor(self *initscript.Self, arguments []any) (any, error) {
	depth := arguments[0].(int64)
	pids := []any{int64(os.Getpid())}
	if depth == 0 {
		return pids, nil
	}
	ctx := context.Background()
	child, err := initscript.Spawn(ctx, initscript.Actor{Entry: "probe", Stderr: os.Stderr})
	if err != nil {
		return nil, err
	}
	if err := child.Send(ctx, []any{"spawn", depth - 1}); err != nil {
		return nil, err
	}
	below, err := child.Receive(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w (%v)", err, child.Wait())
	}
	if list, ok := below.([]any); ok {
		return append(pids, list...), nil
	}
	return nil, fmt.Errorf("from below: %v", below)
}

// introduce sends the own address to the actor behind the given channel.
func introduce(self *initscript.Self, arguments []any) (any, error) {
	address, err := self.Address()
	if err != nil {
		return nil, err
	}
	defer address.Close()
	return true, arguments[0].(*mailbox.Channel).Send(context.Background(), []any{"call back", address})
}
