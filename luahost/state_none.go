//go:build !cgo

package luahost

// A State stands for golua's lua.State, which is not there without cgo.
type State struct{}
