package initscript

import "github.com/go-initscript/initscript/internal/errtext"

// ErrUnsupported is what every function and method returns that starts, confines or sends something,
// where init scripts cannot run: in programs that are built for another system than Linux and FreeBSD.
// Such a program compiles, so that this is for it to decide at run time. The errors wrap it, and it
// wraps [errors.ErrUnsupported].
//
// On Linux and FreeBSD a program without cgo does not compile, lest a missing C compiler makes one that
// confines nothing. Who wants that program all the same asks for it with a build tag:
//
//	CGO_ENABLED=0 go build -tags initscript_unsupported
var ErrUnsupported = errtext.ErrUnsupported
