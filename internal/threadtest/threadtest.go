// Package threadtest makes threads of both kinds that a Go program with cgo has, for tests that
// must try something from each: those of the Go runtime, and those that C code creates.
package threadtest

/*
#cgo CFLAGS: -std=gnu11 -D_GNU_SOURCE -Wall -Wextra
#include "threads.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"syscall"
)

// A Thread is one kernel thread that does nothing but what it is asked for.
type Thread struct {
	Kind string // "Go" or "C"
	ID   int

	call func(call) result
	stop func()
}

type call struct {
	number    uintptr
	arguments [6]uintptr
}

type result struct {
	value uintptr
	errno syscall.Errno
}

// Syscall has the thread make a system call. Pointers among the arguments must be kept alive, and
// in place, by the caller.
func (t *Thread) Syscall(number uintptr, arguments ...uintptr) (uintptr, syscall.Errno) {
	c := call{number: number}
	copy(c.arguments[:], arguments)
	r := t.call(c)
	return r.value, r.errno
}

// Stop ends the thread.
func (t *Thread) Stop() { t.stop() }

// NewGo returns the thread of a goroutine that is locked to it.
func NewGo() *Thread {
	id, calls, results := make(chan int), make(chan call), make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		id <- syscall.Gettid()
		for c := range calls {
			a := c.arguments
			value, _, errno := syscall.Syscall6(c.number, a[0], a[1], a[2], a[3], a[4], a[5])
			results <- result{value, errno}
		}
	}()
	return &Thread{
		Kind: "Go",
		ID:   <-id,
		call: func(c call) result {
			calls <- c
			return <-results
		},
		stop: func() { close(calls) },
	}
}

// NewC returns a thread that C code has created.
func NewC() (*Thread, error) {
	thread, err := C.c_thread_start()
	if thread == nil {
		return nil, fmt.Errorf("pthread_create: %w", err)
	}
	return &Thread{
		Kind: "C",
		ID:   int(C.c_thread_id(thread)),
		call: func(c call) result {
			var arguments [6]C.long
			for i, a := range c.arguments {
				arguments[i] = C.long(a)
			}
			var errno C.int
			value := C.c_thread_call(thread, C.long(c.number), &arguments[0], &errno)
			return result{uintptr(value), syscall.Errno(errno)}
		},
		stop: func() { C.c_thread_stop(thread) },
	}, nil
}
