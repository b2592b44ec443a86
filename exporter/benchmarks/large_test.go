package benchmarks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkLargeMessages exports conversations that hold a message of 10.5 MB each
// to four destinations, in as many formats: memory must not grow with their number.
func BenchmarkLargeMessages(b *testing.B) {
	program := build(b)
	for _, a := range []account{
		{Conversations: 8, Messages: 20, Large: 10_500_000},
		{Conversations: 2, Messages: 20, Large: 33_000_000},
	} {
		b.Run(fmt.Sprintf("conversations=%d,bytes=%d", a.Conversations, a.Large), func(b *testing.B) {
			a.Epoch = dawn()
			s := startAt(b, a, time.Now())
			var wall, cpu, peak []float64
			for b.Loop() {
				p := newPlace(b, program, accountID, s.url)
				p.alsoThree(b, s.url)
				cmd := p.backfill(a.Epoch)
				var out bytes.Buffer
				cmd.Stdout = &out
				u := measure(b, cmd)
				var found struct {
					Complete bool
					Captured struct{ Messages int }
				}
				if err := json.Unmarshal(out.Bytes(), &found); err != nil || !found.Complete || found.Captured.Messages != a.Conversations*a.Messages {
					b.Fatalf("export: %v: %s", err, out.Bytes())
				}
				wall, cpu, peak = append(wall, u.wall.Seconds()), append(cpu, u.cpu.Seconds()), append(peak, mebi(u.peak))
			}
			target := ""
			if a.Large < 11_000_000 {
				target = "at most 128"
			}
			show(b, "peak memory, MiB", "peak-MiB", peak, target)
			show(b, "CPU, s", "cpu-s", cpu, "")
			show(b, "wall time, s", "wall-s", wall, "")
		})
	}
}

// alsoThree adds destinations of mails, of zipped mails and of FileDump XML.
func (p *place) alsoThree(b *testing.B, url string) {
	b.Helper()
	text := configuration(p.account, job{URL: url, Dir: p.dir}) + fmt.Sprintf(`
  - name: mails
    archive: dell-sourceone
    from: all
    cut: immediately
    layout: drop
    mail: {domain: lpexport.example.com, max_bytes: 1GiB}
    directory: {path: %q}
  - name: zipped
    archive: smarsh-enterprise
    from: all
    cut: immediately
    mail: {domain: lpexport.example.com, max_bytes: 1GiB}
    directory: {path: %q}
  - name: dumps
    archive: smarsh-enterprise
    from: all
    cut: immediately
    filedump: {}
    directory: {path: %q}
identity: {internal_domains: [example.com], consumer_domain: visitors.example.org, bot_domain: bots.example.com, placeholder_domain: unknown.example.com, unknown_agent: placeholder}
`, filepath.Join(p.dir, "mails"), filepath.Join(p.dir, "zipped"), filepath.Join(p.dir, "dumps"))
	if err := os.WriteFile(p.config(), []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, dir := range []string{"mails", "zipped", "dumps"} {
		if err := os.Mkdir(filepath.Join(p.dir, dir), 0o700); err != nil {
			b.Fatal(err)
		}
	}
}

// enlarged answers as h does, but the first message of each conversation has a text
// of so many bytes.
func enlarged(h http.Handler, size int) http.Handler {
	if size == 0 {
		return h
	}
	words := bytes.Repeat([]byte(`die Unterlagen für das Konto liegen vor, 12 = zwölf; see the attached <terms> & \"conditions\".\n`), 1000)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		header := w.Header()
		for name, values := range answer.Header() {
			header[name] = values
		}
		header.Del("Content-Length")
		w.WriteHeader(answer.Code)
		rest := answer.Body.Bytes()
		for {
			list := bytes.Index(rest, []byte(`"messageRecords":[`))
			if list < 0 {
				break
			}
			text := bytes.Index(rest[list:], []byte(`"text":"`))
			if text < 0 {
				break
			}
			end := list + text + len(`"text":"`)
			_, _ = w.Write(rest[:end])
			for left := size; left > 0; left -= len(words) {
				_, _ = w.Write(words)
			}
			rest = rest[end:]
		}
		_, _ = w.Write(rest)
	})
}
