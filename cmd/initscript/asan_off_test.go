//go:build !asan

package main

const withASan = false
