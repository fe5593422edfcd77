//go:build linux && race

package testkit

// WithRace tells that everything takes ten times as long.
const WithRace = true

// ActorEnv keeps actors from sleeping for a second at their end.
var ActorEnv = []string{"GORACE=atexit_sleep_ms=0"}
