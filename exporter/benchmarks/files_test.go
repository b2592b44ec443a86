package benchmarks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkFiles exports an account whose messages name pictures, into a folder
// of lines and as mails: memory must not grow with the files.
func BenchmarkFiles(b *testing.B) {
	program := build(b)
	for _, size := range []int64{100 << 10, 5 << 20} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			epoch := dawn()
			s := startAt(b, account{Epoch: epoch, Conversations: 500, Messages: 20, Files: size}, time.Now())
			var wall, cpu, peak []float64
			var found filesFound
			for b.Loop() {
				p := newPlace(b, program, accountID, s.url)
				p.alsoMails(b, s.url)
				cmd := p.backfill(epoch)
				var out bytes.Buffer
				cmd.Stdout = &out
				u := measure(b, cmd)
				if err := json.Unmarshal(out.Bytes(), &found); err != nil || found.Files.Waiting > 0 || found.Files.Fetched == 0 {
					b.Fatalf("export: %v: %s", err, out.Bytes())
				}
				wall, cpu, peak = append(wall, u.wall.Seconds()), append(cpu, u.cpu.Seconds()), append(peak, mebi(u.peak))
			}
			b.Logf("%d files, %.0f MB, to two destinations", found.Files.Fetched, mega(found.Files.Bytes))
			show(b, "peak memory, MiB", "peak-MiB", peak, "at most 64")
			show(b, "CPU, s", "cpu-s", cpu, "")
			show(b, "files, MB/s", "MB/s", []float64{mega(found.Files.Bytes) / middle(wall)}, "")
		})
	}
}

// filesFound is what an export says of files.
type filesFound struct {
	Files struct{ Fetched, Bytes, Waiting int64 }
}

// alsoMails adds a destination that is given mails, with the files attached.
func (p *place) alsoMails(b *testing.B, url string) {
	b.Helper()
	text := configuration(p.account, job{URL: url, Dir: p.dir}) + fmt.Sprintf(`
  - name: mails
    archive: dell-sourceone
    from: all
    layout: drop
    mail: {domain: lpexport.example.com, max_bytes: 1GiB}
    directory: {path: %q}
identity: {internal_domains: [example.com], consumer_domain: visitors.example.org, bot_domain: bots.example.com}
`, filepath.Join(p.dir, "mails"))
	if err := errors.Join(os.Mkdir(filepath.Join(p.dir, "mails"), 0o700), os.WriteFile(p.config(), []byte(text), 0o600)); err != nil {
		b.Fatal(err)
	}
}
