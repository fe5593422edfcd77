//go:build linux || freebsd

package trace

var Functions = tracedFunctions
