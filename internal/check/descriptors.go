package check

import (
	"slices"
	"strings"

	"github.com/go-initscript/initscript/internal/definitions"
	"github.com/go-initscript/initscript/internal/luasyntax"
)

// openingFlag says how a call that returns a descriptor can be told close-on-exec: by which flag, in
// which argument, and in which field if that is a table. flag is "" if it cannot.
type openingFlag struct {
	argument    int
	field, flag string
}

// openingFlag looks for numbers that can have such a flag among the arguments.
func (a *api) openingFlag(f *function) openingFlag {
	if !f.opensFD {
		return openingFlag{}
	}
	for i, p := range f.calls[0] {
		if flag := a.closeOnExec(p.numbers); flag != "" {
			return openingFlag{argument: i, flag: flag}
		}
		if class := a.classes[p.typ]; class != nil {
			for _, field := range class.fields {
				if flag := a.closeOnExec(field.numbers); flag != "" {
					return openingFlag{i, field.name, flag}
				}
			}
		}
	}
	return openingFlag{}
}

func (a *api) closeOnExec(numbers *definitions.Numbers) string {
	for name := range a.constants {
		name = strings.TrimPrefix(name, "C.")
		if numbers != nil && strings.HasSuffix(name, "_CLOEXEC") && numbers.Has(name) {
			return name
		}
	}
	return ""
}

// keepDescriptors notes the descriptors that calls return without close-on-exec.
func (f *follower) keepDescriptors(locals []*luasyntax.Local, values []luasyntax.Expr) {
	if f.state.dead {
		return
	}
	for i, value := range values {
		call, ok := value.(*luasyntax.Call)
		if !ok {
			continue
		}
		function := f.called(call)
		if function == nil || f.state.errexit != yes {
			continue
		}
		flag, ok := f.missingFlag(call, function)
		if !ok {
			continue
		}
		d := &descriptor{call: call, f: function, flag: flag}
		if i < len(locals) {
			if d.local = locals[i]; !f.onlyPassedToC(locals[i:]) {
				continue
			}
		} else if locals != nil {
			continue
		}
		if !slices.ContainsFunc(f.state.open,
			func(other *descriptor) bool { return other.call == call }) {
			f.state.open = append(f.state.open, d)
		}
	}
}

// missingFlag returns the flag for close-on-exec that a call certainly does not have.
func (f *follower) missingFlag(call *luasyntax.Call, function *function) (flag string, ok bool) {
	opens := function.opens
	if opens.flag == "" {
		return "", false
	}
	e, _ := argument(call, opens.argument)
	if e == nil {
		return "", false
	}
	if opens.field != "" {
		var ok bool
		if e, ok = f.fieldOf(e, opens.field); !ok {
			return "", false
		}
	}
	set, ok := f.flagsOf(e)
	return opens.flag, ok && !set.has("C."+opens.flag)
}

func (f *follower) fieldOf(e luasyntax.Expr, name string) (value luasyntax.Expr, ok bool) {
	table, ok := f.tableOf(e)
	if !ok {
		return nil, false
	}
	for _, field := range table.Fields {
		if key, ok := field.Key.(*luasyntax.String); ok && key.Value == name {
			return field.Value, true
		}
	}
	return nil, false
}

// onlyPassedToC reports whether variables are never assigned to and used for nothing but arguments of
// functions of C and the like: whoever makes a text of a descriptor may want the program to have it.
func (f *follower) onlyPassedToC(locals []*luasyntax.Local) bool {
	passed := map[*luasyntax.Local]int{}
	luasyntax.Walk(f.chunk.Main, func(node luasyntax.Node) bool {
		if call, ok := node.(*luasyntax.Call); ok && f.called(call) != nil {
			for _, e := range call.Args {
				if name, ok := e.(*luasyntax.Name); ok {
					passed[name.Local]++
				}
			}
		}
		return true
	})
	return !slices.ContainsFunc(locals, func(local *luasyntax.Local) bool {
		return local.Assigned || passed[local] != f.uses[local]
	})
}

func (f *follower) closeDescriptors(call *luasyntax.Call, function *function) {
	if function.name == "C.closefrom" || function.name == "C.dup2" && len(call.Args) != 2 {
		f.state.open = nil
		return
	}
	e := call.Args
	if function.name == "C.dup2" {
		e = e[1:]
	}
	if len(e) == 0 {
		return
	}
	name, ok := e[0].(*luasyntax.Name)
	number, isNumber := f.number(e[0])
	switch {
	case ok && name.Local != nil:
		// Another of several results may have been meant.
		f.state.open = slices.DeleteFunc(f.state.open, func(d *descriptor) bool {
			return d.local == name.Local || d.local == nil || severalResults(d.f)
		})
	case function.name == "C.dup2" && isNumber && number <= 2:
	default:
		f.state.open = nil
	}
}

// severalResults is for pipes and pairs of sockets.
func severalResults(f *function) bool { return f.results > 2 }

func (f *follower) checkDescriptors(execute *luasyntax.Call, function *function) {
	for _, d := range f.state.open {
		if function.name == "C.fexecve" && len(execute.Args) > 0 {
			// An interpreter opens its script by this descriptor.
			if name, ok := execute.Args[0].(*luasyntax.Name); ok && name.Local == d.local &&
				d.local != nil {
				continue
			}
		}
		f.add(nameAt(d.call), Warning, nameCloseOnExec,
			"the program that %s executes in line %d gets this descriptor, "+
				"for want of %s", function.name, execute.Pos().Line, d.flag)
	}
}
