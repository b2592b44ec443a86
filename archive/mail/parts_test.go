package mail_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/mail"
)

// Parts are what the mails of a slice hold, in their order: what is sent again of one is
// what was in it.
func TestPartsAreWhatTheMailsHold(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 3))
	several := 0
	for n := range 20 {
		s := typical()
		for i := range s.Messages {
			s.Messages[i].Text = strings.Repeat("words ", rng.IntN(1500))
		}
		of := settings()
		of.MaxBytes = []int64{0, 70_000}[n%2]
		f, err := mail.New(of)
		must(t, err)
		var parts [][]byte
		must(t, f.Parts(lineOf(t, &s), func(part []byte) error {
			parts = append(parts, bytes.Clone(part))
			return nil
		}))
		var held [][]byte
		must(t, f.Documents(lineOf(t, &s), func(d archive.Document) error {
			return mail.Lines(bytes.NewReader(d.Bytes), func(line []byte) error {
				held = append(held, bytes.Clone(line))
				return nil
			})
		}))
		if !bytes.Equal(bytes.Join(parts, nil), bytes.Join(held, nil)) || len(parts) != len(held) {
			t.Errorf("%d parts, the mails hold %d others", len(parts), len(held))
		}
		if len(parts) > 1 {
			several++
		}
	}
	if several == 0 {
		t.Error("no slice was split")
	}
}
