package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCounts(t *testing.T) {
	tests := []struct {
		name, events            string
		passed, failed, skipped int
	}{
		{"nothing", ``, 0, 0, 0},
		{"each kind", `
			{"Action":"run","Package":"p","Test":"A"}
			{"Action":"output","Package":"p","Test":"A","Output":"{\"Action\":\"fail\"}\n"}
			{"Action":"pass","Package":"p","Test":"A/sub"}
			{"Action":"pass","Package":"p","Test":"A"}
			{"Action":"skip","Package":"p","Test":"B"}
			{"Action":"fail","Package":"p","Test":"C"}
			{"Action":"fail","Package":"p"}`, 2, 1, 1},
		{"package without tests", `{"Action":"skip","Package":"p"}`, 0, 0, 0},
		{"package that does not build", `
			{"ImportPath":"p","Action":"build-fail"}
			{"Action":"fail","Package":"p","FailedBuild":"p"}
			{"Action":"pass","Package":"q","Test":"A"}
			{"Action":"pass","Package":"q"}`, 1, 1, 0},
		{"cut off", `{"Action":"pass","Package":"p","Test":"A"} {"Action":`, 1, 1, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "events.json")
			if err := os.WriteFile(path, []byte(test.events), 0o600); err != nil {
				t.Fatal(err)
			}
			got := count([]string{path})
			if got.passed != test.passed || got.failed != test.failed || got.skipped != test.skipped {
				t.Errorf("%v, want %d passed, %d failed, %d skipped", got, test.passed, test.failed,
					test.skipped)
			}
		})
	}
	if missing := count([]string{filepath.Join(t.TempDir(), "none.json")}); missing.failed != 1 {
		t.Errorf("%v for a file that is not there, want one failure", missing)
	}
}
