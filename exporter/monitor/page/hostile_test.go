package page

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"lpexport/exporter/monitor/overviewtest"
)

func visible(r rune) bool { return unicode.IsPrint(r) || r == utf8.RuneError }

// elements walks a page as a browser does: each element with the names of its
// attributes, and with the values of those that could load or run something.
func elements(t *testing.T, page []byte) (list []string, texts []string) {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	telling := []string{"href", "class", "http-equiv", "charset", "role", "scope", "id", "name", "viewBox"}
	for n := range root.Descendants() {
		switch n.Type {
		case html.TextNode:
			if n.Parent.Data != "style" {
				texts = append(texts, n.Data)
			}
		case html.ElementNode:
			of := n.Namespace + ":" + n.Data
			for _, a := range n.Attr {
				of += " " + a.Key
				if slices.Contains(telling, a.Key) {
					of += "=" + a.Val
				}
			}
			list = append(list, of)
		case html.CommentNode:
			t.Errorf("comment %q", n.Data)
		}
	}
	return list, texts
}

// Whatever names and errors hold, a page has the elements and attributes that the
// template makes, and no text is long or turned around.
func TestHostileTextsStayTexts(t *testing.T) {
	page := render(t, overviewtest.Hostile())
	hostile, texts := elements(t, page)
	tame, _ := elements(t, render(t, overviewtest.Tame()))
	if diff := cmp.Diff(tame, hostile); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(strings.Join(texts, ""), overviewtest.Marker) {
		t.Error("the texts are not on the page at all")
	}
	for _, text := range texts {
		if utf8.RuneCountInString(text) > 500 {
			t.Errorf("a text of %d runes: %.80s", utf8.RuneCountInString(text), text)
		}
	}
	for _, r := range string(page) {
		if !visible(r) && r != '\n' && r != '\t' {
			t.Errorf("%U is on the page", r)
		}
	}
}

// Nothing on any page runs, loads, or leads away.
func TestNothingLeadsAway(t *testing.T) {
	for name, o := range overviewtest.All() {
		list, _ := elements(t, render(t, o))
		for _, e := range list {
			tag, attributes, _ := strings.Cut(e, " ")
			if slices.Contains([]string{":script", ":img", ":iframe", ":object", ":form", ":base", "svg:script", "svg:image", "svg:use", "svg:a"}, tag) {
				t.Errorf("%s: %s", name, e)
			}
			for a := range strings.FieldsSeq(attributes) {
				if strings.HasPrefix(a, "on") || a == "style" || a == "src" ||
					strings.HasPrefix(a, "href=") && a != "href=/metrics" && a != "href=data:," {
					t.Errorf("%s: %s", name, e)
				}
			}
		}
	}
}

// The page that stands for a state that cannot be read says so.
func TestFault(t *testing.T) {
	var out bytes.Buffer
	if err := settings.WriteFault(&out, now); err != nil {
		t.Fatal(err)
	}
	golden(t, "fault.html", out.Bytes())
}

// Ids that labels refer to are there, once.
func TestLabelsFindTheirHeadings(t *testing.T) {
	root, err := html.Parse(bytes.NewReader(render(t, overviewtest.Wrong())))
	if err != nil {
		t.Fatal(err)
	}
	ids, wanted := map[string]int{}, map[string]bool{}
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			switch a.Key {
			case "id":
				ids[a.Val]++
			case "aria-labelledby":
				wanted[a.Val] = true
			}
		}
	}
	for id, times := range ids {
		if times > 1 {
			t.Errorf("id %s is there %d times", id, times)
		}
	}
	for id := range wanted {
		if ids[id] == 0 {
			t.Errorf("nothing has the id %s", id)
		}
	}
	if len(wanted) < 8 {
		t.Errorf("%d labelled sections", len(wanted))
	}
}

// An Overview is shared by all who ask: drawing leaves it as it is.
func TestWriteChangesNothing(t *testing.T) {
	o := overviewtest.Wrong()
	render(t, o)
	if diff := cmp.Diff(overviewtest.Wrong(), o); diff != "" {
		t.Error(diff)
	}
}
