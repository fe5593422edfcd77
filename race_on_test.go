//go:build race

package initscript_test

// withRace tells that everything takes ten times as long.
const withRace = true
