// Package landlock knows since when the kernel has which part of Landlock.
package landlock

// ABI returns the version of Landlock that came with a name which a script can give to a call, such as
// "refer" for "landlock_create_ruleset"; 0 if there is no such name.
func ABI(call, name string) int { return abis[call][name] }
