// Package testkit has what the tests of several packages share: commands with a time limit, what a
// test needs of the machine, scripts as cases with all that comes of them, and older kernels.
//
// It uses the package initscript as anybody does, so only external tests can import it.
package testkit
