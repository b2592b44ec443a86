package benchmarks

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lpexport/liveperson"
)

// jq is the yardstick: what it costs merely to parse the pages.
type jq struct {
	program string
	version string
	pages   []string
}

// newJQ saves the pages of the account that s serves; nil when jq is not installed.
func newJQ(b *testing.B, s *server) *jq {
	b.Helper()
	program, err := exec.LookPath("jq")
	if err != nil {
		b.Log("jq is not installed: no comparison")
		return nil
	}
	version, err := exec.Command(program, "--version").Output()
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	measure(b, again(b, "save", job{URL: s.url, Dir: dir, Now: today}))
	pages, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(pages) == 0 {
		b.Fatalf("no pages were saved: %v", err)
	}
	return &jq{program: program, version: strings.TrimSpace(string(version)), pages: pages}
}

func (q *jq) run(b *testing.B) usage {
	b.Helper()
	args := append([]string{"-c", ".conversationHistoryRecords[]"}, q.pages...)
	return measure(b, exec.Command(q.program, args...)) // its output goes to the null device
}

// save is the process that writes every page of an account into files.
func save() error {
	var j job
	if err := json.NewDecoder(os.Stdin).Decode(&j); err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	c, err := configure(j)
	if err != nil {
		return err
	}
	login := c.LivePerson.OAuth2
	r := &recorder{dir: j.Dir}
	client, err := liveperson.New(liveperson.Config{
		Account: c.Account, DomainAPI: c.LivePerson.DomainAPI, Source: c.LivePerson.Source, Transport: r,
		OAuth2: &liveperson.OAuth2Credentials{ClientID: login.ClientID, ClientSecret: login.ClientSecret.Reveal()},
		Log:    slog.New(slog.NewTextHandler(os.Stderr, nil)), Now: clock(j.Now),
	})
	if err != nil {
		return err
	}
	q := liveperson.Query{Start: liveperson.Range{From: firstStart, To: lastStart.Add(-time.Millisecond)}, Limit: liveperson.MaxLimit}
	for count := 1; q.Offset < count; q.Offset += q.Limit {
		page, err := client.Search(context.Background(), q, nowhere{})
		if err != nil {
			return err
		}
		count = page.Count
	}
	return nil
}

// recorder saves the answers to searches as they come.
type recorder struct {
	dir string
	n   int
}

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(q)
	if err != nil || !strings.HasSuffix(q.URL.Path, "/conversations/search") {
		return answer, err
	}
	r.n++
	f, err := os.Create(filepath.Join(r.dir, fmt.Sprintf("page-%05d.json", r.n)))
	if err != nil {
		return nil, err
	}
	answer.Body = &tee{Reader: io.TeeReader(answer.Body, f), body: answer.Body, file: f}
	return answer, nil
}

type tee struct {
	io.Reader
	body io.Closer
	file *os.File
}

func (t *tee) Close() error {
	if err := t.body.Close(); err != nil {
		return err
	}
	return t.file.Close()
}

// nowhere takes records and keeps nothing.
type nowhere struct{}

func (nowhere) Reset()                 {}
func (nowhere) Record([]byte) error    { return nil }
func (nowhere) Oversized([]byte) error { return nil }
