package archive_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
)

// full is a slice with everything that can be there.
func full() archive.Slice {
	agent := archive.Participant{ID: "a", Role: "agent", Name: "Ana", Login: "ana", Email: "ana@example.test", Kind: "human"}
	loans := archive.Skill{ID: "12", Name: "Loans"}
	return archive.Slice{
		Account: "sandbox", Conversation: "c-1", Number: 2, Revision: 3,
		StartedAt: 1767225600123, EndedAt: 1767225700000, Status: "CLOSE", CloseReason: "AGENT", Partial: true,
		Skill: loans, Skills: []archive.Skill{loans, {}}, Participants: []archive.Participant{agent},
		Messages: []archive.Message{
			{
				Dialog: "d", Sequence: 7, ID: "ms::dialog:d::msg:7", SentAt: 1767225601000, Sender: agent, Audience: "all",
				Type: "TEXT_PLAIN", Text: "hi", Source: "history", Amends: 1, Variant: 2, Late: true,
			},
			{
				Dialog: "d", Derived: "00ff", SentAt: 1767225602000, Audience: "agents", Type: "RICH_CONTENT", Text: "pick one",
				Files:   []archive.File{{Path: "/f/1.png", Type: "image/png", Caption: "a \"caption\""}},
				Content: []byte(`{"a":[1,"\ud800",{"b":null}]}`), Source: "webhook",
			},
			{Dialog: "d", Sequence: 9, Sender: agent, Audience: "all", Assumed: true, Type: "TEXT_PLAIN", Source: "webhook"},
		},
		Happened: []archive.Happening{
			{
				Name: "transferred@1767225603000/x", Kind: archive.Transferred, At: 1767225603000, Dialog: "d", By: "a",
				Participant: "p", Reason: "r", FromSkill: &loans, ToSkill: &archive.Skill{}, ToAgent: "b", Text: "t",
				Answers: []archive.Answer{{Question: "q?", Answer: "yes"}}, Late: true,
			},
			{Name: "closed@0/y", Kind: archive.Closed},
			{
				Name: "file@1767225604000//f/1.png", Kind: archive.Filed, At: 1767225604000, By: "a",
				File: &archive.Attachment{Path: "/f/1.png", Name: fileHash + ".png", Type: "image/png", Bytes: 48213, SHA256: fileHash},
			},
			{Name: "file@1767225605000/z", Kind: archive.Filed, At: 1767225605000, Reason: "expired", File: &archive.Attachment{Path: "/f/2.png"}},
		},
	}
}

// fileHash is that of the file in full.
const fileHash = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

func line(t testing.TB, s archive.Slice) []byte {
	t.Helper()
	out, err := archive.AppendLine(nil, &s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const fullLine = `{"account":"sandbox","conversation_id":"c-1","slice":2,"revision":3,` +
	`"started_at":"2026-01-01T00:00:00.123Z","ended_at":"2026-01-01T00:01:40.000Z","status":"CLOSE","close_reason":"AGENT",` +
	`"partial":true,"skill":{"id":"12","name":"Loans"},"skills":[{"id":"12","name":"Loans"},{"id":"","name":""}],` +
	`"participants":[{"id":"a","role":"agent","name":"Ana","login":"ana","email":"ana@example.test","kind":"human"}],` +
	`"messages":[{"dialog_id":"d","sequence":7,"message_id":"ms::dialog:d::msg:7","sent_at":"2026-01-01T00:00:01.000Z",` +
	`"sender":{"id":"a","role":"agent","name":"Ana","login":"ana","email":"ana@example.test","kind":"human"},` +
	`"audience":"all","type":"TEXT_PLAIN","text":"hi","files":[],"source":"history","amends":1,"variant":2,"late":true},` +
	`{"dialog_id":"d","sequence":null,"message_id":"","sent_at":"2026-01-01T00:00:02.000Z",` +
	`"sender":{"id":"","role":"","name":"","login":"","email":"","kind":""},"audience":"agents","type":"RICH_CONTENT",` +
	`"text":"pick one","files":[{"path":"/f/1.png","type":"image/png","caption":"a \"caption\""}],"source":"webhook",` +
	`"derived":"00ff","content":{"a":[1,"\ud800",{"b":null}]}},` +
	`{"dialog_id":"d","sequence":9,"message_id":"","sent_at":null,` +
	`"sender":{"id":"a","role":"agent","name":"Ana","login":"ana","email":"ana@example.test","kind":"human"},` +
	`"audience":"all","type":"TEXT_PLAIN","text":"","files":[],"source":"webhook","audience_assumed":true}],` +
	`"happened":[{"kind":"transferred","at":"2026-01-01T00:00:03.000Z","by":"a","name":"transferred@1767225603000/x",` +
	`"dialog_id":"d","participant":"p","reason":"r","from_skill":{"id":"12","name":"Loans"},"to_skill":{"id":"","name":""},` +
	`"to_agent":"b","text":"t","answers":[{"question":"q?","answer":"yes"}],"late":true},` +
	`{"kind":"closed","at":null,"by":"","name":"closed@0/y","answers":[]},` +
	`{"kind":"file","at":"2026-01-01T00:00:04.000Z","by":"a","name":"file@1767225604000//f/1.png",` +
	`"file":{"path":"/f/1.png","name":"` + fileHash + `.png","type":"image/png","bytes":48213,"sha256":"` + fileHash + `"},"answers":[]},` +
	`{"kind":"file","at":"2026-01-01T00:00:05.000Z","by":"","name":"file@1767225605000/z","reason":"expired",` +
	`"file":{"path":"/f/2.png","name":"","type":"","bytes":0,"sha256":""},"answers":[]}]}` + "\n"

func TestLineIsAsAgreed(t *testing.T) {
	if diff := cmp.Diff(fullLine, string(line(t, full()))); diff != "" {
		t.Error(diff)
	}
	empty := string(line(t, archive.Slice{Number: 1, Revision: 1}))
	want := `{"account":"","conversation_id":"","slice":1,"revision":1,"started_at":null,"ended_at":null,"status":"",` +
		`"close_reason":"","skill":{"id":"","name":""},"skills":[],"participants":[],"messages":[],"happened":[]}` + "\n"
	if empty != want {
		t.Errorf("got %s want %s", empty, want)
	}
}

func TestParseLineIsTheInverse(t *testing.T) {
	got, err := archive.ParseLine(line(t, full()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full(), got); diff != "" {
		t.Error(diff)
	}
}

// pieces are what strings are made of in the tests: everything that has ever
// broken a JSON writer.
var pieces = []string{
	"", "a", "\x00", "\r\n", "\n", "\t", "\b\f", "\x1f", "\x7f", `"`, `\`, `\u0041`, "</script>", "é", "東京", "😀",
	"\u202e\u2066", "\u2028", "\u2029", "\ufeff", "\ufffd", "\uffff", "\U0010ffff", "\xff", "\xed\xa0\x80", "\xc3", "\xf0\x9f",
}

func randomText(rng *rand.Rand) string {
	var b strings.Builder
	for range rng.IntN(12) {
		if rng.IntN(3) == 0 {
			b.WriteByte(byte(rng.Uint32()))
			continue
		}
		b.WriteString(pieces[rng.IntN(len(pieces))])
	}
	return b.String()
}

func TestStringsDecodeToThemselves(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		text := randomText(rng)
		// What is not UTF-8 becomes U+FFFD, byte by byte, as a conversion does it.
		want := string([]rune(text))
		s := archive.Slice{Number: 1, Revision: 1, Messages: []archive.Message{{Text: text}}}
		out := line(t, s)
		if !utf8.Valid(out) || bytes.IndexByte(out, '\n') != len(out)-1 || strings.ContainsAny(string(out), "\u2028\u2029") {
			t.Fatalf("%q: not one line of UTF-8: %q", text, out)
		}
		var decoded struct{ Messages []struct{ Text string } }
		if err := json.Unmarshal(out, &decoded); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got := decoded.Messages[0].Text; got != want {
			t.Fatalf("%q came back as %q", text, got)
		}
		parsed, err := archive.ParseLine(out)
		if err != nil || parsed.Messages[0].Text != want {
			t.Fatalf("%q parsed as %q, %v", text, parsed.Messages[0].Text, err)
		}
	}
}

func TestContentIsEmbeddedAsItIs(t *testing.T) {
	for content, want := range map[string]string{
		"{ \"a\" :\n [ 1 , 2 ] }":           `{"a":[1,2]}`,
		`"\ud800 x \udc00"`:                 `"\ud800 x \udc00"`,
		`{"a":1,"a":2}`:                     `{"a":1,"a":2}`,
		"\"a b\\\" c\xff\xc3\"":             "\"a b\\\" c\ufffd\ufffd\"",
		"[1e400,-0.10,\t12345678901234567]": "[1e400,-0.10,12345678901234567]",
		" null ":                            "null",
		`"\\" `:                             `"\\"`,
	} {
		s := archive.Slice{Number: 1, Revision: 1, Messages: []archive.Message{{Content: []byte(content)}}}
		parsed, err := archive.ParseLine(line(t, s))
		if err != nil {
			t.Errorf("%q: %v", content, err)
			continue
		}
		if got := string(parsed.Messages[0].Content); got != want {
			t.Errorf("%q came back as %q, want %q", content, got, want)
		}
	}
}

func TestAppendLineRefuses(t *testing.T) {
	year := int64(365.25 * 24 * 3600 * 1000)
	for name, change := range map[string]func(*archive.Slice){
		"no number":       func(s *archive.Slice) { s.Number = 0 },
		"no revision":     func(s *archive.Slice) { s.Revision = 0 },
		"year 10001":      func(s *archive.Slice) { s.StartedAt = 8031 * year },
		"year -1":         func(s *archive.Slice) { s.Happened[0].At = -1971 * year },
		"sent in 10001":   func(s *archive.Slice) { s.Messages[0].SentAt = 8031 * year },
		"negative":        func(s *archive.Slice) { s.Messages[0].Sequence = -1 },
		"over 2^53":       func(s *archive.Slice) { s.Messages[0].Sequence = archive.MaxSequence + 1 },
		"variant 1":       func(s *archive.Slice) { s.Messages[0].Variant = 1 },
		"broken content":  func(s *archive.Slice) { s.Messages[1].Content = []byte(`{"a":}`) },
		"two contents":    func(s *archive.Slice) { s.Messages[1].Content = []byte(`{}{}`) },
		"string unclosed": func(s *archive.Slice) { s.Messages[1].Content = []byte(`"a`) },
		"nested": func(s *archive.Slice) {
			s.Messages[1].Content = []byte(strings.Repeat("[", 9995) + strings.Repeat("]", 9995))
		},
	} {
		s := full()
		change(&s)
		before := []byte("before")
		if got, err := archive.AppendLine(before, &s); err == nil || string(got) != "before" {
			t.Errorf("%s: appended %d bytes, error %v", name, len(got)-len(before), err)
		}
	}
}

func TestDeepContentCanBeReadBack(t *testing.T) {
	s := full()
	s.Messages[1].Content = []byte(strings.Repeat("[", 9990) + strings.Repeat("]", 9990))
	out := line(t, s)
	if _, err := archive.ParseLine(out); err != nil {
		t.Error(err)
	}
	if !json.Valid(out) {
		t.Error("encoding/json cannot read it")
	}
}

func TestTimesAreWrittenAsTimeWritesThem(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 10_000 {
		ms := rng.Int64N(253402300800000+62167219200000) - 62167219200000
		if ms == 0 {
			continue
		}
		s := archive.Slice{Number: 1, Revision: 1, StartedAt: ms}
		want := fmt.Sprintf(`"started_at":%q`, time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00"))
		out := line(t, s)
		if !bytes.Contains(out, []byte(want)) {
			t.Fatalf("%d: no %s in %s", ms, want, out)
		}
		if parsed, err := archive.ParseLine(out); err != nil || parsed.StartedAt != ms {
			t.Fatalf("%d came back as %d, %v", ms, parsed.StartedAt, err)
		}
	}
}

func TestParseLineRefuses(t *testing.T) {
	replace := func(old, new string) string { return strings.Replace(fullLine, old, new, 1) }
	for name, text := range map[string]string{
		"empty":              "",
		"cut short":          fullLine[:len(fullLine)-10],
		"two values":         fullLine + "{}",
		"two lines":          fullLine + fullLine,
		"not UTF-8":          replace("hi", "\xff"),
		"missing member":     replace(`"status":"CLOSE",`, ""),
		"member twice":       replace(`"status":"CLOSE"`, `"status":"CLOSE","status":"OPEN"`),
		"null list":          replace(`"files":[]`, `"files":null`),
		"null string":        replace(`"text":"hi"`, `"text":null`),
		"number as string":   replace(`"slice":2`, `"slice":"2"`),
		"fraction":           replace(`"slice":2`, `"slice":2.5`),
		"slice 0":            replace(`"slice":2`, `"slice":0`),
		"sequence too large": replace(`"sequence":7`, `"sequence":9007199254740992`),
		"no name":            replace(`"sequence":7`, `"sequence":null`),
		"two names":          replace(`"sequence":null`, `"sequence":1`),
		"time without Z":     replace(`00.123Z`, `00.123+00:00`),
		"time without ms":    replace(`00.123Z`, `00Z`),
		"no such day":        replace(`2026-01-01T00:00:00.123Z`, `2026-02-30T00:00:00.123Z`),
	} {
		if _, err := archive.ParseLine([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "pick one") || strings.Contains(err.Error(), "Ana") {
			t.Errorf("%s: the error quotes the line: %v", name, err)
		}
	}
	if _, err := archive.ParseLine([]byte(replace(`"status":`, `"later":{"a":[null]},"status":`))); err != nil {
		t.Errorf("a member of a later version: %v", err)
	}
}

func TestContentHashSurvivesTheLine(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 2000 {
		m := archive.Message{Type: randomText(rng), Audience: "all", Text: randomText(rng)}
		for range rng.IntN(3) {
			m.Files = append(m.Files, archive.File{Path: randomText(rng), Type: randomText(rng), Caption: randomText(rng)})
		}
		if rng.IntN(2) == 0 {
			m.Content = []byte("{ \"b\": \"\\ud800\xff\", \"a\" : [1.0, {}] }")
		}
		s := archive.Slice{Number: 1, Revision: 1, Messages: []archive.Message{m}}
		parsed, err := archive.ParseLine(line(t, s))
		if err != nil {
			t.Fatal(err)
		}
		if m.ContentHash() != parsed.Messages[0].ContentHash() {
			t.Fatalf("%q %q has another hash when it is read back", m.Type, m.Text)
		}
	}
}

func TestContentHashTellsContentFromTheRest(t *testing.T) {
	base := archive.Message{
		Type: "RICH_CONTENT", Audience: "all", Text: "ab", Files: []archive.File{{Path: "p", Type: "t", Caption: "c"}},
		Content: []byte(`{"a":"x","b":[1,2]}`),
	}
	for name, test := range map[string]struct {
		change func(*archive.Message)
		same   bool
	}{
		"type":                      {func(m *archive.Message) { m.Type = "x" }, false},
		"audience":                  {func(m *archive.Message) { m.Audience = "agents" }, false},
		"content":                   {func(m *archive.Message) { m.Content = []byte(`{"a":"x","b":[2,1]}`) }, false},
		"no content":                {func(m *archive.Message) { m.Content = nil }, false},
		"content order":             {func(m *archive.Message) { m.Content = []byte("{\"b\" : [1, 2],\n\"a\":\"\\u0078\"}") }, true},
		"name":                      {func(m *archive.Message) { m.Sequence, m.Dialog, m.Derived, m.Variant, m.ID = 9, "d", "e", 2, "f" }, true},
		"words read out of content": {func(m *archive.Message) { m.Text, m.Files = "ac", nil }, true},
		"surroundings": {func(m *archive.Message) {
			m.SentAt, m.Sender.Name, m.Source, m.Amends, m.Late = 1, "n", "webhook", 2, true
		}, true},
	} {
		m := base
		test.change(&m)
		if got := m.ContentHash() == base.ContentHash(); got != test.same {
			t.Errorf("%s: same hash is %v", name, got)
		}
	}
}

func TestContentHashOfWordsAlone(t *testing.T) {
	base := archive.Message{Type: "HOSTED_FILE", Audience: "all", Text: "ab", Files: []archive.File{{Path: "p", Type: "t", Caption: "c"}}}
	for name, change := range map[string]func(*archive.Message){
		"text":              func(m *archive.Message) { m.Text = "ac" },
		"text and audience": func(m *archive.Message) { m.Audience, m.Text = "alla", "b" },
		"file":              func(m *archive.Message) { m.Files = []archive.File{{Path: "p", Type: "t", Caption: "d"}} },
		"files":             func(m *archive.Message) { m.Files = append(m.Files, archive.File{}) },
		"files split":       func(m *archive.Message) { m.Files = []archive.File{{Path: "pt", Caption: "c"}} },
	} {
		m := base
		change(&m)
		if m.ContentHash() == base.ContentHash() {
			t.Errorf("%s: same hash", name)
		}
	}
}

func TestContentHashOfPlainTextAllocatesNothing(t *testing.T) {
	m := archive.Message{Type: "TEXT_PLAIN", Audience: "all", Text: strings.Repeat("é", 50)}
	if n := testing.AllocsPerRun(100, func() { m.ContentHash() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestListingNamesEveryMessage(t *testing.T) {
	m := func(dialog string, sequence int64, variant, amends int) archive.Message {
		return archive.Message{Dialog: dialog, Sequence: sequence, Variant: variant, Amends: amends}
	}
	s := archive.Slice{
		Conversation: "c", Number: 2, Revision: 3,
		Messages: []archive.Message{
			m("b", 9, 0, 0), m("b", 0, 0, 0), m("b", 1, 0, 0), m("a", 5, 3, 0), m("a", 5, 2, 0), m("b", 1, 0, 2),
			{Dialog: "b", Derived: "ff"}, {Dialog: "b", Derived: "0a"},
		},
		Happened: []archive.Happening{{Name: "left@2/y"}, {Name: "joined@1/x"}},
	}
	l := archive.ListingOf(&s)
	want := `{"conversation":"c","slice":2,"revision":3,"messages":8,"amendments":1,"dialogs":[` +
		`{"dialog":"a","sequences":"5","derived":[],"variants":[{"sequence":5,"variant":2},{"sequence":5,"variant":3}]},` +
		`{"dialog":"b","sequences":"0-1,9","derived":["0a","ff"],"variants":[]}],"happened":["left@2/y","joined@1/x"]}`
	if got := string(l.Append(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
