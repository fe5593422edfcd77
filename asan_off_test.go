//go:build !asan

package initscript_test

const withASan = false
