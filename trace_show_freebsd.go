//go:build cgo

package initscript

// #include <fcntl.h>
import "C"

const (
	fcntlAddSeals = C.F_ADD_SEALS
	fcntlGetSeals = C.F_GET_SEALS
)

// These are for calls that only Linux has.

func showFsconfigAux(c *tracedCall, v any) string   { return showValue(c, v) }
func showPrctlArgument(c *tracedCall, v any) string { return showValue(c, v) }
func showPrctlResult(c *tracedCall, v any) string   { return showValue(c, v) }
