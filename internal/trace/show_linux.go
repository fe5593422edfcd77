//go:build cgo

package trace

import "golang.org/x/sys/unix"

func showFsconfigAux(c *tracedCall, v any) string {
	switch command, _ := integer(c.arg(1)); command {
	case unix.FSCONFIG_SET_FD:
		return showFD(c, v)
	case unix.FSCONFIG_SET_PATH, unix.FSCONFIG_SET_PATH_EMPTY:
		return showDirectory(c, v)
	}
	return showValue(c, v)
}

func showPrctlArgument(c *tracedCall, v any) string {
	option, _ := integer(c.arg(0))
	switch option {
	case unix.PR_SET_PDEATHSIG:
		return signals.show(c, v)
	case unix.PR_SET_MDWE:
		return mdweFlags.show(c, v)
	}
	return showValue(c, v)
}

func showPrctlResult(c *tracedCall, v any) string {
	option, _ := integer(c.arg(0))
	switch option {
	case unix.PR_GET_SECUREBITS:
		return securebitFlags.show(c, v)
	case unix.PR_GET_MDWE:
		return mdweFlags.show(c, v)
	}
	return showValue(c, v)
}
