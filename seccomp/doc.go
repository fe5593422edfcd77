// Package seccomp compiles seccomp policies to filters: programs for the kernel, in which it looks up
// at each system call of a process whether to make it, to fail it, or to kill the process.
//
// Filters are for Linux. The package needs neither Linux nor cgo, so a program can compile them on any
// system, for any architecture that [Policy.CompileFor] names, and gets the same bytes everywhere.
//
// # Policies
//
// A policy is a text in YAML, which [ParsePolicy] reads, or the same as Go values. It says what
// happens to the system calls that are named, in rules of which the first that matches decides, and to
// all others:
//
//	default_action: {errno: EPERM}
//	rules:
//	- names: [read, write, exit_group]
//	  action: allow
//	- names: [ioctl]
//	  action: allow
//	  args: [{arg: 1, width: 32, eq: 0x5401}] # TCGETS
//
// The page docs/reference/seccomp.md of the module describes the format, the groups of system calls such
// as @go-runtime, what is particular to 32-bit architectures, and has policies to begin with.
//
// Beside its rules every filter kills a process that makes a system call in the manner of another
// architecture, where the numbers mean something else, and fails numbers that this package does not
// know with ENOSYS, as a kernel without them would do.
//
// # Filters
//
// A compiled filter is an array of struct sock_filter (linux/filter.h) as it is in the memory of the
// architecture that it is for: 8 bytes for each instruction, at most 4096 of them, little-endian on
// all that are known. This is what the function C.seccomp_set_mode_filter of an init script takes. The
// script can read it from a file or through its global arg:
//
//	set_no_new_privs()
//	C.seccomp_set_mode_filter(C.read(arg, 32768))
//
// A program without scripts gives the address and the number of the instructions to seccomp(2) in a
// struct sock_fprog. A filter cannot be removed, and goes on to children and to the programs that they
// execute.
//
// # Errors
//
// What is wrong in a policy is an [*Error], with the line if there is a text. A policy that could not
// be meant is refused rather than compiled to something: a name that no architecture has, a number
// that versions of YAML read differently, a condition or a rule without effect.
//
// # Errno
//
// The numbers of errno in a filter are those of Linux, wherever it is compiled: names in a text,
// numbers in a text, and what [Errno] makes of the constants of the system that the program is built
// for.
package seccomp

//go:generate go run ./internal/gentables
