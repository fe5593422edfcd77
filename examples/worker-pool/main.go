// Worker-pool spreads jobs over several actors. One that crashes costs its job, and is replaced.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/go-initscript/initscript"
)

// script takes the network and everything that needs privileges away from the workers.
const script = `
set_no_new_privs()
C.cap_set_proc("=")
`

func init() { initscript.Register("worker", worker) }

func main() {
	initscript.Main()
	jobs := []any{int64(6), int64(7), "no number", int64(-1), int64(8)}
	for i, result := range run(context.Background(), 2, jobs) {
		fmt.Println(jobs[i], "→", result)
	}
}

// worker answers a number with its square. Other things make it crash, for the sake of the example.
func worker(self *initscript.Self) error {
	for {
		job, err := self.Receive(context.Background())
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		n := job.(int64)
		if n < 0 {
			os.Exit(3)
		}
		if err := self.Send(context.Background(), n*n); err != nil {
			return err
		}
	}
}

// run returns the result of each job, or its error.
func run(ctx context.Context, workers int, jobs []any) []any {
	results := make([]any, len(jobs))
	next := make(chan int)
	var pool sync.WaitGroup
	for range workers {
		pool.Go(func() {
			var supervised supervisor
			defer supervised.stop()
			for i := range next {
				result, err := supervised.do(ctx, jobs[i])
				if results[i] = result; err != nil {
					results[i] = err
				}
			}
		})
	}
	for i := range jobs {
		next <- i
	}
	close(next)
	pool.Wait()
	return results
}

// supervisor has one worker, or none before the first job and after a crash.
type supervisor struct{ actor *initscript.Actor }

func (s *supervisor) do(ctx context.Context, job any) (any, error) {
	if s.actor == nil {
		actor, err := initscript.Spawn(ctx, initscript.Actor{
			Entry: "worker", Script: script,
			Namespaces: initscript.NewUser | initscript.NewNet | initscript.NewPID,
		})
		if err != nil {
			return nil, err
		}
		s.actor = actor
	}
	result, err := s.ask(ctx, job)
	if err != nil {
		err = s.bury(err)
	}
	return result, err
}

func (s *supervisor) ask(ctx context.Context, job any) (any, error) {
	if err := s.actor.Send(ctx, job); err != nil {
		return nil, err
	}
	return s.actor.Receive(ctx)
}

// bury ends a worker that has not answered and returns why.
func (s *supervisor) bury(err error) error {
	if err != io.EOF { // or it has ended by itself, and says how
		s.actor.Kill()
	}
	s.actor.Close()
	err = errors.Join(err, s.actor.Wait())
	s.actor = nil
	return err
}

func (s *supervisor) stop() {
	if s.actor != nil {
		s.actor.Close()
		s.actor.Wait()
	}
}
