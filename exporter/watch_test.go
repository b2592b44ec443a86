package exporter

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/directory"
)

// A file that is gone from a flat folder has been taken; one that stays for too
// long is spoken of, and neither is put there again.
func TestFlatFolderIsWatched(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "drop")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	r, h := handTrial(t, func(s *Settings) {
		d := &s.Destinations[0]
		d.Name, d.Files, d.Stay = "post", true, 24*time.Hour
		d.Target = directory.NewDrop(directory.Config{Path: folder, Account: "sandbox", Name: "post"})
		d.Shape = func(_, _ []byte) (archive.Shape, error) { return archive.Shape{Format: letters{}}, nil }
		s.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	h.putAll("a", "b")
	r.cycle()
	for _, name := range []string{firstLetter, secondLetter} {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(folder, firstLetter)); err != nil { // as an importer does
		t.Fatal(err)
	}
	r.clock.Advance(23 * time.Hour)
	r.cycle()
	left := func() int {
		s, err := r.Status(context.Background())
		if err != nil || s.Destinations[0].Pending != 0 {
			t.Fatalf("status: %+v, %v", s, err)
		}
		return s.Destinations[0].Left
	}
	if n := left(); n != 0 || strings.Contains(log.String(), "too long") {
		t.Errorf("%d files are reported before their time: %s", n, log.String())
	}
	r.clock.Advance(2 * time.Hour)
	r.cycle()
	if n := left(); n != 1 || !strings.Contains(log.String(), "too long") {
		t.Errorf("%d files are reported, want 1: %s", n, log.String())
	}
	if _, err := os.Stat(filepath.Join(folder, firstLetter)); err == nil {
		t.Error("what the importer took was put there again")
	}
	if err := os.Remove(filepath.Join(folder, secondLetter)); err != nil {
		t.Fatal(err)
	}
	r.cycle()
	if n := left(); n != 0 {
		t.Errorf("%d files are reported after all were taken", n)
	}
}
