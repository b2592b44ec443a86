package sandbox_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/liveperson/sandbox"
)

const filesPath = "/v1/account/sandbox/conversation-files?"

// sent are the paths of a conversation's files, in order of time.
func sent(c sandbox.Conversation) (paths []string) {
	for _, m := range c.Messages {
		if m.Path != "" && m.Path != sandbox.Deleted {
			paths = append(paths, m.Path)
		}
	}
	return paths
}

// withFiles is a conversation of at least n files that have not been erased.
func withFiles(t *testing.T, account *sandbox.Account, at time.Time, n int) sandbox.Conversation {
	t.Helper()
	for c := range account.Truth(at) {
		if len(sent(c)) >= n {
			return c
		}
	}
	t.Fatal("no such conversation")
	return sandbox.Conversation{}
}

// lively is small, with enough messages for several files in a conversation.
func lively(now time.Time) sandbox.Settings {
	s := small(now)
	s.Conversations, s.Messages = 60, 60
	return s
}

type linkPage struct {
	Items      []string
	Pagination struct {
		TotalRecords, CurrentPage, TotalPages int
		NextPage, PrevPage                    *int
	}
}

func (r *remote) links(conversation string, page, size int) (p linkPage) {
	r.t.Helper()
	q := url.Values{"conversationId": {conversation}, "page": {itoa(page)}, "pageSize": {itoa(size)}}
	w := r.do("GET", filesPath+q.Encode(), "")
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 200 {
		r.t.Fatalf("links: %d %s", w.Code, w.Body)
	}
	return p
}

// follow asks for what a link leads to, without a login.
func (r *remote) follow(link string) (*httptest.ResponseRecorder, *url.URL) {
	r.t.Helper()
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" || u.Host != "sandbox.example" || u.Fragment != "" {
		r.t.Fatalf("link %q: %v", link, err)
	}
	anyone := *r
	anyone.token = ""
	return anyone.do("GET", u.RequestURI(), ""), u
}

func sum(b []byte) string { h := sha256.Sum256(b); return hex.EncodeToString(h[:]) }

// Every file that a message names is listed and served, and is what Truth says.
func TestFilesAreServed(t *testing.T) {
	for name, hostile := range map[string]bool{"plain": false, "hostile": true} {
		t.Run(name, func(t *testing.T) {
			settings := lively(later)
			settings.Hostile = hostile
			r := connect(t, settings)
			seen := map[string]bool{}
			for c := range r.account.Truth(later) {
				var got []string
				for _, link := range r.links(c.ID, 0, 100).Items {
					w, u := r.follow(link)
					file, ok := r.account.File(u.Path)
					if !ok || w.Code != 200 || sum(w.Body.Bytes()) != file.SHA256 || !bytes.Equal(w.Body.Bytes(), r.account.FileBytes(u.Path)) {
						t.Fatalf("%q: %d, known %v", u.Path, w.Code, ok)
					}
					if w.Header().Get("Content-Type") != file.Type || w.Header().Get("Content-Length") != strconv.FormatInt(file.Bytes, 10) {
						t.Errorf("%q: %v", u.Path, w.Header())
					}
					if _, kind, err := image.Decode(w.Body); err != nil || kind != "jpeg" || file.Type != "image/jpeg" || file.Bytes < 1<<10 || file.Bytes > 20<<10 {
						t.Errorf("%q: %s of %d bytes, %v", u.Path, kind, file.Bytes, err)
					}
					got = append(got, u.Path)
					seen[file.SHA256] = true
				}
				if diff := cmp.Diff(sent(c), got); diff != "" {
					t.Errorf("conversation %d: %s", c.Number, diff)
				}
				if got != nil && hostile != strings.Contains(got[0], "..\\../evil\r\n\x00.jpg") {
					t.Errorf("path %q", got[0])
				}
				if len(seen) > 40 {
					break
				}
			}
			if len(seen) < 20 {
				t.Errorf("%d different files", len(seen))
			}
		})
	}
}

func TestPagesOfLinks(t *testing.T) {
	r := connect(t, lively(later))
	c := withFiles(t, r.account, later, 3)
	want := sent(c)
	var got []string
	for page := range len(want) + 1 {
		p := r.links(c.ID, page, 1)
		n := p.Pagination
		if n.TotalRecords != len(want) || n.TotalPages != len(want) || n.CurrentPage != page+1 {
			t.Errorf("page %d: %+v", page, n)
		}
		if (n.NextPage != nil) != (page+1 < len(want)) || (n.PrevPage != nil) != (page > 0) {
			t.Errorf("page %d: next %v, previous %v", page, n.NextPage, n.PrevPage)
		}
		for _, link := range p.Items {
			_, u := r.follow(link)
			got = append(got, u.Path)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if p := r.links("c0ffee00-0000-4000-8000-000000000000", 0, 100); p.Items == nil || len(p.Items) != 0 {
		t.Errorf("of an unknown conversation: %+v", p)
	}
}

func TestOddFiles(t *testing.T) {
	plain := connect(t, lively(later))
	c := withFiles(t, plain.account, later, 3)
	want := sent(c)
	with := func(f sandbox.Files) *remote { s := lively(later); s.Files = f; return connect(t, s) }

	r := with(sandbox.Files{Opaque: true})
	tokens := map[string]bool{}
	for i, link := range r.links(c.ID, 0, 100).Items {
		w, u := r.follow(link)
		if file, _ := r.account.File(want[i]); w.Code != 200 || sum(w.Body.Bytes()) != file.SHA256 || slices.Contains(want, u.Path) {
			t.Errorf("opaque: %d for %s", w.Code, u.Path)
		}
		tokens[u.Path] = true
	}
	if len(tokens) != len(want) {
		t.Errorf("opaque: %v", tokens)
	}

	r = with(sandbox.Files{Size: 100_000})
	w, u := r.follow(r.links(c.ID, 0, 1).Items[0])
	file, _ := r.account.File(u.Path)
	if _, kind, err := image.Decode(bytes.NewReader(w.Body.Bytes())); w.Body.Len() != 100_000 || file.Bytes != 100_000 || file.SHA256 != sum(w.Body.Bytes()) || kind != "jpeg" {
		t.Errorf("size: %d bytes, %v", w.Body.Len(), err)
	}

	last := slices.IndexFunc(c.Messages, func(m sandbox.Message) bool { return m.Path == want[len(want)-1] })
	age := later.Sub(time.UnixMilli(c.Messages[last].SentAt))
	for delay, n := range map[time.Duration]int{age: len(want), age + time.Millisecond: len(want) - 1} {
		if got := len(with(sandbox.Files{Delay: delay}).links(c.ID, 0, 100).Items); got != n {
			t.Errorf("delay %v: %d of %d are listed", delay, got, len(want))
		}
	}

	r = with(sandbox.Files{Life: time.Hour})
	if got := r.links(c.ID, 0, 1).Items[0]; !strings.HasSuffix(got, "="+strconv.FormatInt(later.Add(time.Hour).Unix(), 10)) {
		t.Errorf("life: %s", got)
	}
}

// About as many files as the settings say are never listed, or listed in vain,
// and Truth knows which.
func TestAbsentAndLostFiles(t *testing.T) {
	settings := lively(later)
	settings.Conversations, settings.Files = 400, sandbox.Files{Absent: 0.3, Lost: 0.3}
	r := connect(t, settings)
	all, absent, lost := 0, 0, 0
	for c := range r.account.Truth(later) {
		var want []string
		for _, path := range sent(c) {
			all++
			file, _ := r.account.File(path)
			if file.Absent {
				absent++
			} else {
				want = append(want, path)
			}
		}
		var got []string
		for _, link := range r.links(c.ID, 0, 100).Items {
			w, u := r.follow(link)
			got = append(got, u.Path)
			file, _ := r.account.File(u.Path)
			if (w.Code == 404) != file.Lost || (w.Code == 200) == file.Lost {
				t.Errorf("%s: %d", u.Path, w.Code)
			}
			if file.Lost {
				lost++
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if absent < all/5 || absent > all*2/5 || lost < all/8 || lost > all*2/5 {
		t.Errorf("%d absent, %d lost, of %d", absent, lost, all)
	}
}
