//go:build !luajit

package main

const withHost = false
