package sandbox_test

import (
	"testing"
	"time"
	"unicode/utf8"

	"lpexport/liveperson/sandbox"
)

// Storage in trouble answers with pages of all kinds, with status 200, and later with
// the files. Truth is the files.
func TestPagesInThePlaceOfFiles(t *testing.T) {
	settings := lively(later)
	settings.Conversations, settings.Files = 400, sandbox.Files{Pages: 1, PagesFor: 10 * 365 * 24 * time.Hour, Mixed: true, Texts: true}
	troubled := connect(t, settings)
	settings.Files.PagesFor = time.Nanosecond
	mended := connect(t, settings)
	types, pages, sentAs := map[string]int{}, map[string]int{}, map[string]int{}
	for c := range troubled.account.Truth(later) {
		for _, link := range troubled.links(c.ID, 0, 100).Items {
			w, u := troubled.follow(link)
			file, ok := troubled.account.File(u.Path)
			if !ok || w.Code != 200 || sum(w.Body.Bytes()) == file.SHA256 {
				t.Errorf("%s: %d, known %v", u.Path, w.Code, ok)
			}
			types[file.Type]++
			sentAs[w.Header().Get("Content-Type")]++
			pages[w.Body.String()]++
		}
		for _, link := range mended.links(c.ID, 0, 100).Items {
			w, u := mended.follow(link)
			if file, _ := mended.account.File(u.Path); sum(w.Body.Bytes()) != file.SHA256 || w.Header().Get("Content-Type") != file.Type {
				t.Errorf("%s: %v", u.Path, w.Header())
			}
		}
	}
	if len(types) < 8 || len(sentAs) < 8 || len(pages) < 20 || pages["Please log in\n"] < 2 {
		t.Errorf("files of %v, sent as %v, %d pages", types, sentAs, len(pages))
	}
	for page := range pages {
		if !utf8.ValidString(page) || page == "" {
			t.Errorf("no page: %q", page)
		}
	}
}
