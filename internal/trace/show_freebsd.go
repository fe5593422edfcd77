//go:build cgo

package trace

// These are for calls that only Linux has.

func showFsconfigAux(c *tracedCall, v any) string   { return showValue(c, v) }
func showPrctlArgument(c *tracedCall, v any) string { return showValue(c, v) }
func showPrctlResult(c *tracedCall, v any) string   { return showValue(c, v) }
