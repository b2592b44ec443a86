package archive_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
)

// What marks a text that shows U+FFFD, a time that could not be read and a
// conversation of another account comes back from a line as it was.
func TestMarksOfWhatCouldNotBeReadComeBack(t *testing.T) {
	s := archive.Slice{Account: "1", Brand: "2", Number: 1, Revision: 1, Messages: []archive.Message{
		{Dialog: "d", Text: "\ufffd", SentText: "soon", Received: []byte("{\"msg\":{\"text\":\"\xff\"}}")},
	}, Happened: []archive.Happening{{Kind: archive.Summary, AtText: "soon", Text: "\ufffd", Received: []byte(`{"text":"\ud83d"}`)}}}
	b := line(t, s)
	for _, want := range []string{`"brand_id":"2"`, `"sent_at_text":"soon","lossy":true,"received":"eyJtc2ciOnsidGV4dCI6Iv8ifX0="}`, `"at_text":"soon","lossy":true,"received":"eyJ0ZXh0IjoiXHVkODNkIn0="}`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s lacks %s", b, want)
		}
	}
	back, err := archive.ParseLine(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, back); diff != "" {
		t.Error(diff)
	}
	if s.Messages[0].ContentHash() != back.Messages[0].ContentHash() || s.Messages[0].WordsHash() != back.Messages[0].WordsHash() {
		t.Error("read back it has another hash")
	}
	for _, broken := range []string{strings.Replace(string(b), `"lossy":true,`, "", 1), strings.Replace(string(b), `"received":"e`, `"received":"!`, 1),
		strings.Replace(string(b), `,"received":"eyJtc2ciOnsidGV4dCI6Iv8ifX0="`, "", 1)} {
		if _, err := archive.ParseLine([]byte(broken)); err == nil {
			t.Errorf("read %s", broken)
		}
	}
}

// Only what UTF-8 cannot hold counts, by what it is: not how it is escaped, in which
// order members come, or whether JSON comes as an object or inside a string.
func TestLostWordsAreWhatUTF8CannotHold(t *testing.T) {
	none := archive.LostWords([]byte(`{"a":"caf\u00e9 😀 \ud83d\ude00","b":["\\ud83d"]}`))
	if none != 0 {
		t.Errorf("of whole JSON: %x", none)
	}
	same := []string{`{"a":"\ud83d","b":"x\udc00"}`, `{"b":"\uDC00y","a":"\uD83D"}`, "{\"b\":\"\xed\xb0\x80\",\"a\":\"\xed\xa0\xbd\"}",
		`{"content":"{\"a\":\"\\ud83d\",\"b\":\"\\udc00\"}"}`, `{"content":{"a":"\ud83d","b":"\udc00"}}`}
	for _, s := range same {
		if got := archive.LostWords([]byte(s)); got == 0 || got != archive.LostWords([]byte(same[0])) {
			t.Errorf("%q: %x, want that of %q", s, got, same[0])
		}
	}
	for _, other := range []string{`{"a":"\ud83e","b":"\udc00"}`, `{"a":"\ud83d"}`, `{"a":"\udc00\ud83d"}`, `{"a":"\ud83d","b":"\udc00","c":"\udc00"}`, "{\"a\":\"\xff\"}"} {
		if archive.LostWords([]byte(other)) == archive.LostWords([]byte(same[0])) {
			t.Errorf("%q is as %q", other, same[0])
		}
	}
}
