package exporter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"

	"lpexport/archive"
	"lpexport/liveperson/sandbox"
)

// transcripts are the lines of a destination as encoding/json, which shares no
// code with what wrote them, reads them.
func (r *trial) transcripts(name string) (lines []map[string]any) {
	r.t.Helper()
	paths, err := filepath.Glob(filepath.Join(r.root, name, "sandbox", "*", "*", "*", name+"-*", archive.TranscriptsFile))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			r.t.Fatal(err)
		}
		if !utf8.Valid(b) {
			r.t.Errorf("%s is not valid UTF-8", p)
		}
		for raw := range bytes.Lines(b) {
			var line map[string]any
			if err := json.Unmarshal(raw, &line); err != nil {
				r.t.Errorf("%s: %v", p, err)
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func TestHostileTextsGoThroughUnharmed(t *testing.T) {
	set := sandbox.Settings{Seed: 6, Conversations: 25, Period: 12 * time.Hour, Messages: 8, Growth: time.Minute, Hostile: true}
	r := newTrial(t, set, 3*day, nil)
	r.cycle()
	r.mustHoldTruth("local")
	texts := map[string]string{}
	for _, line := range r.transcripts("local") {
		for _, m := range line["messages"].([]any) {
			m := m.(map[string]any)
			texts[fmt.Sprint(line["conversation_id"], m["dialog_id"], m["sequence"])] = m["text"].(string)
		}
	}
	odd := 0
	for c := range r.account.Truth(r.clock.Now()) {
		for _, m := range c.Messages {
			got, ok := texts[fmt.Sprint(c.ID, m.Dialog, float64(m.Sequence))]
			if !ok || m.Type == "TEXT_PLAIN" && got != m.Text {
				t.Errorf("%s %s/%d: %.80q, want %.80q", c.ID, m.Dialog, m.Sequence, got, m.Text)
			}
			if bytes.ContainsAny([]byte(m.Text), "\x00\r\u202e\ufffd") || len(m.Text) > 1<<19 {
				odd++
			}
		}
	}
	if odd < 10 {
		t.Errorf("the account is too tame to prove anything: %d odd texts", odd)
	}
	if again := r.cycle(); again.Captured.Revisions != 0 || again.Destinations[0].Bundles != 0 {
		t.Errorf("at rest: %+v", again)
	}
}

func TestHostileTextsByHand(t *testing.T) {
	r, h := handTrial(t, nil)
	texts := map[string]string{ // JSON as received: text as delivered
		`"\ud800"`:                          "\ufffd",
		`"a\udc00b"`:                        "a\ufffdb",
		`"\ud83d\ude00"`:                    "\U0001f600",
		`"\u0000\u0001\u001f\u007f\u0085"`:  "\x00\x01\x1f\x7f\u0085",
		`"line\r\nbreak\u2028\u2029"`:       "line\r\nbreak\u2028\u2029",
		`"</script><!--"`:                   "</script><!--",
		`"\"}],\"messages\":[{\"text\":\""`: `"}],"messages":[{"text":"`,
		`"=cmd|' /C calc'!A0"`:              "=cmd|' /C calc'!A0",
		`"\u202eevil\u2066"`:                "\u202eevil\u2066",
		`"  spaces kept \t"`:                "  spaces kept \t",
		`"undefined"`:                       "undefined",
		`"null"`:                            "null",
		`"\ufeffbom\ufffe"`:                 "\ufeffbom\ufffe",
		"\"\xff\xfe\"":                      "\ufffd\ufffd",
	}
	var messages []string
	want := map[int]string{}
	for raw, text := range texts {
		n := len(messages)
		messages = append(messages, fmt.Sprintf(`{"type":"TEXT_PLAIN","seq":%d,"timeL":%d,"messageData":{"msg":{"text":%s}}}`, n, talkStart+int64(n), raw))
		want[n] = text
	}
	h.raw("a", messages...)
	r.cycle()
	got := 0
	for _, line := range r.transcripts("local") {
		for _, m := range line["messages"].([]any) {
			m := m.(map[string]any)
			got++
			if n := int(m["sequence"].(float64)); m["text"] != want[n] {
				t.Errorf("text %q, want %q", m["text"], want[n])
			}
		}
	}
	if got != len(texts) {
		t.Errorf("%d messages, want %d", got, len(texts))
	}
	r.sound()
}
