//go:build (linux || freebsd) && cgo

package luahost

// #include "host.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/go-initscript/initscript"
	"github.com/go-initscript/initscript/internal/bridge"
	"golang.org/x/sys/unix"
)

// child is a process that a Lua state has started.
type child struct {
	host      uintptr
	cmd       *initscript.Cmd
	detached  bool
	forgotten bool // no channel object is left
	ended     chan struct{}
	err       error // set before ended is closed
}

var children = struct {
	sync.Mutex
	lastHost uintptr
	lastID   uint64
	byID     map[uint64]*child
}{byID: make(map[uint64]*child)}

func newHost() uintptr {
	children.Lock()
	defer children.Unlock()
	children.lastHost++
	return children.lastHost
}

func find(id C.uint64_t) *child {
	children.Lock()
	defer children.Unlock()
	return children.byID[uint64(id)]
}

//export luahostStart
func luahostStart(host C.uintptr_t, request *C.struct_luahost_request, result *C.struct_luahost_child) {
	err := start(uintptr(host), request, result)
	if err == nil {
		return
	}
	errno, option := explain(err)
	result.error = C.int(errno)
	result.message = C.CString(err.Error())
	if option != "" {
		result.argument = C.CString(option)
	}
}

// optionOfField tells what a field of initscript.Actor is called in Lua.
var optionOfField = map[string]string{
	"Module":       "module",
	"ModuleSource": "module_source",
	"ModuleName":   "module",
	"Script":       "subprocess/init/script",
	"Arg":          "subprocess/init/arg",
	"Stdin":        "subprocess/stdin",
	"Stdout":       "subprocess/stdout",
	"Stderr":       "subprocess/stderr",
}

// explain returns what the error object in Lua says besides the message.
func explain(err error) (errno syscall.Errno, option string) {
	var field *initscript.FieldError
	var server *initscript.ServerError
	switch {
	case errors.As(err, &field):
		if strings.HasPrefix(field.Field, "Env[") {
			return unix.EINVAL, "subprocess/environment"
		}
		return unix.EINVAL, optionOfField[field.Field]
	case errors.As(err, &server): // as if there was no supervisor
		return unix.ECHILD, ""
	case errors.As(err, &errno) && errno != 0:
		return errno, ""
	}
	return unix.ECHILD, ""
}

// text copies what belongs to Lua.
func text(t C.struct_luahost_text) string { return C.GoStringN(t.bytes, C.int(t.length)) }

func start(host uintptr, request *C.struct_luahost_request, result *C.struct_luahost_child) error {
	actor := initscript.Actor{
		Script:     text(request.script),
		Namespaces: initscript.Namespaces(request.namespaces),
		ModuleName: text(request.module_name),
	}
	if environment := text(request.environment); environment != "" {
		actor.Env = strings.Split(strings.TrimSuffix(environment, "\x00"), "\x00")
	}
	switch request.module_kind {
	case C.LUAHOST_PATH:
		actor.Module = text(request.module)
	case C.LUAHOST_SOURCE:
		actor.ModuleSource = text(request.module)
		if actor.ModuleSource == "" {
			actor.ModuleSource = "\n" // an empty program is one, too
		}
	}
	var files files
	defer files.close()
	stdin, err := files.stdio(request.stdio[0], os.Stdin)
	stdout, err1 := files.stdio(request.stdio[1], os.Stdout)
	stderr, err2 := files.stdio(request.stdio[2], os.Stderr)
	if err = errors.Join(err, err1, err2); err != nil {
		return err
	}
	actor.Stdin, actor.Stdout, actor.Stderr = stdin, stdout, stderr
	if request.arg >= 0 {
		if actor.Arg, err = files.duplicate(int(request.arg)); err != nil {
			return err
		}
	}
	started, channel, inbox, err := bridge.Start(context.Background(), actor)
	if err != nil {
		return err
	}
	files = append(files, channel, inbox)
	return supervise(host, started.(*initscript.Cmd), channel, inbox, result)
}

// supervise notes a child that was started, and gives Lua its descriptors. If that fails the child
// is ended.
func supervise(
	host uintptr, cmd *initscript.Cmd, channel, inbox *os.File, result *C.struct_luahost_child,
) error {
	pidfd, err := cmd.Process.PidFD()
	if err == nil {
		defer pidfd.Close()
		err = handOver(map[*C.int]*os.File{
			&result.pidfd: pidfd, &result.channel: channel, &result.inbox: inbox,
		})
	}
	if err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return err
	}
	c := &child{host: host, cmd: cmd, ended: make(chan struct{})}
	children.Lock()
	children.lastID++
	id := children.lastID
	children.byID[id] = c
	children.Unlock()
	result.id, result.pid = C.uint64_t(id), C.int(cmd.Process.Pid)
	go func() {
		c.err = cmd.Wait()
		close(c.ended)
		drop(id, func() {})
	}()
	return nil
}

// handOver makes descriptors that belong to Lua; all or none.
func handOver(files map[*C.int]*os.File) error {
	for to, file := range files {
		fd, err := duplicate(int(file.Fd()))
		if err != nil {
			for to := range files {
				if *to >= 0 {
					unix.Close(int(*to))
					*to = -1
				}
			}
			return err
		}
		*to = C.int(fd)
	}
	return nil
}

func duplicate(fd int) (int, error) {
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	return copied, os.NewSyscallError("fcntl F_DUPFD_CLOEXEC", err)
}

// files are to be closed when the child has its own.
type files []*os.File

func (f *files) close() {
	for _, file := range *f {
		file.Close()
	}
}

func (f *files) duplicate(fd int) (*os.File, error) {
	copied, err := duplicate(fd)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(copied), "file_descriptor")
	*f = append(*f, file)
	return file, nil
}

// stdio returns the standard stream that a request asks for.
func (f *files) stdio(fd C.int, own *os.File) (*os.File, error) {
	switch fd {
	case C.LUAHOST_SHARED:
		return own, nil
	case C.LUAHOST_BROKEN:
		return f.broken(own == os.Stdin)
	}
	return f.duplicate(int(fd))
}

// broken returns an end of a pipe whose other end is closed.
func (f *files) broken(forReading bool) (*os.File, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	if !forReading {
		reader, writer = writer, reader
	}
	writer.Close()
	*f = append(*f, reader)
	return reader, nil
}

// drop changes a child and forgets it when nobody needs it any more.
func drop(id uint64, change func()) {
	children.Lock()
	defer children.Unlock()
	change()
	c := children.byID[id]
	if c == nil || !c.forgotten {
		return
	}
	select {
	case <-c.ended:
		delete(children.byID, id)
	default:
	}
}

//export luahostForget
func luahostForget(id C.uint64_t) {
	c := find(id)
	if c != nil {
		drop(uint64(id), func() { c.forgotten = true })
	}
}

//export luahostDetach
func luahostDetach(id C.uint64_t) C.int {
	c := find(id)
	if c == nil {
		return C.int(unix.ESRCH)
	}
	if err := bridge.Detach(c.cmd); err != nil && !errors.Is(err, os.ErrProcessDone) {
		errno, _ := explain(err)
		return C.int(errno)
	}
	drop(uint64(id), func() { c.detached = true })
	return 0
}

//export luahostWait
func luahostWait(id C.uint64_t, end *C.struct_luahost_end) {
	c := find(id)
	if c == nil {
		end.number = 1
		return
	}
	<-c.ended
	var exit *initscript.ExitError
	var actor *initscript.ActorError
	switch {
	case c.err == nil || errors.As(c.err, &exit):
	case errors.As(c.err, &actor):
		end.number, end.message = 1, C.CString(actor.Message)
	default:
		end.number, end.message = 1, C.CString(c.err.Error())
	}
	state := c.cmd.ProcessState
	if state == nil {
		return
	}
	end.number = C.int(state.ExitCode())
	if signal := state.Signal(); signal != 0 {
		end.is_signal, end.number = 1, C.int(signal)
	}
}

// luahostClose ends all children that were not detached, and waits for their ends.
//
//export luahostClose
func luahostClose(host C.uintptr_t) {
	children.Lock()
	var killed []*child
	for _, c := range children.byID {
		if c.host == uintptr(host) && !c.detached && c.kill() {
			killed = append(killed, c)
		}
	}
	children.Unlock()
	for _, c := range killed {
		<-c.ended
	}
}

// kill is false if the process is beyond reach; the end of this process is its end all the same.
func (c *child) kill() bool {
	err := c.cmd.Process.Kill()
	return err == nil || errors.Is(err, os.ErrProcessDone)
}
