package lua

import "embed"

// Recipes has the scripts of docs/guide/cookbook.md, as recipes/NAME.lua, but for the one
// that is a symbolic link to an example.
//
//go:embed recipes
var Recipes embed.FS
