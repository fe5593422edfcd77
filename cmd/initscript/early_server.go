//go:build (linux || freebsd) && cgo

package main

// #cgo CFLAGS: -std=gnu11 -D_GNU_SOURCE -Wall -Wextra
import "C"

import _ "github.com/go-initscript/initscript/csrc" // whose headers early_server.c includes
