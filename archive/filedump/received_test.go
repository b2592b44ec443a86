package filedump_test

import (
	"strings"
	"testing"

	"lpexport/archive"
)

// The format has no place for what could not be decoded or read: it stands behind
// the text, and the account of another brand in the first note.
func TestWhatCouldNotBeReadStandsInTheContent(t *testing.T) {
	s := first()
	s.Brand = "87654321"
	s.Messages[0].Text, s.Messages[0].Received, s.Messages[0].SentText = "a\ufffd", []byte(`{"msg":{"text":"a\ud83d"}}`), "soon"
	s.Happened = append(s.Happened, happening(archive.Summary, 0, func(h *archive.Happening) {
		h.Text, h.Received, h.AtText = "\ufffd", []byte(`{"text":"\ud83d"}`), "some day"
	}))
	for _, order := range orders {
		var all []string
		for _, c := range read(t, dump(t, settings(order), s)) {
			for _, e := range of(c, "Message") {
				all = append(all, e.Content)
			}
		}
		content := strings.Join(all, "\n\n")
		for _, want := range []string{
			"a\ufffd\n[time as received: soon]\n[lossy, as received in base64: eyJtc2ciOnsidGV4dCI6ImFcdWQ4M2QifX0=]",
			"\ufffd\n[time as received: some day]\n[lossy, as received in base64: eyJ0ZXh0IjoiXHVkODNkIn0=]",
			"under account 87654321",
		} {
			if !strings.Contains(content, want) {
				t.Errorf("%s: %q lacks %q", order, content, want)
			}
		}
	}
}
