//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// results are those of one run; its JSON is for other programs.
type results struct {
	Started    time.Time          `json:"started"`
	Machine    machine            `json:"machine"`
	Starts     []startResult      `json:"starts"`
	Throughput []throughputResult `json:"throughput"`
	Memory     []memoryResult     `json:"memory"`
	Calls      []callResult       `json:"calls"`
	Budgets    []budgetResult     `json:"budgets"`
}

func (r *results) start(group, name string) (*startResult, error) {
	for i := range r.Starts {
		s := &r.Starts[i]
		if s.Group == group && s.Name == name {
			if s.Error != "" {
				return nil, fmt.Errorf("%s: %s", name, s.Error)
			}
			return s, nil
		}
	}
	return nil, fmt.Errorf("%s: %s was not measured", group, name)
}

// write leaves the results in a directory: as text, as JSON, and as a chart.
func (r *results) write(directory string) error {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	encoded, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	for name, content := range map[string]string{
		"results.json": string(encoded) + "\n",
		"results.txt":  r.text(),
		"chart.svg":    r.chart(),
	} {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// What stands between these in docs/internals/performance.md is made from the results.
const (
	resultsBegin = "<!-- results: made by `make bench-docs` -->\n"
	resultsEnd   = "<!-- end of results -->\n"
)

// publish puts the results into the documentation.
func (r *results) publish(docs string) error {
	path := filepath.Join(docs, "performance.md")
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(page), resultsBegin)
	_, after, foundEnd := strings.Cut(rest, resultsEnd)
	if !found || !foundEnd {
		return fmt.Errorf("%s: no place for the results", path)
	}
	text := before + resultsBegin + "\n" + r.markdown() + "\n" + resultsEnd + after
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(docs, "performance.svg"), []byte(r.chart()), 0o644)
}
