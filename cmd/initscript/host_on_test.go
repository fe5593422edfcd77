//go:build luajit

package main

// withHost tells that the command under test has host.
const withHost = true
