package mail_test

import (
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
)

// checkHTML checks that the HTML is well-formed, has none but the elements and
// attributes that this package writes, and holds every text in order.
func checkHTML(t testing.TB, s *archive.Slice, page string) {
	t.Helper()
	var want []string
	for _, e := range inOrder(s) {
		for _, text := range e {
			want = append(want, shown(text, "\n", true))
		}
	}
	var got []string
	var text strings.Builder
	open := 0
	for d := xml.NewDecoder(strings.NewReader(page)); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		must(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			checkElement(t, token)
			switch token.Name.Local {
			case "div":
				open++
			case "br":
				text.WriteByte('\n')
			}
		case xml.EndElement:
			if token.Name.Local == "div" {
				got, open = append(got, text.String()), open-1
				text.Reset()
			}
		case xml.CharData:
			if open > 0 {
				text.Write(token)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the HTML holds other texts: %s", diff)
	}
}

func checkElement(t testing.TB, e xml.StartElement) {
	t.Helper()
	if !slices.Contains(strings.Fields("html head meta title style body h1 h2 table tr th td b bdi br div p"), e.Name.Local) {
		t.Fatalf("there is <%s>", e.Name.Local)
	}
	for _, a := range e.Attr {
		switch a.Name.Local + "=" + a.Value {
		case "lang=en", "charset=utf-8", "name=viewport", "content=width=device-width", "name=color-scheme", "content=light dark",
			"class=facts", "class=log", "class=agent", "class=consumer", "class=manager", "class=system", "class=note",
			"dir=auto", "colspan=2":
		default:
			t.Fatalf("<%s> has %s=%q", e.Name.Local, a.Name.Local, a.Value)
		}
	}
}

// inOrder returns the texts of each entry in the order of their times, where
// what begins something goes before, and what ends it after, messages of the
// same instant.
func inOrder(s *archive.Slice) (all [][]string) {
	m, h := 0, 0
	for m < len(s.Messages) || h < len(s.Happened) {
		if h < len(s.Happened) {
			e := &s.Happened[h]
			begins := slices.Contains([]string{archive.Started, archive.Joined, archive.Reopened, archive.Transferred}, e.Kind)
			if m == len(s.Messages) || e.At < s.Messages[m].SentAt || e.At == s.Messages[m].SentAt && begins {
				var texts []string
				if e.Text != "" {
					texts = append(texts, e.Text)
				}
				for _, a := range e.Answers {
					texts = append(texts, a.Question, a.Answer)
				}
				all = append(all, texts)
				h++
				continue
			}
		}
		all = append(all, []string{s.Messages[m].Text})
		m++
	}
	return all
}
