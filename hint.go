package initscript

import "errors"

// Hint returns the hint of a failed start or script, which any error in err's tree may carry: cause and
// fix in one line; "" if there is none. It needs no privileges, and reads nothing: the facts were looked
// at when the call had failed. There are hints on Linux only.
func Hint(err error) string {
	var (
		script    *ScriptError
		namespace *NamespaceError
		idMap     *IDMapError
		exec      *ExecError
		setup     *SetupError
		server    *ServerError
	)
	switch {
	case errors.As(err, &script):
		return script.Hint
	case errors.As(err, &namespace):
		return namespace.Hint
	case errors.As(err, &idMap):
		return idMap.Hint
	case errors.As(err, &exec):
		return exec.Hint
	case errors.As(err, &setup):
		return setup.Hint
	case errors.As(err, &server):
		return server.Hint
	}
	return ""
}
