// Command testcount reads files that hold the output of go test -json and prints how many tests
// passed, failed and were skipped, as "N passed, N failed, N skipped". A package that fails without
// a failed test, because it does not build for example, counts as one. The status is 1 if anything
// failed.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

type event struct{ Action, Package, Test string }

type counts struct {
	passed, failed, skipped int
	failedIn                map[string]int // by package
}

func main() {
	total := count(os.Args[1:])
	fmt.Println(total)
	if total.failed > 0 {
		os.Exit(1)
	}
}

func (c *counts) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}

// count adds up files; one that cannot be read counts as a failure.
func count(paths []string) *counts {
	total := &counts{failedIn: make(map[string]int)}
	for _, path := range paths {
		if err := total.addFile(path); err != nil {
			fmt.Fprintf(os.Stderr, "testcount: %s: %v\n", path, err)
			total.failed++
		}
	}
	return total
}

func (c *counts) addFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	clear(c.failedIn)
	events := json.NewDecoder(file)
	for {
		var e event
		if err := events.Decode(&e); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		c.add(e)
	}
}

func (c *counts) add(e event) {
	switch {
	case e.Action == "pass" && e.Test != "":
		c.passed++
	case e.Action == "skip" && e.Test != "":
		c.skipped++
	case e.Action == "fail" && (e.Test != "" || c.failedIn[e.Package] == 0):
		c.failed++
		c.failedIn[e.Package]++
	}
}
