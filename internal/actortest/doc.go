// Package actortest has actors in Go that tests ask what they see, and what tests do with actors.
//
// A package of tests that imports it needs testkit.Main as its TestMain: the actors are processes of the
// same program.
package actortest
