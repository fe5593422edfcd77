package seccomp

import "syscall"

// maxErrno is the largest errno; the kernel cuts larger numbers to it.
const maxErrno = 4095

// Errno is the action that makes the system call fail with errno, without an effect. With 0 it succeeds
// without an effect.
//
// The number is that of the system which this program is built for, as in unix.EPERM. Elsewhere than on
// Linux the filter gets the number that Linux has for the same name. What Linux does not have, and
// numbers above 4095, give no valid action, which Compile refuses.
func Errno(errno syscall.Errno) Action {
	number, known := linuxErrno(errno)
	if !known {
		return 0
	}
	return errnoAction(number)
}

// errnoAction is Errno for a number of Linux.
func errnoAction(number uint64) Action {
	if number > maxErrno {
		return 0
	}
	return actionSet | retErrno | Action(number)
}

// translated returns the number that Linux has for the errno that has a name here.
func translated(errno syscall.Errno, nameHere func(syscall.Errno) string) (number uint64, known bool) {
	if errno == 0 {
		return 0, true
	}
	return errnoNamed(nameHere(errno))
}

// errnoName returns the usual name of a number of Linux, or "".
func errnoName(number uint16) string {
	for _, row := range errnos {
		if row.number == number {
			return row.name
		}
	}
	return ""
}

// errnoNamed returns the number that Linux has for the name.
func errnoNamed(name string) (number uint64, known bool) {
	for _, row := range errnos {
		if row.name == name {
			return uint64(row.number), true
		}
	}
	return 0, false
}
