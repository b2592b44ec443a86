package mail_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/mail"
)

// However a slice is divided, no mail is larger than allowed and all of them
// together hold exactly the slice.
func TestParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	split := 0
	for range 30 {
		pick := func(list []string) string { return list[rng.IntN(len(list))] }
		s := odd(pick, rng.IntN(15), rng.IntN(10))
		file(&s, pick, rng.IntN(10))
		s, err := archive.ParseLine(lineOf(t, &s))
		must(t, err)
		of := settled(rng.UintN(64))
		of.MaxBytes = 15_000 + rng.Int64N(30_000)
		all, tooLarge := render(t, of, &s)
		if tooLarge != nil {
			continue
		}
		checkMails(t, of, &s, all)
		if len(all) > 1 {
			split++
		}
	}
	if split < 5 {
		t.Errorf("only %d slices were split", split)
	}
}

// There are not more parts than need be: the first message of each would not
// have fitted into the one before.
func TestPartsAreFull(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 2))
	for range 20 {
		s := typical()
		for i := range s.Messages {
			s.Messages[i].Text = strings.Repeat([]string{"words ", "東京", "\n.\n"}[rng.IntN(3)], rng.IntN(500))
		}
		of := settings()
		of.MaxBytes = 30_000 + rng.Int64N(20_000)
		limit := of.MaxBytes
		parts := partsOf(t, mails(t, of, &s))
		of.MaxBytes = 0
		for i := range len(parts) - 1 {
			more := parts[i]
			more.Messages = append(more.Messages, parts[i+1].Messages[0])
			const spare = 600 // what is kept free, and what the numbers of the part take
			if size := int64(len(mails(t, of, &more)[0])); size < limit-spare {
				t.Errorf("part %d of %d could have had one message more: %d of %d bytes", i+1, len(parts), size, limit)
			}
		}
	}
}

// partsOf reads the slices back out of their mails.
func partsOf(t *testing.T, all [][]byte) (parts []archive.Slice) {
	t.Helper()
	for _, raw := range all {
		must(t, mail.Lines(bytes.NewReader(raw), func(line []byte) error {
			part, err := archive.ParseLine(line)
			parts = append(parts, part)
			return err
		}))
	}
	return parts
}

// Headers whose length grows with what is in a part do not make it too large.
func TestPartsWithGrowingHeaders(t *testing.T) {
	of := settings()
	for _, name := range []string{"X-A", "X-B", "X-C"} {
		of.Headers = append(of.Headers, mail.Header{Name: name, Value: strings.Repeat("{messages}", 190)})
	}
	s := typical()
	for range 3 {
		s.Messages = append(s.Messages, s.Messages...)
	}
	for i := range s.Messages {
		s.Messages[i].Text = ""
	}
	for limit := int64(60_000); limit < 61_000; limit += 100 {
		of.MaxBytes = limit
		for _, raw := range mails(t, of, &s) {
			if int64(len(raw)) > limit {
				t.Errorf("%d bytes of %d", len(raw), limit)
			}
		}
	}
}

// One message to a mail: what happened stands with the message before it.
func TestPerMessage(t *testing.T) {
	of := settings()
	of.Per = mail.PerMessage
	s := full()
	all := mails(t, of, &s)
	checkMails(t, of, &s, all)
	if len(all) != len(s.Messages) {
		t.Fatalf("%d mails of %d messages", len(all), len(s.Messages))
	}
	for i, raw := range all {
		o := open(t, raw)
		if from := s.Messages[i].Sender; o.From[0].Address != from.Address || o.From[0].Name != from.Name {
			t.Errorf("mail %d is from %v", i, o.From)
		}
		part, err := archive.ParseLine([]byte(o.Transcript))
		must(t, err)
		for _, h := range part.Happened {
			if i > 0 && h.At < s.Messages[i].SentAt || i+1 < len(all) && h.At >= s.Messages[i+1].SentAt {
				t.Errorf("%s is in mail %d", h.Name, i)
			}
		}
	}
	s.Messages = nil
	if all := mails(t, of, &s); len(all) != 1 {
		t.Errorf("%d mails of happenings alone", len(all))
	}
}

// A line of a later version may say more than this one knows: its parts would
// have lost it.
func TestLineOfAnotherVersionIsNotSplit(t *testing.T) {
	s := full()
	line := bytes.Replace(lineOf(t, &s), []byte(`"happened":[`), []byte(`"news":1,"happened":[`), 1)
	of := settings()
	emitted := 0
	count := func(d archive.Document) error { emitted++; return nil }
	must(t, format(t, of).Documents(line, count))
	of.MaxBytes = 11_000
	if err := format(t, of).Documents(line, count); err == nil || emitted != 1 {
		t.Errorf("%v, %d mails", err, emitted)
	}
}
