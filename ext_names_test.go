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
