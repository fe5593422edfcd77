//go:build linux && !asan

package testkit

// WithASan tells that the program maps terabytes of shadow memory, so it cannot live under an
// RLIMIT_AS.
const WithASan = false
