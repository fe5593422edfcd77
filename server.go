package initscript

// RenewServer makes the next start begin with a new fork server. What a process that os/exec starts
// would inherit is compared at each start, and noticed without it: credentials, capabilities,
// securebits, no_new_privs, seccomp filters, resource limits, umask, root directory and namespaces;
// on Linux also MDWE, personality, speculation controls, TSC mode, scheduling policy and priority,
// CPU affinity, core scheduling, I/O priority, timer slack, memory policy, OOM score adjustment,
// core dump filter, transparent huge pages, memory merging, the policy for memory errors, the
// controlling terminal, and the cgroups of the process.
//
// Call it after the process, or something outside, has changed what cannot be seen, or only by changing
// it or at too high a price:
//
//   - a Landlock domain;
//   - the label or profile of a security module (AppArmor, SELinux, Smack), before Linux 6.8;
//   - the session keyring: to ask for it is to be given one;
//   - the cgroups of a single thread, which are not those of the process;
//   - the login user and session of the audit subsystem, also on FreeBSD;
//   - the lowest OOM score adjustment that the process may choose again;
//   - the state as an I/O flusher, for a thread without CAP_SYS_RESOURCE;
//   - the control of indirect branch speculation, before Linux 5.11;
//   - seccomp filters other than those of the thread that started the server, if they are as many;
//   - a vector length for the next program only (PR_SVE_SET_VL_ONEXEC);
//   - a mount namespace that is not the one of the root directory.
//
// What is already running is not affected. It needs no privileges.
//
// When it returns nil nothing can be started by the old server any more, not even by code that has taken
// over this process: the server has confirmed that, or is cut off. A server that does not confirm it
// within ten seconds is ended, and its children with it. The error is a *[ServerError]: a seccomp
// filter of this process forbids sendmsg(2), shutdown(2), kill(2) and wait4(2) alike.
func RenewServer() error { return renewServer() }
