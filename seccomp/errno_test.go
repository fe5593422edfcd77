package seccomp

import (
	"syscall"
	"testing"
)

// Names and numbers are those of Linux, on whatever system this runs.
func TestErrnosOfLinux(t *testing.T) {
	for _, test := range []struct {
		text string // in the policy
		want Action // by the kernel's number
		name string
	}{
		{"EPERM", 1<<32 | 0x50000 | 1, "errno: EPERM"},
		{"EAGAIN", 1<<32 | 0x50000 | 11, "errno: EAGAIN"},
		{"EWOULDBLOCK", 1<<32 | 0x50000 | 11, "errno: EAGAIN"},
		{"EDEADLK", 1<<32 | 0x50000 | 35, "errno: EDEADLK"},
		{"EDEADLOCK", 1<<32 | 0x50000 | 35, "errno: EDEADLK"},
		{"ENOSYS", 1<<32 | 0x50000 | 38, "errno: ENOSYS"},
		{"ENOTSUP", 1<<32 | 0x50000 | 95, "errno: ENOTSUP"},
		{"EOPNOTSUPP", 1<<32 | 0x50000 | 95, "errno: ENOTSUP"},
		{"EHWPOISON", 1<<32 | 0x50000 | 133, "errno: EHWPOISON"},
		{"38", 1<<32 | 0x50000 | 38, "errno: ENOSYS"},
		{"41", 1<<32 | 0x50000 | 41, "errno: 41"},
		{"4095", 1<<32 | 0x50000 | 4095, "errno: 4095"},
		{"0", 1<<32 | 0x50000, "errno: 0"},
	} {
		policy, err := ParsePolicy([]byte("default_action: {errno: " + test.text + "}"))
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
		} else if got := policy.DefaultAction; got != test.want || got.String() != test.name {
			t.Errorf("%s: %#x, %v; want %#x, %s", test.text, uint64(got), got, uint64(test.want),
				test.name)
		}
	}
	for _, name := range []string{"EPROCLIM", "ERESTARTSYS", "E", "EPERM ", "ENOERR"} {
		if _, err := ParsePolicy([]byte("default_action: {errno: '" + name + "'}")); err == nil {
			t.Errorf("%q is taken for an errno", name)
		}
	}
}

// The constants of this system become Linux's numbers.
func TestErrnoOfThisSystem(t *testing.T) {
	for _, test := range []struct {
		errno syscall.Errno
		want  string
	}{
		{0, "errno: 0"}, {syscall.EPERM, "errno: EPERM"}, {syscall.EAGAIN, "errno: EAGAIN"},
		{syscall.ENOSYS, "errno: ENOSYS"}, {syscall.EAFNOSUPPORT, "errno: EAFNOSUPPORT"},
		{syscall.EDEADLK, "errno: EDEADLK"}, {syscall.ETIMEDOUT, "errno: ETIMEDOUT"},
	} {
		if got := Errno(test.errno); !got.valid() || got.String() != test.want {
			t.Errorf("%v: %v, want %s", test.errno, got, test.want)
		}
	}
	if got := Errno(1 << 30); got.valid() {
		t.Errorf("a number that no system has is %v", got)
	}
}

// Where the system has numbers of its own, names decide.
func TestErrnoIsTranslated(t *testing.T) {
	darwin := func(errno syscall.Errno) string {
		return map[syscall.Errno]string{
			1: "EPERM", 35: "EAGAIN", 45: "ENOTSUP", 78: "ENOSYS", 102: "EOPNOTSUPP", 67: "EPROCLIM",
		}[errno]
	}
	for errno, want := range map[syscall.Errno]uint64{0: 0, 1: 1, 35: 11, 45: 95, 78: 38, 102: 95} {
		if got, known := translated(errno, darwin); !known || got != want {
			t.Errorf("%d: %d, %v; want %d", errno, got, known, want)
		}
	}
	for _, errno := range []syscall.Errno{67, 38, 4095} {
		if got, known := translated(errno, darwin); known {
			t.Errorf("%d: Linux has no such errno, and it is %d", errno, got)
		}
	}
	for _, row := range commonErrnos {
		if got, known := translated(row.errno, commonName); !known ||
			errnoAction(got) != Errno(row.errno) {
			t.Errorf("%s: %d, %v; Errno has %v", row.name, got, known, Errno(row.errno))
		}
	}
}
