//go:build (linux || freebsd) && cgo

package forkserver

import (
	"errors"
	"os"
	"runtime"
)

// A Birth is one start of a child, which may have to be tried with more than one server.
type Birth struct {
	Request func(*Server) error // calls Server.Request
	Abandon func()              // gives up the child of the last request that succeeded
}

// ByOwnServer has the child made by a server that the calling thread starts for it alone.
func (b *Birth) ByOwnServer() error {
	servers.Lock() // until it is retired: no process that confines itself may leave it behind
	defer servers.Unlock()
	s, err := startServer()
	if err != nil {
		return err
	}
	err = b.Request(s)
	if retireErr := s.retire(); retireErr != nil && err == nil { // else it ends with this child
		b.Abandon()
		return retireErr
	}
	return err
}

// maxUnlikeServers is how many servers, one after the other, may turn out to be unlike the thread.
const maxUnlikeServers = 3

// ByLikeServer has the child made by a server that has exactly the calling thread's rights. The
// comparison runs while the server forks: a child of the wrong server has no plan yet, and ends when its
// socket does.
func (b *Birth) ByLikeServer() error {
	runtime.LockOSThread() // nothing here waits, and the state is this thread's
	defer runtime.UnlockOSThread()
	s, err := currentServer()
	for unlike := 0; err == nil; {
		err = b.Request(s)
		if err == ErrGone {
			s, err = currentServer()
			continue
		}
		if err != nil {
			break
		}
		state, stateErr := s.files.Read(&s.state)
		if stateErr == nil && s.state == state {
			return nil
		}
		b.Abandon()
		if errors.Is(stateErr, os.ErrClosed) { // another goroutine has replaced this server
			s, err = currentServer()
			continue
		}
		// For want of /proc, or while something goes on changing the state: only a new server is certain
		// to be like this thread.
		if unlike++; stateErr != nil || unlike == maxUnlikeServers {
			return b.ByOwnServer()
		}
		s, err = replaceServerUnlike(state)
	}
	return err
}
