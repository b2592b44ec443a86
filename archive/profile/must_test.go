package profile_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lpexport/archive/profile"
)

var profiles = filepath.Join(root, "testdata", "profiles")

// requirement is a line of must.md: what an exporter must get right, and the
// tests that fail when it does not.
type requirement struct {
	text  string
	tests []namedTest
}

type namedTest struct{ name, pkg string }

// requirements reads the must.md of an archive: each line that begins with "- "
// is a requirement, and each indented one below it names a test and its package.
func requirements(t *testing.T, name string) []requirement {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(profiles, name, "must.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("^  - `(Test[A-Za-z0-9]+)` in `([a-z0-9/]+)`$")
	var all []requirement
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "- ") {
			all = append(all, requirement{text: line[2:]})
			continue
		}
		if !strings.HasPrefix(line, " ") {
			continue // what is said around the list
		}
		found := named.FindStringSubmatch(line)
		if found == nil || len(all) == 0 {
			t.Errorf("%s: neither a requirement nor a test: %q", name, line)
			continue
		}
		last := &all[len(all)-1]
		last.tests = append(last.tests, namedTest{found[1], found[2]})
	}
	return all
}

// What an archive needs and no test holds is lost by the next change.
func TestEveryRequirementHasItsTest(t *testing.T) {
	known := make(map[string]map[string]bool) // tests by package
	used := make(map[string]bool)
	for _, p := range profile.All() {
		must := requirements(t, p.Name)
		if len(must) < 2 {
			t.Errorf("%s: %d requirements", p.Name, len(must))
		}
		for _, r := range must {
			if len(r.tests) == 0 {
				t.Errorf("%s: nothing tests %q", p.Name, r.text)
			}
			for _, test := range r.tests {
				if known[test.pkg] == nil {
					known[test.pkg] = testsOf(t, test.pkg)
				}
				if !known[test.pkg][test.name] {
					t.Errorf("%s: there is no %s in %s", p.Name, test.name, test.pkg)
				}
				used[test.name] = true
			}
		}
	}
	for name := range testsIn(t, filepath.Join(root, "archive", "profile"), "must_") {
		if !used[name] && name != t.Name() {
			t.Errorf("no must.md names %s", name)
		}
	}
}

// testsOf returns the tests of a package of the module, by its folder.
func testsOf(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	return testsIn(t, filepath.Join(root, filepath.FromSlash(pkg)), "")
}

// testsIn returns the tests in those files of a folder that begin with prefix.
func testsIn(t *testing.T, dir, prefix string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, prefix+"*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	if prefix != "" {
		files = append(files, filepath.Join(dir, prefix+"test.go"))
	}
	all := make(map[string]bool)
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				all[f.Name.Name] = true
			}
		}
	}
	return all
}
