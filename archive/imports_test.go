package archive_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Archives must stay readable and writable by what knows nothing of LivePerson
// and nothing of the checkpoint.
func TestImportsNeitherSourceNorEngine(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		seen++
		for _, i := range file.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if strings.HasPrefix(path, "lpexport/") && path != "lpexport/archive" && !strings.HasPrefix(path, "lpexport/archive/") {
				t.Errorf("%s imports %s", name, path)
			}
		}
		return nil
	})
	if err != nil || seen < 10 {
		t.Errorf("looked at %d files: %v", seen, err)
	}
}
