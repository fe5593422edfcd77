package initscript_test

import "github.com/go-initscript/initscript/internal/testkit"

// Short names of what other packages of tests share with this one.
var (
	newCmd          = testkit.Command
	runScript       = testkit.RunScript
	inUserNamespace = testkit.InUserNamespace
	socketpair      = testkit.Socketpair
	must            = testkit.Must
	luaList         = testkit.LuaList

	requireRoot           = testkit.RequireRoot
	requireUserNamespaces = testkit.RequireUserNamespaces
	skip                  = testkit.Skip
)
