//go:build (linux || freebsd) && cgo

// Package csrc is the C part of package initscript: the constructor that turns a process into a
// fork server, the server, the steps of a child, and the Lua environment of init scripts. It has
// no Go API; the parts talk over the sockets that wire.h describes.
package csrc

/*
#cgo CFLAGS: -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -fvisibility=hidden
#cgo pkg-config: luajit
#cgo linux LDFLAGS: -lcap -lm
#cgo freebsd LDFLAGS: -ljail -lm
*/
import "C"

import "embed"

// Go rebuilds a package for headers in its own folder only. A package that includes those of
// csrc imports csrc, too, and is rebuilt with it; so csrc embeds them.
//
//go:embed *.h
var _ embed.FS
