//go:build (linux || freebsd) && cgo

package main

// #cgo CFLAGS: -std=gnu11 -D_GNU_SOURCE -Wall -Wextra
import "C"
