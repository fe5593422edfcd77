//go:build race

package initscript_test

// withRace tells that everything takes ten times as long.
const withRace = true

// actorEnv keeps actors from sleeping for a second at their end.
var actorEnv = []string{"GORACE=atexit_sleep_ms=0"}
