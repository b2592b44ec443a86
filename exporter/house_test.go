package exporter

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// statement finds SQL, as it is written here: in capitals.
var statement = regexp.MustCompile(`\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|PRAGMA|VACUUM)\b [a-z?*(]`)

// The rules of the house: sources and archives know neither each other nor the
// engine, SQL lives in one package, and only cmd prints or exits.
func TestRulesOfTheHouse(t *testing.T) {
	rules := []func(t *testing.T, dir string, f *ast.File, at func(ast.Node) string){imports, sql, prints}
	seen := map[string]int{}
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && path != ".." && (strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), ".."+string(os.PathSeparator)))
		seen[strings.Split(dir, "/")[0]]++
		for _, rule := range rules {
			rule(t, dir, f, func(n ast.Node) string { return files.Position(n.Pos()).String() })
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"archive", "cmd", "exporter", "liveperson"} {
		if seen[dir] < 3 {
			t.Errorf("looked at %d files of %s", seen[dir], dir)
		}
	}
}

func within(dir, root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") }

func imports(t *testing.T, dir string, f *ast.File, at func(ast.Node) string) {
	forbidden := map[string][]string{
		"liveperson": {"lpexport/archive", "lpexport/exporter", "lpexport/cmd"},
		"archive":    {"lpexport/liveperson", "lpexport/exporter", "lpexport/cmd"},
		"exporter":   {"lpexport/cmd"},
	}
	for _, i := range f.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		for root, roots := range forbidden {
			if within(dir, root) && slices.ContainsFunc(roots, func(r string) bool { return within(path, r) }) {
				t.Errorf("%s: %s imports %s", at(i), dir, path)
			}
		}
		if path == "database/sql" && !within(dir, "exporter/checkpoint") {
			t.Errorf("%s: %s imports %s", at(i), dir, path)
		}
	}
}

func sql(t *testing.T, dir string, f *ast.File, at func(ast.Node) string) {
	if within(dir, "exporter/checkpoint") {
		return
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.BasicLit); ok && s.Kind == token.STRING && statement.MatchString(s.Value) {
			t.Errorf("%s: SQL outside of the checkpoint: %s", at(s), s.Value)
		}
		return true
	})
}

func prints(t *testing.T, dir string, f *ast.File, at func(ast.Node) string) {
	if within(dir, "cmd") {
		return
	}
	forbidden := []string{"fmt.Print", "fmt.Printf", "fmt.Println", "os.Exit", "os.Stdout", "os.Stderr", "log.Print", "log.Printf", "log.Println", "log.Fatal", "log.Fatalf"}
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && slices.Contains(forbidden, x.Name+"."+s.Sel.Name) {
			t.Errorf("%s: only cmd prints or exits: %s.%s", at(s), x.Name, s.Sel.Name)
		}
		return true
	})
}
