//go:build !race

package initscript_test

const withRace = false

var actorEnv []string
