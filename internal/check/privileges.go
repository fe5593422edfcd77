package check

import (
	"math"

	"github.com/go-initscript/initscript/internal/luasyntax"
)

// need returns the capability that a call certainly needs, or "". unless says what else would do.
func (s *script) need(call *luasyntax.Call, f *function) (capability, unless string) {
	if f.capability != "" {
		return f.capability, ""
	}
	flagsAt := func(i int) (flags, bool) {
		e, _ := argument(call, i)
		if e == nil {
			return nil, false
		}
		return s.flagsOf(e)
	}
	switch f.name {
	case "C.setresuid", "C.setresgid":
		if s.changesIDs(call) {
			return "cap_set" + f.name[len("C.setres"):], " unless the process has these ids already"
		}
	case "C.unshare":
		if set, ok := flagsAt(0); ok && len(set) > 0 && !set.has("C.CLONE_NEWUSER") {
			return "cap_sys_admin", ""
		}
	case "C.setns":
		if set, ok := flagsAt(1); ok && len(set) > 0 && !set.has("C.CLONE_NEWUSER") {
			return "cap_sys_admin", ""
		}
	case "C.open_tree":
		if set, _ := flagsAt(2); set.has("C.OPEN_TREE_CLONE") {
			return "cap_sys_admin", ""
		}
	case "C.mknod":
		if set, _ := flagsAt(1); set.has("C.S_IFCHR") || set.has("C.S_IFBLK") {
			return "cap_mknod", ""
		}
	case "C.mknodat":
		if set, _ := flagsAt(2); set.has("C.S_IFCHR") || set.has("C.S_IFBLK") {
			return "cap_mknod", ""
		}
	case "C.prctl":
		if set, _ := flagsAt(0); set.has("C.PR_CAPBSET_DROP") {
			return "cap_setpcap", ""
		}
	}
	return "", ""
}

// changesIDs reports whether one of the ids is certainly not -1.
func (s *script) changesIDs(call *luasyntax.Call) bool {
	for _, e := range call.Args {
		if id, ok := s.number(e); ok && id >= 0 {
			return true
		}
	}
	return false
}

func (f *follower) checkCapabilities(call *luasyntax.Call, function *function) {
	capability, unless := f.need(call, function)
	if capability == "" || !f.state.caps.lacks(capability) {
		return
	}
	severity, condition := Error, ""
	if f.state.caps.ifRoot {
		severity, condition = Warning, " if the user id was 0"
	}
	if unless != "" {
		severity = Warning
	}
	lost := f.state.caps.lost
	f.add(call.Pos(), severity, nameCapability, "%s needs %s%s, which %s in line %d has given up%s",
		function.name, capability, unless, f.called(lost).name, lost.Pos().Line, condition)
}

// apply follows what a call does to the process.
func (f *follower) apply(call *luasyntax.Call, function *function) {
	sure := f.state.errexit == yes // or it may have failed
	switch function.name {
	case "set_no_new_privs":
		f.state.noNewPrivs = yes
	case "C.prctl":
		f.applyPrctl(call)
	case "C.landlock_restrict_self":
		if set, known := f.setsNoNewPrivs(call); (set || !known) && f.state.noNewPrivs == no {
			f.state.noNewPrivs = maybe
		}
		if sure && f.state.landlocked == nil && f.handlesFiles(call) {
			f.state.landlocked = call
		}
	case "C.cap_set_proc":
		f.state.caps = capabilities{}
		if e, _ := argument(call, 0); e != nil && sure {
			if text, ok := f.text(e); ok {
				if caps, ok := parseCapabilities(text); ok {
					caps.lost = call
					f.state.caps = caps
				}
			}
		}
	case "C.unshare", "C.setns":
		// A user namespace gives all of them.
		if capability, _ := f.need(call, function); capability == "" {
			f.state.caps = capabilities{}
		}
	case "C.setresuid":
		f.applyUserIDs(call, sure)
	case "C.chdir", "C.fchdir", "C.chroot", "C.pivot_root":
		f.applyRoot(call, function)
	case "C.execve", "C.fexecve":
		f.checkRoot()
		f.checkDescriptors(call, function)
		if sure {
			f.end()
		}
		f.state.certain = false
	case "C.close", "C.closefrom", "C.fcntl", "C.dup2":
		f.closeDescriptors(call, function)
	}
}

func (f *follower) applyPrctl(call *luasyntax.Call) {
	e, _ := argument(call, 0)
	if e == nil {
		return
	}
	set, ok := f.flagsOf(e)
	if value, _ := argument(call, 1); value != nil && ok && set.has("C.PR_SET_NO_NEW_PRIVS") {
		if n, ok := f.number(value); ok && n == 1 {
			f.state.noNewPrivs = yes
			return
		}
	}
	if (!ok || set.has("C.PR_SET_NO_NEW_PRIVS")) && f.state.noNewPrivs == no {
		f.state.noNewPrivs = maybe
	}
}

// handlesFiles reports whether the ruleset certainly handles an access to files.
func (f *follower) handlesFiles(call *luasyntax.Call) bool {
	e, _ := argument(call, 0)
	if e == nil {
		return false
	}
	ruleset, ok := f.constantValue(e).(*luasyntax.Call)
	if !ok || f.meaning(ruleset.Function) != "C.landlock_create_ruleset" || len(ruleset.Args) == 0 {
		return false
	}
	attributes, ok := f.tableOf(ruleset.Args[0])
	if !ok {
		return false
	}
	for _, field := range attributes.Fields {
		key, _ := field.Key.(*luasyntax.String)
		if key == nil || key.Value != "handled_access_fs" {
			continue
		}
		if list, ok := f.tableOf(field.Value); ok && len(list.Fields) > 0 && list.Fields[0].Key == nil {
			_, isText := f.text(list.Fields[0].Value)
			return isText
		}
	}
	return false
}

// applyUserIDs: when the effective user id stops being 0, the effective set is cleared.
func (f *follower) applyUserIDs(call *luasyntax.Call, sure bool) {
	e, _ := argument(call, 1)
	if e == nil || f.keepsCapabilities {
		f.state.caps = capabilities{}
		return
	}
	id, ok := f.number(e)
	switch {
	case ok && id == -1:
	case ok && id >= 1 && id < math.MaxUint32 && sure: // others are cut
		if !f.state.caps.known || f.state.caps.all || len(f.state.caps.names) > 0 {
			f.state.caps = capabilities{known: true, names: map[string]bool{}, lost: call, ifRoot: true}
		}
	default:
		f.state.caps = capabilities{}
	}
}

// mayKeepCapabilities reports whether the script changes what happens to capabilities when ids change.
func (s *script) mayKeepCapabilities() bool {
	found := false
	luasyntax.Walk(s.chunk.Main, func(node luasyntax.Node) bool {
		switch n := node.(type) {
		case *luasyntax.Index, *luasyntax.Name:
			found = found || s.meaning(n.(luasyntax.Expr)) == "C.SECBIT_NO_SETUID_FIXUP"
		case *luasyntax.Call:
			if s.meaning(n.Function) == "C.cap_set_secbits" && len(n.Args) > 0 {
				_, ok := s.flagsOf(n.Args[0])
				found = found || !ok
			}
		}
		return !found
	})
	for _, name := range s.indirect {
		found = found || name == "C.cap_set_secbits"
	}
	return found
}
