//go:build linux

package hint

import (
	"fmt"

	"github.com/go-initscript/initscript/internal/wire"
	"golang.org/x/sys/unix"
)

// Program explains why a program was not executed. The paths are the program and, if it names
// one, its interpreter or dynamic loader, which text is.
func (f *Failure) Program() string {
	switch f.Errno {
	case unix.EACCES:
		return f.programRefused()
	case unix.ENOENT:
		if len(f.paths) == 2 && f.paths[1].Error == int32(unix.ENOENT) {
			return fmt.Sprintf("the file is there, but %s, which it names as its interpreter or "+
				"dynamic loader, is not: "+
				"make it, and its libraries, visible in the script's root", f.text)
		}
	case unix.ENOEXEC:
		return `the kernel does not know the format: a script needs a first line such as ` +
			`"#!/bin/sh", a program must be made for this architecture`
	}
	return ""
}

func (f *Failure) programRefused() string {
	for i, p := range f.paths {
		what := "the file"
		if i == 1 {
			what = "its interpreter " + f.text
		}
		mode := p.Mode
		switch {
		case p.Error == int32(unix.EACCES):
			return f.searchRefused(what)
		case p.Error != 0:
			return ""
		case mode&unix.S_IFMT == unix.S_IFDIR:
			return what + " is a directory"
		case mode&unix.S_IFMT != unix.S_IFREG:
			return what + " is not a regular file"
		case p.MountFlags&unix.ST_NOEXEC != 0:
			return what + " is on a mount with the flag noexec: mount it without C.MS_NOEXEC, or " +
				"put it elsewhere"
		case mode&0o111 == 0:
			return fmt.Sprintf("%s is not executable (mode %04o): chmod +x", what, mode&0o7777)
		case p.MayExecute == 0:
			return fmt.Sprintf("the ids of the process have no right to execute %s (mode %04o)", what,
				mode&0o7777)
		}
	}
	if line, did := f.line(wire.NoteLandlock); did {
		return fmt.Sprintf("likely the Landlock ruleset in force since the call %s: it must allow "+
			"\"execute\" for the file, and for "+
			"its interpreter or dynamic loader", line)
	}
	if line, did := f.line(wire.NoteSeccomp); did {
		return fmt.Sprintf("likely the seccomp filter that the script installed %s refuses execve", line)
	}
	return ""
}

func (f *Failure) searchRefused(what string) string {
	return "the ids of the process may not search a directory on the way to " + what +
		": chmod +x the directories, or choose other ids"
}
