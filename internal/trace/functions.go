//go:build (linux || freebsd) && cgo

package trace

import "sync"

// How the arguments and results of each function of scripts are shown, and what its success tells of
// descriptors. What each argument is comes from the definitions of the script API (table.go); what is
// here needs code.

// function holds what the definitions say: the kinds of arguments and results, which are the names of
// families and structures and those in showers. "" is shown as Lua would write it.
type function struct {
	args    []string
	results []string // of success, without errno
	noErrno bool     // the last result is not errno
}

// tracedFunction says how a function is shown.
type tracedFunction struct {
	args    []shower
	results []shower                     // of success
	opens   func(c *tracedCall) []string // what the results are descriptors of, if they are
	after   func(c *tracedCall)          // a success that changes what descriptors are
	noErrno bool                         // the last result is not errno
}

// showers are for kinds of values that are not just constants of a family.
var showers = map[string]shower{
	"Path":          showPath,
	"Environment":   showEnvironment,
	"Filter":        showFilter,
	"FD":            showFD,
	"DirFD":         showDirectory,
	"Listener":      showListener,
	"Ruleset":       showRuleset,
	"Mode":          showMode,
	"DirectoryMode": showMode,
	"Mask":          showMode,
	"NodeMode":      showNodeMode,
	"AccessMode":    showAccess,
	"Device":        showDevice,
	"SmallDevice":   showDevice,
	"PipeFlags":     openFlagsOnly,
	"Protocol":      showProtocol,
	"FcntlArgument": showFcntlArgument,
	"FcntlResult":   showFcntlResult,
	"FsconfigAux":   showFsconfigAux,
	"PrctlArgument": showPrctlArgument,
	"PrctlResult":   showPrctlResult,
}

// openers tell what the descriptors are that a function returns. Without a row they are of the path
// among the arguments, or what the function's name says.
var openers = map[string]func(c *tracedCall) []string{
	"dup":                     sameAs(0),
	"dup2":                    sameAs(0),
	"socket":                  socketOf,
	"pipe2":                   named("pipe, read end", "pipe, write end"),
	"socketpair":              named("socketpair", "socketpair"),
	"fcntl":                   duplicatedByFcntl,
	"fsopen":                  prefixed("fs ", 0),
	"fsmount":                 mountOf,
	"fspick":                  prefixed("fs at ", 1),
	"open_tree":               prefixed("mount ", 1),
	"seccomp_set_mode_filter": listenerOf,
	"landlock_create_ruleset": rulesetOf,
	"receive_with_fd":         receivedFD,
}

// changers change what is known of descriptors.
var changers = map[string]func(c *tracedCall){
	"close":     closed,
	"closefrom": closedFrom,
	"bind_unix": bound,
}

func showerOf(kind string) shower {
	if show, ok := showers[kind]; ok {
		return show
	}
	if family, ok := families[kind]; ok {
		return family.show
	}
	if kinds, ok := structures[kind]; ok {
		fields := map[string]shower{}
		for name, kind := range kinds {
			fields[name] = showerOf(kind)
		}
		return showFields(fields)
	}
	return showValue
}

func showersOf(kinds []string) []shower {
	var list []shower
	for _, kind := range kinds {
		list = append(list, showerOf(kind))
	}
	return list
}

// openerOf is for a function without a row in openers.
func openerOf(name string, f function) func(c *tracedCall) []string {
	var names []string
	for _, kind := range f.results {
		if kind == "FD" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	for i, kind := range f.args {
		if kind == "Path" && len(names) == 1 {
			return pathOf(i)
		}
	}
	return named(names...)
}

// tracedFunctions are all functions of scripts.
var tracedFunctions = sync.OnceValue(func() map[string]tracedFunction {
	all := map[string]tracedFunction{}
	for name, f := range functions {
		opens, ok := openers[name]
		if !ok {
			opens = openerOf(name, f)
		}
		all[name] = tracedFunction{
			args:    showersOf(f.args),
			results: showersOf(f.results),
			opens:   opens,
			after:   changers[name],
			noErrno: f.noErrno,
		}
	}
	return all
})
