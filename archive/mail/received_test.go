package mail_test

import (
	"strings"
	"testing"

	"lpexport/archive"
)

// What could not be decoded or read is marked in both bodies, and is in
// transcript.json; a conversation of another account says so at the top and in a field.
func TestWhatCouldNotBeReadIsMarked(t *testing.T) {
	s := typical()
	s.Brand = "87654321"
	s.Messages[0].Text, s.Messages[0].Received, s.Messages[0].SentText = "a\ufffd", []byte(`{"msg":{"text":"a\ud83d"}}`), `<b>"soon"`
	s.Happened = append(s.Happened, archive.Happening{Kind: archive.Summary, Name: "summary@0/x", AtText: "some day", Text: "\ufffd", Received: []byte(`{"text":"\ud83d"}`)})
	all := mails(t, settings(), &s)
	if len(all) != 1 {
		t.Fatalf("%d mails", len(all))
	}
	if !strings.Contains(string(all[0]), "\r\nX-LivePerson-Brand: 87654321\r\n") {
		t.Error("no field of the brand")
	}
	o := open(t, all[0])
	for _, want := range []string{"87654321, which is another account", "time as received: ", "time as received ", "some day", "(lossy: transcript.json has it as received)", ", lossy: transcript.json"} {
		for kind, body := range map[string]string{"text": o.Text, "html": o.HTML} {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %q:\n%s", kind, want, body)
			}
		}
	}
	if strings.Contains(o.HTML, "<b>\"soon\"") || strings.Contains(o.HTML, "<b>soon") {
		t.Error("a time is taken for HTML")
	}
	if !strings.Contains(o.Transcript, `"received":"eyJtc2ciOnsidGV4dCI6ImFcdWQ4M2QifX0="`) {
		t.Errorf("transcript.json: %s", o.Transcript)
	}
}
