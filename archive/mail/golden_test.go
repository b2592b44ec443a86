package mail_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive/mail"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Every byte of a mail is decided by the slice and the settings.
func TestGolden(t *testing.T) {
	for name, change := range map[string]func(*mail.Settings){
		"plain": func(*mail.Settings) {},
		"journal": func(s *mail.Settings) {
			s.Journal = &mail.Journal{From: "journal@firm.example", To: "in@vault.example"}
		},
		"message": func(s *mail.Settings) { s.Per, s.Date = mail.PerMessage, mail.DateLast },
		"parts":   func(s *mail.Settings) { s.MaxBytes = 11_000 },
		"headers": func(s *mail.Settings) {
			s.From, s.To, s.Date, s.Zone = mail.FromInternal, mail.ToAll, mail.DateLast, "Asia/Kolkata"
			s.Subject = "{consumer}: {{{messages}}} – {status}"
			s.Headers = []mail.Header{
				{Name: "X-Kvs-MessageType", Value: "LivePerson"}, {Name: "X-Kvs-ArchiveId", Value: "{skill_id}"},
				{Name: "X-ZANTAZ-RECIP", Value: "{participants}"}, {Name: "auto-submitted", Value: "auto-replied"},
				{Name: "X-LivePerson-Revision", Value: ""},
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			of, slice := settings(), full()
			change(&of)
			for i, got := range mails(t, of, &slice) {
				golden(t, fmt.Sprintf("%s-%d.eml", name, i+1), got)
			}
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Error(cmp.Diff(string(want), string(got)))
	}
}
