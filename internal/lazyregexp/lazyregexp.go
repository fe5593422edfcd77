// Package lazyregexp compiles regular expressions when they are first used. The command is started for
// each child, and most of what it can do is not what a start asks for.
package lazyregexp

import (
	"regexp"
	"sync"
)

// New returns a function that compiles the expression at its first call. It panics then if the
// expression does not compile, so a test has to call it.
func New(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
