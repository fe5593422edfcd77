// Package seccomp compiles seccomp policies to filters.
package seccomp
