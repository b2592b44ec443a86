package profile_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"lpexport/archive/profile"
)

var update = flag.Bool("update", false, "write the golden files and the manual's table")

var pages = filepath.Join(root, "doc", "destinations")

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(pages, name+".md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A page has to answer what somebody asks who sets a destination up, and to name
// every key that the row says to fill in or to agree on.
func TestEveryRowHasItsPage(t *testing.T) {
	for _, p := range profile.All() {
		text := page(t, p.Name)
		title, _, _ := strings.Cut(text, "\n")
		if !strings.Contains(text, "`archive: "+p.Name+"`") || !strings.HasPrefix(title, "# ") {
			t.Errorf("%s: the page does not begin with its title and its key", p.Name)
		}
		if n := strings.Count(text, "\n"); n > 80 {
			t.Errorf("%s: %d lines", p.Name, n)
		}
		for _, head := range []string{"## Ask", "## Configure", "## Does it arrive", "## How a reviewer finds it", "imits"} {
			if !strings.Contains(text, head) {
				t.Errorf("%s: no section %q", p.Name, head)
			}
		}
		for _, key := range p.Confirm {
			if !strings.Contains(text, "`"+key+"`") {
				t.Errorf("%s: does not name %s", p.Name, key)
			}
		}
		for _, key := range p.Must {
			if last := key[strings.LastIndex(key, ".")+1:]; !strings.Contains(text, last+":") {
				t.Errorf("%s: does not fill in %s", p.Name, key)
			}
		}
		checkSources(t, p, text)
	}
}

func checkSources(t *testing.T, p profile.Profile, text string) {
	for _, source := range p.Sources {
		if url := regexp.MustCompile(`^https?://\S+`).FindString(source); url != "" && !strings.Contains(text, url) {
			t.Errorf("%s: the source %s is not told", p.Name, url)
		}
	}
}

// Nobody looks after a page without a row.
func TestEveryPageHasItsRow(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(pages, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".md")
		if _, ok := profile.Find(name); !ok && name != "README" {
			t.Errorf("%s: there is no such archive", file)
		}
	}
}

// example is a configuration on a page, as far as a row says what it has to hold.
type example struct {
	Destinations []map[string]any
	Identity     map[string]any
}

// The first example of a page is whole: copied and filled in, it must be accepted.
func TestExamplesFollowTheirRow(t *testing.T) {
	for _, p := range profile.All() {
		blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(page(t, p.Name))
		var e example
		if blocks == nil {
			t.Errorf("%s: no example", p.Name)
		} else if err := yaml.Unmarshal([]byte(blocks[1]), &e); err != nil || len(e.Destinations) != 1 {
			t.Errorf("%s: %v, %d destinations", p.Name, err, len(e.Destinations))
		} else {
			checkExample(t, p, e)
		}
	}
}

func checkExample(t *testing.T, p profile.Profile, e example) {
	d := e.Destinations[0]
	transports := slices.DeleteFunc([]string{"directory", "sftp", "smtp", "s3"}, func(k string) bool { return d[k] == nil })
	if len(transports) != 1 || d["archive"] != p.Name || d["from"] == nil {
		t.Errorf("%s: archive %v, from %v, by %v", p.Name, d["archive"], d["from"], transports)
		return
	}
	layout, _ := d["layout"].(string)
	w, ok := p.On(transports[0], layout)
	if !ok || w != p.Ways[0] && p.Name != "generic" {
		t.Errorf("%s: the example does not go the recommended way", p.Name)
	}
	for _, key := range p.Needs(p.Rendering.Format(), w) {
		if lookUp(d, key) == "" {
			t.Errorf("%s: the example leaves out %s", p.Name, key)
		}
	}
	if p.Addresses {
		for _, key := range []string{"internal_domains", "consumer_domain", "bot_domain"} {
			if e.Identity[key] == nil {
				t.Errorf("%s: the example leaves out identity.%s", p.Name, key)
			}
		}
	}
}

// lookUp returns the value of a key such as mail.headers.Name, "" if absent.
func lookUp(d map[string]any, key string) string {
	var at any = d
	for _, name := range strings.Split(key, ".") {
		m, _ := at.(map[string]any)
		if at = m[name]; at == nil {
			return ""
		}
	}
	return fmt.Sprint(at)
}

// The manual's table is the rows: it is never written by hand.
func TestTableOfTheManual(t *testing.T) {
	const begin, end = "-update -->\n", "<!-- end of table -->"
	file := filepath.Join(pages, "README.md")
	text := page(t, "README")
	before, rest, ok := strings.Cut(text, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the place of the table is not marked")
	}
	want := before + begin + "\n" + table() + "\n" + end + after
	if want == text {
		return
	}
	if !*update {
		t.Fatal("the table of the manual is not that of the rows: go test ./archive/profile -update")
	}
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| archive | key `archive` | ways, the recommended first | a mail at most | `Date` | how sure |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- |\n")
	for _, p := range profile.All() {
		var ways []string
		for _, w := range p.Ways {
			way := w.Transport
			if w.Layout == profile.LayoutDrop {
				way += " (drop)"
			}
			ways = append(ways, way)
		}
		size, date := "", ""
		if m := p.Rendering.Mail; m != nil {
			size, date = fmt.Sprintf("%d MB", m.MaxBytes/profile.MB), m.Date+" message"
		}
		fmt.Fprintf(&b, "| [%s](%s.md) | `%s` | %s | %s | %s | %s |\n",
			p.Title, p.Name, p.Name, strings.Join(ways, ", "), size, date, p.Confidence)
	}
	return b.String()
}
