//go:build (linux || freebsd) && cgo

package initscript

import _ "github.com/go-initscript/initscript/csrc" // the constructor and the fork server
