package mail_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/mail"
)

// What the writer of a bundle makes of a mail with files is the mail that every
// other test looks at.
func TestBundleOfMailsWithFiles(t *testing.T) {
	of, s := settings(), withFiles()
	of.MaxBytes = 14_000
	of.Journal = &mail.Journal{From: "journal@firm.example", To: "in@vault.example"}
	root := t.TempDir()
	created := time.UnixMilli(start).UTC()
	dir := filepath.Join(root, filepath.FromSlash(archive.BundlePath("sandbox", "vault", 1, created)))
	must(t, os.MkdirAll(dir, 0o700))
	w, err := archive.NewWriter(dir, archive.Head{
		Serial: 1, Account: s.Account, Destination: "vault", Archive: "test", SettingsSHA256: strings.Repeat("0", 64), Generator: "test",
		Origin: strings.Repeat("0", 32), Created: created,
	}, archive.Shape{Format: format(t, of), Contents: func(hash string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(contents[hash])), nil
	}})
	must(t, err)
	listing := archive.ListingOf(&s)
	must(t, w.Add(lineOf(t, &s), listing.Append(nil), archive.CountsOf(&s)))
	made, err := w.Close()
	must(t, err)
	all := mails(t, of, &s)
	if len(made.Files) != len(all) || len(all) < 3 {
		t.Fatalf("%d files of %d mails", len(made.Files), len(all))
	}
	for i, f := range made.Files {
		got, err := os.ReadFile(filepath.Join(dir, f.Path))
		must(t, err)
		if !bytes.Equal(got, all[i]) {
			t.Errorf("%s is another mail", f.Path)
		}
	}
}
