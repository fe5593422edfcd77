package check

import (
	"maps"
	"slices"

	"github.com/go-initscript/initscript/internal/luasyntax"
)

// truth says how certain a fact is.
type truth int

const (
	no truth = iota
	maybe
	yes
)

func (t truth) or(u truth) truth {
	if t == u {
		return t
	}
	return maybe
}

// state describes the process at one point of the script.
type state struct {
	dead bool // the point is never reached
	// certain says that every run of the script gets here, unless a call fails. It is not so where a
	// condition may have asked for what the system can do.
	certain    bool
	errexit    truth
	noNewPrivs truth
	// landlocked is the call that forbade mounting, nil if that is not certain.
	landlocked *luasyntax.Call
	caps       capabilities
	open       []*descriptor // without close-on-exec
	root       rootState
}

func newState() *state { return &state{certain: true, errexit: yes, root: rootState{known: true}} }

// unknownState is that of a point which can be reached from anywhere.
func unknownState() *state { return &state{errexit: maybe, noNewPrivs: maybe} }

func (s *state) clone() *state {
	c := *s
	c.open = slices.Clone(s.open)
	return &c
}

// join makes s what is known when the script came either from s or from other.
func (s *state) join(other *state) {
	switch {
	case other.dead:
		return
	case s.dead:
		*s = *other.clone()
		return
	}
	s.certain = s.certain && other.certain
	s.root.join(other.root)
	s.errexit = s.errexit.or(other.errexit)
	s.noNewPrivs = s.noNewPrivs.or(other.noNewPrivs)
	if s.landlocked != other.landlocked {
		s.landlocked = nil
	}
	if !s.caps.equal(other.caps) {
		s.caps = capabilities{}
	}
	s.open = slices.DeleteFunc(s.open,
		func(d *descriptor) bool { return !slices.Contains(other.open, d) })
}

// effects are what code may do to a state.
type effects struct {
	errexit, noNewPrivs, caps, descriptors, root bool
	exit                                         bool // may end the script
}

// havoc applies what unknown code may have done.
func (s *state) havoc(e effects) {
	if e.errexit {
		s.errexit = maybe
	}
	if e.noNewPrivs && s.noNewPrivs == no {
		s.noNewPrivs = maybe
	}
	if e.caps {
		s.caps = capabilities{}
	}
	if e.descriptors {
		s.open = nil
	}
	if e.root {
		s.root = rootState{moved: true}
	}
}

var (
	anything = effects{true, true, true, true, true, true}
	// ofSystem are the effects of calls that go past C. They do not reach variables of Lua.
	ofSystem = effects{noNewPrivs: true, caps: true, descriptors: true, root: true, exit: true}
)

func (e *effects) add(f effects) {
	e.errexit = e.errexit || f.errexit
	e.noNewPrivs = e.noNewPrivs || f.noNewPrivs
	e.caps = e.caps || f.caps
	e.descriptors = e.descriptors || f.descriptors
	e.root = e.root || f.root
	e.exit = e.exit || f.exit
}

// allEffects are those of all functions of the script, and of the functions of the API that are passed
// on.
func (s *script) allEffects() effects {
	var e effects
	for _, name := range s.indirect {
		e.addCall(name)
	}
	s.addEffects(&e, s.chunk.Main, false)
	return e
}

func (s *script) addEffects(e *effects, node luasyntax.Node, inFunction bool) {
	switch n := node.(type) {
	case *luasyntax.Function:
		inFunction = n != s.chunk.Main
	case *luasyntax.AssignStmt:
		for _, target := range n.Targets {
			if inFunction && s.meaning(target) == "errexit" {
				e.errexit = true
			}
		}
	case *luasyntax.Call:
		if inFunction {
			e.addCall(s.meaning(n.Function))
			e.add(s.foreignEffects(n))
		}
	}
	for _, child := range luasyntax.Children(node) {
		s.addEffects(e, child, inFunction)
	}
}

func (e *effects) addCall(name string) {
	switch name {
	case "set_no_new_privs":
		e.noNewPrivs = true
	case "C.prctl", "C.landlock_restrict_self":
		e.noNewPrivs, e.caps = true, true
	case "C.cap_set_proc", "C.unshare", "C.setns", "C.setresuid", "C.cap_set_secbits":
		e.caps = true
	case "C.close", "C.closefrom", "C.fcntl", "C.dup2":
		e.descriptors = true
	case "C.chdir", "C.fchdir", "C.chroot", "C.pivot_root":
		e.root = true
	case "C.execve", "C.fexecve", "os.exit":
		e.exit = true
	}
}

// capabilities are those in the effective set.
type capabilities struct {
	known bool
	names map[string]bool
	all   bool // also those that are not in names
	// lost is the call that left no more, and why says how.
	lost *luasyntax.Call
	// ifRoot says that this is so only if the process had the user id 0.
	ifRoot bool
}

func (c capabilities) equal(d capabilities) bool {
	return c.known == d.known && c.all == d.all && c.lost == d.lost && maps.Equal(c.names, d.names)
}

// lacks reports whether a capability is certainly not there.
func (c capabilities) lacks(name string) bool { return c.known && !c.all && !c.names[name] }

// descriptor was opened without close-on-exec.
type descriptor struct {
	call  *luasyntax.Call
	f     *function
	flag  string
	local *luasyntax.Local // nil if nothing keeps the number
}
