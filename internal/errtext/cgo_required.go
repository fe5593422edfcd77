//go:build (linux || freebsd) && !cgo && !initscript_unsupported

package errtext

// Where init scripts could run, a program without them is hardly meant: no C compiler was found, or it
// is another system's. The compiler shows this name. A program that shall do without is built with the
// tag initscript_unsupported; see initscript.ErrUnsupported.
var _ = initscript_needs_cgo__set_CGO_ENABLED_1_and_install_a_C_compiler
