package generate_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/go-initscript/initscript/internal/generate"
)

func TestFilesAreUpToDate(t *testing.T) {
	const root = "../.."
	files, err := generate.Files(root)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range files {
		got, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Error(err)
		} else if string(got) != want {
			t.Errorf("%s is not what the definitions give: run go generate .", file)
		}
	}
}
