package initscript_test

import (
	"maps"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// What Emilua does not have takes part in the tests that compare the table C with lists, and those
// of arguments.
func init() {
	allCases = slices.Concat(allCases, extFileCases, extDescriptorCases, extResourceCases, extProcessCases, extSeccompCases, extLandlockCases,
		extKeyringCases)
	allFailures = slices.Concat(allFailures, extFileFailures, extDescriptorFailures, extResourceFailures, extProcessFailures,
		extSeccompFailures, extLandlockFailures, extKeyringFailures)
	allDeaths = slices.Concat(allDeaths, extFileDeaths)
	maps.Copy(constantValues, extConstantValues)
	maps.Copy(strerror, extStrerror)
}

var extStrerror = map[syscall.Errno]string{
	unix.ESRCH:      "No such process",
	unix.EAGAIN:     "Resource temporarily unavailable",
	unix.EXDEV:      "Invalid cross-device link",
	unix.EMFILE:     "Too many open files",
	unix.ENOTEMPTY:  "Directory not empty",
	unix.EOPNOTSUPP: "Operation not supported",
	unix.ELOOP:      "Too many levels of symbolic links",
}

// extConstantValues has values from another source than constantValues' table has.
var extConstantValues = map[string]int64{
	"AT_REMOVEDIR":                  unix.AT_REMOVEDIR,
	"RESOLVE_NO_XDEV":               unix.RESOLVE_NO_XDEV,
	"RESOLVE_NO_MAGICLINKS":         unix.RESOLVE_NO_MAGICLINKS,
	"RESOLVE_NO_SYMLINKS":           unix.RESOLVE_NO_SYMLINKS,
	"RESOLVE_BENEATH":               unix.RESOLVE_BENEATH,
	"RESOLVE_IN_ROOT":               unix.RESOLVE_IN_ROOT,
	"RESOLVE_CACHED":                0x20,
	"RENAME_NOREPLACE":              unix.RENAME_NOREPLACE,
	"RENAME_EXCHANGE":               unix.RENAME_EXCHANGE,
	"RENAME_WHITEOUT":               unix.RENAME_WHITEOUT,
	"SOCK_CLOEXEC":                  unix.SOCK_CLOEXEC,
	"SOCK_NONBLOCK":                 unix.SOCK_NONBLOCK,
	"F_DUPFD":                       unix.F_DUPFD,
	"F_DUPFD_CLOEXEC":               unix.F_DUPFD_CLOEXEC,
	"F_GETFD":                       unix.F_GETFD,
	"F_SETFD":                       unix.F_SETFD,
	"F_GETFL":                       unix.F_GETFL,
	"F_SETFL":                       unix.F_SETFL,
	"F_ADD_SEALS":                   unix.F_ADD_SEALS,
	"F_GET_SEALS":                   unix.F_GET_SEALS,
	"F_GETPIPE_SZ":                  unix.F_GETPIPE_SZ,
	"F_SETPIPE_SZ":                  unix.F_SETPIPE_SZ,
	"FD_CLOEXEC":                    unix.FD_CLOEXEC,
	"F_SEAL_SEAL":                   unix.F_SEAL_SEAL,
	"F_SEAL_SHRINK":                 unix.F_SEAL_SHRINK,
	"F_SEAL_GROW":                   unix.F_SEAL_GROW,
	"F_SEAL_WRITE":                  unix.F_SEAL_WRITE,
	"F_SEAL_FUTURE_WRITE":           unix.F_SEAL_FUTURE_WRITE,
	"F_SEAL_EXEC":                   unix.F_SEAL_EXEC,
	"RLIMIT_AS":                     unix.RLIMIT_AS,
	"RLIMIT_CORE":                   unix.RLIMIT_CORE,
	"RLIMIT_CPU":                    unix.RLIMIT_CPU,
	"RLIMIT_DATA":                   unix.RLIMIT_DATA,
	"RLIMIT_FSIZE":                  unix.RLIMIT_FSIZE,
	"RLIMIT_LOCKS":                  unix.RLIMIT_LOCKS,
	"RLIMIT_MEMLOCK":                unix.RLIMIT_MEMLOCK,
	"RLIMIT_MSGQUEUE":               unix.RLIMIT_MSGQUEUE,
	"RLIMIT_NICE":                   unix.RLIMIT_NICE,
	"RLIMIT_NOFILE":                 unix.RLIMIT_NOFILE,
	"RLIMIT_NPROC":                  unix.RLIMIT_NPROC,
	"RLIMIT_RSS":                    unix.RLIMIT_RSS,
	"RLIMIT_RTPRIO":                 unix.RLIMIT_RTPRIO,
	"RLIMIT_RTTIME":                 unix.RLIMIT_RTTIME,
	"RLIMIT_SIGPENDING":             unix.RLIMIT_SIGPENDING,
	"RLIMIT_STACK":                  unix.RLIMIT_STACK,
	"PR_SET_PDEATHSIG":              unix.PR_SET_PDEATHSIG,
	"PR_SET_DUMPABLE":               unix.PR_SET_DUMPABLE,
	"PR_GET_DUMPABLE":               unix.PR_GET_DUMPABLE,
	"PR_SET_KEEPCAPS":               unix.PR_SET_KEEPCAPS,
	"PR_GET_KEEPCAPS":               unix.PR_GET_KEEPCAPS,
	"PR_SET_CHILD_SUBREAPER":        unix.PR_SET_CHILD_SUBREAPER,
	"PR_SET_TIMERSLACK":             unix.PR_SET_TIMERSLACK,
	"PR_SET_NO_NEW_PRIVS":           unix.PR_SET_NO_NEW_PRIVS,
	"PR_GET_NO_NEW_PRIVS":           unix.PR_GET_NO_NEW_PRIVS,
	"PR_CAPBSET_READ":               unix.PR_CAPBSET_READ,
	"PR_CAPBSET_DROP":               unix.PR_CAPBSET_DROP,
	"PR_SET_THP_DISABLE":            unix.PR_SET_THP_DISABLE,
	"PR_SET_MDWE":                   unix.PR_SET_MDWE,
	"PR_GET_MDWE":                   unix.PR_GET_MDWE,
	"PR_MDWE_REFUSE_EXEC_GAIN":      unix.PR_MDWE_REFUSE_EXEC_GAIN,
	"PR_MDWE_NO_INHERIT":            unix.PR_MDWE_NO_INHERIT,
	"PR_GET_SECCOMP":                unix.PR_GET_SECCOMP,
	"PR_GET_SECUREBITS":             unix.PR_GET_SECUREBITS,
	"KEYCTL_GET_KEYRING_ID":         unix.KEYCTL_GET_KEYRING_ID,
	"KEYCTL_JOIN_SESSION_KEYRING":   unix.KEYCTL_JOIN_SESSION_KEYRING,
	"KEYCTL_REVOKE":                 unix.KEYCTL_REVOKE,
	"KEYCTL_SETPERM":                unix.KEYCTL_SETPERM,
	"KEYCTL_CLEAR":                  unix.KEYCTL_CLEAR,
	"KEYCTL_LINK":                   unix.KEYCTL_LINK,
	"KEYCTL_UNLINK":                 unix.KEYCTL_UNLINK,
	"KEYCTL_SET_TIMEOUT":            unix.KEYCTL_SET_TIMEOUT,
	"KEYCTL_INVALIDATE":             unix.KEYCTL_INVALIDATE,
	"KEY_SPEC_THREAD_KEYRING":       unix.KEY_SPEC_THREAD_KEYRING,
	"KEY_SPEC_PROCESS_KEYRING":      unix.KEY_SPEC_PROCESS_KEYRING,
	"KEY_SPEC_SESSION_KEYRING":      unix.KEY_SPEC_SESSION_KEYRING,
	"KEY_SPEC_USER_KEYRING":         unix.KEY_SPEC_USER_KEYRING,
	"KEY_SPEC_USER_SESSION_KEYRING": unix.KEY_SPEC_USER_SESSION_KEYRING,
	"SIGHUP":                        int64(unix.SIGHUP),
	"SIGINT":                        int64(unix.SIGINT),
	"SIGQUIT":                       int64(unix.SIGQUIT),
	"SIGKILL":                       int64(unix.SIGKILL),
	"SIGUSR1":                       int64(unix.SIGUSR1),
	"SIGUSR2":                       int64(unix.SIGUSR2),
	"SIGPIPE":                       int64(unix.SIGPIPE),
	"SIGALRM":                       int64(unix.SIGALRM),
	"SIGTERM":                       int64(unix.SIGTERM),
	"SIGCHLD":                       int64(unix.SIGCHLD),
	"SIGCONT":                       int64(unix.SIGCONT),
	"SIGSTOP":                       int64(unix.SIGSTOP),
	"SIGTSTP":                       int64(unix.SIGTSTP),
	"SIGSYS":                        int64(unix.SIGSYS),
	"RLIM_INFINITY":                 -1,
}
