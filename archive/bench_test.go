package archive_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/archivetest"
	"lpexport/archive/directory"
)

// typical is a slice as most are: 20 messages of a sentence or two, and no files.
func typical() archive.Slice {
	s := full()
	m := s.Messages[0]
	m.Text, m.Amends, m.Variant, m.Late = strings.Repeat("the account you asked about is open again. ", 3), 0, 0, false
	s.Messages, s.Happened = nil, s.Happened[:2]
	for i := range 20 {
		m.Sequence, m.SentAt = int64(i), m.SentAt+1000
		s.Messages = append(s.Messages, m)
	}
	return s
}

func BenchmarkAppendLine(b *testing.B) {
	s := typical()
	dst := line(b, s)
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = archive.AppendLine(dst[:0], &s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseLine(b *testing.B) {
	data := line(b, typical())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := archive.ParseLine(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkContentHash(b *testing.B) {
	m := archive.Message{Type: "TEXT_PLAIN", Audience: "all", Text: strings.Repeat("x", 100)}
	b.ReportAllocs()
	for b.Loop() {
		m.ContentHash()
	}
}

func BenchmarkListing(b *testing.B) {
	s := typical()
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		l := archive.ListingOf(&s)
		dst = l.Append(dst[:0])
	}
}

func BenchmarkWriter(b *testing.B) {
	s := typical()
	data, l, c := line(b, s), archive.ListingOf(&s), archive.CountsOf(&s)
	listing := l.Append(nil)
	const slices = 10_000
	b.SetBytes(int64(slices * (len(data) + len(listing))))
	for b.Loop() {
		w, err := archive.NewWriter(b.TempDir(), archive.Head{
			Serial: 1, Account: "a", Destination: "d", Archive: "generic", SettingsSHA256: strings.Repeat("0", 64),
			Generator: "g", Origin: "o", Created: time.UnixMilli(1),
		}, archive.Shape{Format: archive.JSONL{}})
		must(b, err)
		for range slices {
			must(b, w.Add(data, listing, c))
		}
		_, err = w.Close()
		must(b, err)
	}
}

// BenchmarkVerify prints the speed of Verify and, where it is installed, of
// sha256sum over the same files.
func BenchmarkVerify(b *testing.B) {
	root := b.TempDir()
	a := archivetest.Archive{Account: "sandbox", Destination: "local", Bundles: 8, Slices: 2000, Messages: 20, Seed: 1}
	archivetest.Write(b, root, a)
	var size int64
	var names []string
	for _, name := range files(b, root) {
		names = append(names, filepath.Join(root, name))
		size += int64(len(read(b, root, name)))
	}
	b.Run("verify", func(b *testing.B) {
		b.SetBytes(size)
		src := directory.New(directory.Config{Path: root, Account: "sandbox"})
		for b.Loop() {
			_, err := archive.Verify(context.Background(), src, nil, func(p archive.Problem) { b.Errorf("%+v", p) })
			must(b, err)
		}
	})
	b.Run("sha256sum", func(b *testing.B) {
		program, err := exec.LookPath("sha256sum")
		if err != nil {
			b.Skip("sha256sum is not installed")
		}
		b.SetBytes(size)
		for b.Loop() {
			must(b, exec.Command(program, names...).Run())
		}
	})
}
