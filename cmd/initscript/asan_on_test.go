//go:build asan

package main

// withASan tells that the program maps terabytes of shadow memory, so it cannot live under an
// RLIMIT_AS.
const withASan = true
