package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/internal/luasyntax"
)

var systemNames = map[string]string{"linux": "Linux", "freebsd": "FreeBSD"}

// checkSystem reports a name that the target does not have.
func (f *follower) checkSystem(index *luasyntax.Index) {
	if !f.state.certain || f.mayHaveEnded {
		return
	}
	name, has := f.meaning(index), ""
	if function := f.api.functions[name]; function != nil {
		has = function.system
	} else if constant := f.api.constants[name]; constant != nil {
		has = constant.system
	}
	if has != "" && has != f.options.Target {
		f.add(index.Key.Pos(), Error, nameUnknownName, "%s exists on %s only", name, systemNames[has])
	}
}

// demanded reports whether a call that fails here ends the script, and nothing has been asked before.
func (f *follower) demanded() bool {
	return f.state.certain && !f.mayHaveEnded && f.state.errexit == yes
}

// apiCall checks what a call needs, and follows what it does.
func (f *follower) apiCall(call *luasyntax.Call, function *function) {
	if function.system != "" && function.system != f.options.Target {
		return
	}
	if f.demanded() && f.options.Target == "linux" {
		f.checkKernel(call, function)
	}
	if f.state.errexit == yes && f.options.Target == "linux" {
		f.checkLandlockOrder(call, function)
		f.checkNoNewPrivs(call, function)
		f.checkCapabilities(call, function)
	}
	f.apply(call, function)
}

// checkKernel reports what is newer than the kernel, or than its Landlock.
func (f *follower) checkKernel(call *luasyntax.Call, function *function) {
	if !f.hasKernel(function.kernel) {
		f.tooNew(nameAt(call), function.name, function.kernel)
		return
	}
	for i, e := range call.Args {
		set, _ := f.flagsOf(e)
		for _, name := range slices.Sorted(maps.Keys(set)) {
			if kernel := f.api.constants[name].kernel; !f.hasKernel(kernel) {
				f.tooNew(set[name], name, kernel)
			}
		}
		if table, ok := f.tableOf(e); ok {
			for _, signature := range function.calls {
				if i < len(signature) {
					f.checkTableVersions(table, signature[i].typ)
				}
			}
		}
		if text, ok := f.text(e); ok && function.name == "C.landlock_add_rule" && i == 1 &&
			text == "net_port" {
			f.checkABI(e.Pos(), `"net_port"`,
				f.api.classes["initscript.LandlockRulesetAttr"].abi["handled_access_net"])
		}
	}
}

func (f *follower) hasKernel(version definitions.Version) bool {
	return f.newestKernel() || !f.options.Kernel.Less(version)
}

func (f *follower) tooNew(pos luasyntax.Position, name string, version definitions.Version) {
	f.add(pos, Error, nameKernel, "%s needs Linux %v, the target is %v", name, version, f.options.Kernel)
}

// nameAt is where the name of the function that is called stands.
func nameAt(call *luasyntax.Call) luasyntax.Position {
	if index, ok := call.Function.(*luasyntax.Index); ok {
		return index.Key.Pos()
	}
	return call.Pos()
}

// checkTableVersions looks at the texts of a list, and at fields.
func (f *follower) checkTableVersions(table *luasyntax.Table, typ string) {
	class := f.api.classes[typ]
	list := f.api.texts[strings.TrimSuffix(typ, "[]")]
	for _, field := range table.Fields {
		switch key, _ := field.Key.(*luasyntax.String); {
		case class != nil && key != nil:
			f.checkFieldVersions(class, key, field.Value)
		case list != nil && field.Key == nil:
			f.checkTextVersion(list, field.Value)
		}
	}
}

func (f *follower) checkFieldVersions(class *class, key *luasyntax.String, value luasyntax.Expr) {
	if abi := class.abi[key.Value]; abi > f.abi {
		f.checkABI(key.Position, "the field "+key.Value, abi)
		return
	}
	for _, p := range class.fields {
		if table, ok := f.tableOf(value); ok && p.name == key.Value {
			f.checkTableVersions(table, p.typ)
		}
	}
	set, _ := f.flagsOf(value)
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if kernel := f.api.constants[name].kernel; !f.hasKernel(kernel) {
			f.tooNew(set[name], name, kernel)
		}
	}
}

func (f *follower) checkTextVersion(list *textList, value luasyntax.Expr) {
	text, ok := f.text(value)
	if !ok {
		return
	}
	f.checkABI(value.Pos(), fmt.Sprintf("%q", text), list.abi[text])
	if kernel := list.kernel[text]; !f.hasKernel(kernel) {
		f.tooNew(value.Pos(), fmt.Sprintf("%q", text), kernel)
	}
}

func (f *follower) checkABI(pos luasyntax.Position, what string, abi int) {
	if abi > f.abi {
		f.add(pos, Error, nameLandlockABI,
			"%s needs ABI %d of Landlock, which came with Linux %v; the target has %s",
			what, abi, f.api.abis[abi-1], describeABI(f.abi))
	}
}

func describeABI(abi int) string {
	if abi == 0 {
		return "none"
	}
	return fmt.Sprintf("ABI %d", abi)
}

// mountCalls are refused to a process that a Landlock ruleset for files holds.
var mountCalls = []string{"C.mount", "C.umount", "C.umount2", "C.pivot_root", "C.move_mount"}

func (f *follower) checkLandlockOrder(call *luasyntax.Call, function *function) {
	if f.state.landlocked != nil && slices.Contains(mountCalls, function.name) {
		f.add(call.Pos(), Error, nameLandlockOrder,
			"%s fails with EPERM: C.landlock_restrict_self in line %d forbids all "+
				"changes of mounts", function.name, f.state.landlocked.Pos().Line)
	}
}

func (f *follower) checkNoNewPrivs(call *luasyntax.Call, function *function) {
	if f.state.noNewPrivs != no {
		return
	}
	failure := "EPERM"
	switch function.name {
	case "C.seccomp_set_mode_filter":
		failure = "EACCES"
	case "C.landlock_restrict_self":
		if set, known := f.setsNoNewPrivs(call); set || !known {
			return
		}
	default:
		return
	}
	severity, unless := Warning, " without CAP_SYS_ADMIN"
	if f.state.caps.lacks("cap_sys_admin") && !f.state.caps.ifRoot {
		severity, unless = Error, ""
	}
	f.add(call.Pos(), severity, nameNoNewPrivs,
		"%s fails with %s%s: set_no_new_privs() is not called before it",
		function.name, failure, unless)
}

// setsNoNewPrivs looks for the flag of C.landlock_restrict_self.
func (f *follower) setsNoNewPrivs(call *luasyntax.Call) (set, known bool) {
	e, ok := argument(call, 1)
	if e == nil {
		return false, ok
	}
	if f.typeOf(e) == "nil" {
		return false, true
	}
	table, ok := f.tableOf(e)
	if !ok {
		return false, false
	}
	for _, field := range table.Fields {
		text, ok := f.text(field.Value)
		if !ok {
			return false, false
		}
		set = set || text == "no_new_privs"
	}
	return set, true
}
