package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// floors are the rooms of csrc, by the beginning of file names, from below. Those of one floor may use
// each other, file by file without circles: the environment of a script lists the calls, which use what
// else is in its room; messages hold objects of Lua, whose methods send messages.
var floors = [][]string{
	{"util"},           // memory, descriptors, sockets, strings; knows nothing of scripts
	{"sys"},            // what Linux and FreeBSD do differently, and what only one has
	{"tell"},           // what a child tells: records and traces
	{"script", "api"},  // what a script runs in, and the calls that it makes
	{"message", "lua"}, // messages, and what Lua programs have of descriptors
	{"role"},           // what a process is: host, server, child, PID 1, actor
}

// shared are headers in no room: types for several rooms, or for Go, too. All rooms may include them,
// and they what is on the lowest floor.
var shared = []string{"constants.h", "constants_all.h", "script.h", "trace_ring.h", "wire.h"}

// floorOf returns the floor of a file, or -1.
func floorOf(file string) int {
	if slices.Contains(shared, file) {
		return 0
	}
	room, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimSuffix(file, ".c"), ".h"), "_")
	return slices.IndexFunc(floors, func(rooms []string) bool { return slices.Contains(rooms, room) })
}

// upward complains of files that need one of a higher floor, and of those in no room.
func upward(graph needs) (complaints []string) {
	for _, file := range sorted(graph) {
		if floorOf(file) < 0 {
			complaints = append(complaints, file+" is in none of the rooms of tools/ccycles/rooms.go")
			continue
		}
		for _, other := range sorted(graph[file]) {
			if floorOf(other) > floorOf(file) {
				complaints = append(complaints, fmt.Sprintf("%s needs %s, of a higher room, for %s",
					file, other, strings.Join(graph[file][other], ", ")))
			}
		}
	}
	return complaints
}

var include = regexp.MustCompile(`(?m)^#include "([^"]+)"`)

// includesOf reads which headers of its own the files in dir include, whatever system they are for.
func includesOf(dir string) (needs, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.[ch]"))
	if err != nil {
		return nil, err
	}
	graph := needs{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(file)
		graph[name] = map[string][]string{}
		for _, header := range include.FindAllStringSubmatch(string(text), -1) {
			graph[name][header[1]] = []string{"what it declares"}
		}
	}
	return graph, nil
}
