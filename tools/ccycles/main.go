// Command ccycles fails if C files of package csrc need each other in a circle, or one of a lower room
// needs one of a higher room, be it for a header. It compiles them as the go command does for this
// system, and reads from the objects which symbols each defines and which it needs.
package main

import (
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

func main() {
	graph, err := needsOf("./csrc")
	headers, errHeaders := includesOf("csrc")
	if err = errors.Join(err, errHeaders); err != nil {
		fmt.Fprintln(os.Stderr, "ccycles:", err)
		os.Exit(1)
	}
	complaints := slices.Concat(cycles(graph), upward(graph), upward(headers))
	for _, complaint := range complaints {
		fmt.Println(complaint)
	}
	if len(complaints) > 0 {
		os.Exit(1)
	}
}

// needs says for each file which symbols it needs of which other files.
type needs map[string]map[string][]string

// needsOf compiles the C files of a package of Go.
func needsOf(pattern string) (needs, error) {
	out, err := exec.Command("go", "list", "-json=Dir,CFiles,CgoCFLAGS,CgoPkgConfig", pattern).Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", pattern, err)
	}
	var listed struct {
		Dir                             string
		CFiles, CgoCFLAGS, CgoPkgConfig []string
	}
	if err := json.Unmarshal(out, &listed); err != nil {
		return nil, err
	}
	flags := listed.CgoCFLAGS
	if len(listed.CgoPkgConfig) > 0 {
		arguments := append([]string{"--cflags"}, listed.CgoPkgConfig...)
		libraries, err := exec.Command("pkg-config", arguments...).Output()
		if err != nil {
			return nil, fmt.Errorf("pkg-config: %w", err)
		}
		flags = append(flags, strings.Fields(string(libraries))...)
	}
	if len(listed.CFiles) == 0 {
		return nil, fmt.Errorf("%s has no C files", pattern)
	}
	return compileAll(listed.Dir, listed.CFiles, flags)
}

// compileAll makes an object of each file in dir, and returns how they hang together.
func compileAll(dir string, files, flags []string) (needs, error) {
	compiler, err := exec.Command("go", "env", "CC").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	objects, err := os.MkdirTemp("", "ccycles")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(objects)

	symbols := make([]symbolsOfFile, len(files))
	errs := make([]error, len(files))
	var group sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i, file := range files {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			object := filepath.Join(objects, file+".o")
			// Optimised, as calls that are never made would count as needs otherwise.
			arguments := append(strings.Fields(string(compiler)), "-O1", "-c", "-o", object)
			arguments = append(append(arguments, flags...), filepath.Join(dir, file))
			if out, err := exec.Command(arguments[0], arguments[1:]...).CombinedOutput(); err != nil {
				errs[i] = fmt.Errorf("%s: %w\n%s", file, err, out)
				return
			}
			symbols[i], errs[i] = readSymbols(object)
			symbols[i].file = file
		})
	}
	group.Wait()
	return link(symbols), errors.Join(errs...)
}

type symbolsOfFile struct {
	file              string
	defined, required []string
}

// readSymbols reads an object. What is weak and not there is not required.
func readSymbols(object string) (symbolsOfFile, error) {
	var symbols symbolsOfFile
	file, err := elf.Open(object)
	if err != nil {
		return symbols, err
	}
	defer file.Close()
	all, err := file.Symbols()
	if err != nil {
		return symbols, err
	}
	for _, symbol := range all {
		binding := elf.ST_BIND(symbol.Info)
		switch {
		case binding == elf.STB_LOCAL:
		case symbol.Section != elf.SHN_UNDEF:
			symbols.defined = append(symbols.defined, symbol.Name)
		case binding == elf.STB_GLOBAL:
			symbols.required = append(symbols.required, symbol.Name)
		}
	}
	return symbols, nil
}

// link finds the file that defines each symbol. Those of libraries and of Go are in none.
func link(all []symbolsOfFile) needs {
	definer := map[string]string{}
	for _, symbols := range all {
		for _, name := range symbols.defined {
			definer[name] = symbols.file
		}
	}
	graph := needs{}
	for _, symbols := range all {
		graph[symbols.file] = map[string][]string{}
		for _, name := range symbols.required {
			if other := definer[name]; other != "" && other != symbols.file {
				graph[symbols.file][other] = append(graph[symbols.file][other], name)
			}
		}
	}
	return graph
}

// cycles describes each set of files in which every one needs every other one, over however many steps.
func cycles(graph needs) (complaints []string) {
	reached := map[string]map[string]bool{}
	for file := range graph {
		reached[file] = map[string]bool{}
		reach(graph, file, reached[file])
	}
	done := map[string]bool{}
	for _, file := range sorted(graph) {
		if done[file] || !reached[file][file] {
			continue
		}
		var circle []string
		for _, other := range sorted(graph) {
			if reached[file][other] && reached[other][file] {
				circle = append(circle, other)
				done[other] = true
			}
		}
		complaints = append(complaints, describe(graph, circle))
	}
	return complaints
}

// reach adds to seen what a file needs, directly or not.
func reach(graph needs, file string, seen map[string]bool) {
	for other := range graph[file] {
		if !seen[other] {
			seen[other] = true
			reach(graph, other, seen)
		}
	}
}

func describe(graph needs, circle []string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d files need each other:", len(circle))
	for _, file := range circle {
		for _, other := range circle {
			if symbols := graph[file][other]; len(symbols) > 0 {
				fmt.Fprintf(&text, "\n\t%s needs %s for %s", file, other, strings.Join(symbols, ", "))
			}
		}
	}
	return text.String()
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
