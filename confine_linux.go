//go:build (linux || freebsd) && cgo

package initscript

// #include "csrc/role_live.h"
import "C"

import (
	"cmp"
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"github.com/go-initscript/initscript/internal/start"
	"github.com/go-initscript/initscript/internal/wire"
	"golang.org/x/sys/unix"
)

var confining sync.Mutex

func confine(script string, arg *os.File) error {
	return (&Confinement{Script: script, Arg: arg}).apply()
}

func (c *Confinement) apply() error {
	if err := c.check(); err != nil {
		return err
	}
	confining.Lock()
	defer confining.Unlock()
	// No child of the time before may still wait for its plan, and no server may be left or be started
	// until the script has ended: whoever then takes over this process would have it start something
	// unconfined. A filter of the script could keep the host from ending a server, so this comes before.
	return publicError(start.Without(c.run), nil)
}

// run runs the script in C, on a thread that never executes Go code.
func (c *Confinement) run() error {
	script, name := append([]byte(c.Script), 0), append([]byte(c.scriptName()), 0)
	defer clear(script)
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&script[0])
	pinner.Pin(&name[0])
	confinement := C.struct_initscript_confinement{
		script:        (*C.char)(unsafe.Pointer(&script[0])),
		script_length: C.size_t(len(c.Script)),
		script_name:   (*C.char)(unsafe.Pointer(&name[0])),
		memory_limit:  C.uint64_t(cmp.Or(c.MemoryLimit, DefaultMemoryLimit)),
		arg:           -1,
	}
	if c.Arg != nil {
		confinement.arg = C.int(c.Arg.Fd())
		defer runtime.KeepAlive(c.Arg)
	}
	stack, err := mapStack()
	if err != nil {
		return &SetupError{Op: "mmap", Err: err}
	}
	defer unix.Munmap(stack)
	confinement.stack = unsafe.Pointer(&stack[stackGuard])
	confinement.stack_size = C.size_t(len(stack) - stackGuard)
	closeDescriptors, err := openDescriptors(&confinement)
	if err != nil {
		return &SetupError{Op: "socketpair", Err: err}
	}
	defer closeDescriptors()
	bindOperations(&confinement)
	var refusal C.struct_initscript_refusal
	if C.initscript_confine(&confinement, &refusal) == 0 {
		return nil
	}
	if refusal.system_call != nil {
		return &SetupError{Op: C.GoString(refusal.system_call), Err: syscall.Errno(refusal.error)}
	}
	failure := start.Record{Kind: wire.LoadFailed, Fields: []string{C.GoString(&refusal.message[0])}}
	return scriptError(&failure, c.scriptName())
}

const (
	stackSize  = 8 << 20
	stackGuard = 64 << 10
)

// mapStack returns a stack that can be unmapped, so that nothing of the script stays there. Its first
// part cannot be accessed.
func mapStack() ([]byte, error) {
	const flags = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE | unix.MAP_STACK
	stack, err := unix.Mmap(-1, 0, stackGuard+stackSize, unix.PROT_READ|unix.PROT_WRITE, flags)
	if err == nil {
		// It only guards against our own mistakes, so a failure is not fatal.
		_ = unix.Mprotect(stack[:stackGuard], unix.PROT_NONE)
	}
	return stack, err
}

// openDescriptors opens what the program's side of a confinement needs, and returns what closes it.
func openDescriptors(confinement *C.struct_initscript_confinement) (closeAll func(), err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	confinement.pair = [2]C.int{C.int(pair[0]), C.int(pair[1])}
	// Now, because the script may take away /proc. Only some calls need it.
	tasks, err := unix.Open("/proc/self/task", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	confinement.tasks = C.int(tasks)
	if err != nil {
		confinement.tasks = C.int(negatedErrno(err))
	}
	return func() {
		for _, fd := range []C.int{confinement.pair[0], confinement.pair[1], confinement.tasks} {
			if fd >= 0 {
				unix.Close(int(fd))
			}
		}
	}, nil
}
