package initscript_test

import "github.com/go-initscript/initscript/internal/testkit"

// Short names of what other packages of tests share with this one.

const (
	testTimeout      = testkit.Timeout
	ordinaryID       = testkit.OrdinaryID
	subprocessMarker = testkit.SubprocessMarker
	withRace         = testkit.WithRace
	withASan         = testkit.WithASan
)

type (
	scriptCase   = testkit.ScriptCase
	scriptResult = testkit.Result
)

var (
	newCmd          = testkit.Command
	runScript       = testkit.RunScript
	runInSubprocess = testkit.RunInSubprocess
	inUserNamespace = testkit.InUserNamespace
	withProgram     = testkit.WithProgram
	socketpair      = testkit.Socketpair
	receiveAll      = testkit.ReceiveAll
	actorEnv        = testkit.ActorEnv

	requireRoot                    = testkit.RequireRoot
	requireUserNamespaces          = testkit.RequireUserNamespaces
	requireNamespaces              = testkit.RequireNamespaces
	requireNamespacesForSubprocess = testkit.RequireNamespacesForSubprocess
	requireProgram                 = testkit.RequireProgram
	requireLandlock                = testkit.RequireLandlock
	seccompAtStart                 = testkit.SeccompAtStart
	explained                      = testkit.Explained
	skip                           = testkit.Skip

	luaLiteral  = testkit.LuaLiteral
	instruction = testkit.Instruction
	filter      = testkit.Filter
	install     = testkit.Install
	allowAll    = testkit.AllowAll

	landlockRules = testkit.Lua("allow_beneath")
	seccompCalls  = testkit.Lua("system_calls")
)
