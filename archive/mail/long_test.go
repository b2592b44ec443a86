package mail_test

import (
	"bytes"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/mail"
)

// TestLongBodiesAreTheSame: a mail has the same bytes whether its bodies are made in
// memory or as they are written.
func TestLongBodiesAreTheSame(t *testing.T) {
	long := full()
	long.Messages[1].Text = strings.Repeat("dots, = and bare line feeds\n.\n..\n\r\nFrom 東京 ", 5000) + strings.Repeat("no end ", 20_000)
	long.Messages[2].Text = strings.Repeat("=ü", 30_000)
	journal := settings()
	journal.Journal = &mail.Journal{From: "journal@firm.example", To: "in@vault.example"}
	parts := settings()
	parts.MaxBytes = 2_200_000
	for name, of := range map[string]mail.Settings{"plain": settings(), "journal": journal, "parts": parts} {
		for _, s := range []archive.Slice{full(), withFiles(), long, typical()} {
			want := mails(t, of, &s)
			restore := mail.SetLongBody(10)
			got := mails(t, of, &s)
			restore()
			if len(got) != len(want) {
				t.Errorf("%s: %d mails, want %d", name, len(got), len(want))
				continue
			}
			for i := range got {
				if !bytes.Equal(got[i], want[i]) {
					t.Errorf("%s: mail %d has %d bytes, others than the %d in memory", name, i+1, len(got[i]), len(want[i]))
				}
			}
		}
	}
}
