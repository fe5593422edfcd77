//go:build cgo && luajit

package main

// #cgo CFLAGS: -std=gnu11 -D_GNU_SOURCE -Wall -Wextra
import "C"
