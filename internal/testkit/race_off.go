//go:build linux && !race

package testkit

// WithRace tells that everything takes ten times as long.
const WithRace = false

// ActorEnv is for actors of a program with the race detector.
var ActorEnv []string
