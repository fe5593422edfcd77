package check

import (
	"maps"
	"slices"

	"github.com/go-initscript/initscript/internal/luasyntax"
)

// withArguments are the functions whose first or second argument chooses what is done, and the choices
// with how many arguments they need.
var withArguments = map[string]struct {
	choice int // the argument
	needs  map[string]int
}{
	"C.fcntl": {1, map[string]int{
		"C.F_DUPFD": 3, "C.F_DUPFD_CLOEXEC": 3, "C.F_SETFD": 3, "C.F_SETFL": 3, "C.F_ADD_SEALS": 3,
		"C.F_SETPIPE_SZ": 3,
	}},
	"C.prctl": {0, map[string]int{
		"C.PR_SET_PDEATHSIG": 2, "C.PR_SET_DUMPABLE": 2, "C.PR_SET_KEEPCAPS": 2,
		"C.PR_SET_CHILD_SUBREAPER": 2, "C.PR_SET_TIMERSLACK": 2, "C.PR_SET_NO_NEW_PRIVS": 2,
		"C.PR_CAPBSET_READ": 2, "C.PR_CAPBSET_DROP": 2, "C.PR_SET_THP_DISABLE": 2,
		"C.PR_SET_MDWE": 2,
	}},
	"C.keyctl": {0, map[string]int{
		"C.KEYCTL_GET_KEYRING_ID": 3, "C.KEYCTL_REVOKE": 2, "C.KEYCTL_SETPERM": 3, "C.KEYCTL_CLEAR": 2,
		"C.KEYCTL_LINK": 3, "C.KEYCTL_UNLINK": 3, "C.KEYCTL_SET_TIMEOUT": 3, "C.KEYCTL_INVALIDATE": 2,
	}},
	"C.open": {1, map[string]int{"C.O_CREAT": 3, "C.O_TMPFILE": 3}},
}

// checkOptional reports an argument that is missing, or of no use, for what another one chooses.
func (s *script) checkOptional(call *luasyntax.Call, f *function) {
	with, ok := withArguments[f.name]
	if !ok {
		return
	}
	e, _ := argument(call, with.choice)
	if e == nil {
		return
	}
	set, _ := s.flagsOf(e)
	for _, name := range slices.Sorted(maps.Keys(set)) {
		needs, ok := with.needs[name]
		if !ok {
			continue
		}
		given, closed := s.given(call)
		if closed && given < needs {
			s.add(call.Paren, Error, nameArgumentCount, "%s with %s takes %s: %s is missing",
				f.name, name, count(needs, "argument"), f.calls[0][given].name)
			return
		}
		if value, _ := argument(call, needs-1); value != nil && s.typeOf(value) == "nil" {
			s.add(value.Pos(), Error, nameArgumentCount, "%s with %s takes %s: %s is nil", f.name, name,
				count(needs, "argument"), f.calls[0][needs-1].name)
		}
	}
	if value, _ := argument(call, 2); f.name == "C.fcntl" && value != nil {
		s.checkFcntlArgument(value, set)
	}
}

// checkFcntlArgument reports flags of open(2) that fcntl(2) ignores.
func (s *script) checkFcntlArgument(e luasyntax.Expr, command flags) {
	set, _ := s.flagsOf(e)
	ignored := []string{"C.O_CREAT", "C.O_EXCL", "C.O_NOCTTY", "C.O_TRUNC", "C.O_CLOEXEC"}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		switch {
		case command.has("C.F_SETFD") && name != "C.FD_CLOEXEC":
			s.add(set[name], Error, nameArgumentValue, "F_SETFD sets FD_CLOEXEC, not %s", name)
		case command.has("C.F_SETFL") && slices.Contains(ignored, name):
			s.add(set[name], Error, nameArgumentValue, "F_SETFL does not set %s", name)
		}
	}
}
