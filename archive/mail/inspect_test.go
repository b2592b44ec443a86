package mail_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	netmail "net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
	"lpexport/archive/mail"
)

var encodedWord = regexp.MustCompile(`=\?UTF-8\?B\?([^?]*)\?=`)

// checkWire checks that nobody on the way has a reason to change a mail.
func checkWire(t testing.TB, raw []byte) {
	t.Helper()
	if !bytes.HasSuffix(raw, []byte("\r\n")) {
		t.Fatal("the last line has no end")
	}
	header, wraps := true, false
	for i, line := range strings.Split(strings.TrimSuffix(string(raw), "\r\n"), "\r\n") {
		if strings.HasPrefix(line, "Content-Type: message/rfc822") {
			wraps = true
		} else if line == "" {
			header, wraps = wraps, false
		} else if strings.HasPrefix(line, "--=_") && !strings.HasSuffix(line, "--") {
			header = true // of a part
		}
		for _, c := range []byte(line) {
			if c >= 0x7f || c < ' ' && c != '\t' {
				t.Fatalf("line %d has the byte %#x", i+1, c)
			}
		}
		// A word of a header may be longer than a line, alone or with the name, but
		// not an encoded one.
		name, word, _ := strings.Cut(line, " ")
		alone := (name == "" || strings.HasSuffix(name, ":")) && !strings.Contains(word, " ") && !strings.Contains(word, "=?")
		if len(line) > 76 && (!header || !alone || len(line) > 998) {
			t.Fatalf("line %d is %d wide: %q", i+1, len(line), line)
		}
		for _, word := range encodedWord.FindAllStringSubmatch(line, -1) {
			// Some readers decode each alone.
			if text, err := base64.StdEncoding.DecodeString(word[1]); header && (err != nil || !utf8.Valid(text)) {
				t.Fatalf("line %d cuts a character", i+1)
			}
		}
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "From ") {
			t.Fatalf("line %d begins with %q", i+1, line[:1])
		}
		if line != "" && (strings.TrimSpace(line) == "" || strings.TrimRight(line, " \t") != line) {
			t.Fatalf("line %d ends with white space", i+1)
		}
	}
}

// checkMails compares the mails of a slice with it, field by field.
func checkMails(t testing.TB, of mail.Settings, s *archive.Slice, all [][]byte) {
	t.Helper()
	line := lineOf(t, s)
	parsed, err := archive.ParseLine(line)
	must(t, err)
	union := parsed
	union.Messages, union.Happened = nil, nil
	ids := map[string]bool{}
	for i, raw := range all {
		checkWire(t, raw)
		if of.MaxBytes > 0 && int64(len(raw)) > of.MaxBytes {
			t.Fatalf("%d bytes, %d are allowed", len(raw), of.MaxBytes)
		}
		o := checkReaders(t, of, raw)
		if len(all) == 1 && o.Transcript != string(line) {
			t.Fatalf("transcript.json is not the line:\n%s", cmp.Diff(string(line), o.Transcript))
		}
		part, err := archive.ParseLine([]byte(o.Transcript))
		must(t, err)
		union.Messages = append(union.Messages, part.Messages...)
		union.Happened = append(union.Happened, part.Happened...)
		checkHeader(t, of, &parsed, &part, &o, i+1, len(all))
		checkText(t, of, &part, o.Text)
		checkHTML(t, &part, o.HTML)
		checkFiles(t, &parsed, &part, &o)
		if ids[o.MessageID] {
			t.Fatalf("%s twice", o.MessageID)
		}
		ids[o.MessageID] = true
	}
	if diff := cmp.Diff(parsed, union); diff != "" {
		t.Fatalf("all parts together are another slice: %s", diff)
	}
}

// checkReaders opens a mail with both readers, also what a journal wraps.
func checkReaders(t testing.TB, of mail.Settings, raw []byte) opened {
	t.Helper()
	o := open(t, raw)
	if diff := cmp.Diff(o, openOther(t, raw)); diff != "" {
		t.Fatalf("two readers see two mails: %s", diff)
	}
	var lines []string
	must(t, mail.Lines(bytes.NewReader(raw), func(line []byte) error {
		lines = append(lines, string(line))
		return nil
	}))
	if of.Journal != nil {
		outer := o
		o = checkReaders(t, withoutJournal(of), []byte(o.Inner))
		checkJournal(t, of, &outer, &o)
	}
	if len(lines) != 1 || lines[0] != o.Transcript {
		t.Fatalf("Lines read %q", lines)
	}
	return o
}

func withoutJournal(s mail.Settings) mail.Settings {
	s.Journal = nil
	return s
}

func checkJournal(t testing.TB, of mail.Settings, outer, inner *opened) {
	t.Helper()
	want := *inner
	want.Fields = map[string]string{"x-ms-journal-report": ""}
	for name, value := range inner.Fields {
		want.Fields[name] = value
	}
	want.From, want.To = []netmail.Address{{Address: of.Journal.From}}, []netmail.Address{{Address: of.Journal.To}}
	want.MessageID, want.InReplyTo, want.References = outer.MessageID, "", ""
	want.Text, want.HTML, want.Transcript, want.Inner, want.Files = outer.Text, "", "", outer.Inner, nil
	if diff := cmp.Diff(want, *outer); diff != "" || outer.MessageID == inner.MessageID {
		t.Fatalf("the outer mail differs: %s", diff)
	}
	lines := strings.Split(strings.TrimSuffix(outer.Text, "\r\n"), "\r\n")
	head := []string{"Sender: " + inner.From[0].Address, "Subject: " + inner.Subject, "Message-ID: " + inner.MessageID}
	if len(lines) < 4 || !slices.Equal(lines[:3], head) {
		t.Fatalf("report %q", lines)
	}
	for _, l := range lines[3:] {
		if to, ok := strings.CutPrefix(l, "To: "); !ok || !mail.ValidAddress(to) {
			t.Fatalf("report has %q", l)
		}
	}
}

// checkHeader checks the fields that do not depend on settings, and that
// everybody with an address is in From or To.
func checkHeader(t testing.TB, of mail.Settings, whole, part *archive.Slice, o *opened, number, parts int) {
	t.Helper()
	id := mail.ID{
		Domain: of.Domain, Destination: of.Destination, Account: part.Account, Conversation: part.Conversation,
		Slice: part.Number, Part: number,
	}
	want := map[string]string{
		"mime-version": "1.0", "auto-submitted": "auto-generated", "x-liveperson-account": short(part.Account),
		"x-liveperson-conversation": shown(part.Conversation, "", false), "x-liveperson-slice": fmt.Sprint(part.Number),
		"x-liveperson-revision": fmt.Sprint(part.Revision), "x-liveperson-source": "LivePerson",
		"x-liveperson-messages": fmt.Sprint(len(part.Messages)), "x-liveperson-sha256": fmt.Sprintf("%x", sha(o.Transcript)),
	}
	if parts > 1 {
		want["x-liveperson-part"] = fmt.Sprintf("%d/%d", number, parts)
	}
	for name, value := range want {
		if value != o.Fields[name] && value != "" {
			t.Fatalf("%s is %q, want %q", name, o.Fields[name], value)
		}
	}
	if o.MessageID != id.MessageID() || !strings.Contains(o.Subject, "LivePerson") || o.Date.Location() != time.UTC && o.Date.Format("-0700") != "+0000" {
		t.Fatalf("%s, %q, %s", o.MessageID, o.Subject, o.Date)
	}
	if mail.ValidAddress(of.To) || mail.ValidAddress(of.From) {
		return
	}
	there := map[string]bool{}
	for _, p := range whole.Participants {
		there[strings.ToLower(p.Address)] = mail.ValidAddress(p.Address)
	}
	for _, m := range whole.Messages {
		there[strings.ToLower(m.Sender.Address)] = mail.ValidAddress(m.Sender.Address)
	}
	for _, a := range slices.Concat(o.From, o.To) {
		lower := strings.ToLower(a.Address)
		if !there[lower] && lower != "no-participants@"+of.Domain && of.To == mail.ToOthers {
			t.Fatalf("%s is in no part of the slice, or twice in From and To", a.Address)
		}
		delete(there, lower)
	}
	for a, valid := range there {
		if valid {
			t.Fatalf("%s is neither in From nor in To", a)
		}
	}
}

// short is a text as a header shows it.
func short(s string) string {
	if utf8.RuneCountInString(s) > 255 {
		return shown(string([]rune(s)[:255]), "", false) + "…"
	}
	return shown(s, "", false)
}

// shown is a text with what cannot be shown replaced, as the package's comment
// says, written here a second time.
func shown(s, newline string, tabs bool) string {
	if newline != "" {
		s = strings.ReplaceAll(s, "\r\n", "\n")
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' && newline != "":
			b.WriteString(newline)
		case r == '\t' && tabs:
			b.WriteRune(r)
		case r < 0x20:
			b.WriteRune(0x2400 + r)
		case r == 0x7f:
			b.WriteRune(0x2421)
		case unicode.IsControl(r), strings.ContainsRune("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufffe\uffff", r):
			fmt.Fprintf(&b, "[U+%04X]", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// checkText checks that text/plain has one entry for each of the slice's, in the
// order of their times, each with all of its text and with nothing else.
func checkText(t testing.TB, of mail.Settings, s *archive.Slice, text string) {
	t.Helper()
	_, log, found := strings.Cut(text, "\r\nTranscript:\r\n")
	if !found || strings.ContainsAny(strings.ReplaceAll(text, "\r\n", ""), "\r\n\x00") {
		t.Fatalf("no transcript, or a line end that is none: %q", text)
	}
	var entries []string
	begin, at := 0, 0
	for line := range strings.SplitAfterSeq(log, "\r\n") {
		switch {
		case strings.HasPrefix(line, "[") && at > 0, line == "" && at > 0:
			entries = append(entries, log[begin:at])
			begin = at
		case line != "" && !strings.HasPrefix(line, "[") && (at == 0 || !strings.HasPrefix(line, "    ") || !strings.Contains("|+?=", line[4:5])):
			t.Fatalf("a line is no entry and belongs to none: %q", line)
		}
		at += len(line)
	}
	messages, happened := 0, 0
	for _, e := range entries {
		_, told, _ := strings.Cut(e, "] ")
		if strings.HasPrefix(told, "* ") {
			checkHappening(t, &s.Happened[happened], e)
			happened++
			continue
		}
		checkMessage(t, of, &s.Messages[messages], e)
		messages++
	}
	if messages != len(s.Messages) || happened != len(s.Happened) {
		t.Fatalf("%d messages of %d, %d happenings of %d", messages, len(s.Messages), happened, len(s.Happened))
	}
}

func checkMessage(t testing.TB, of mail.Settings, m *archive.Message, entry string) {
	t.Helper()
	at := "no time"
	if m.SentAt != 0 {
		zone, err := time.LoadLocation(of.Zone)
		must(t, err)
		at = time.UnixMilli(m.SentAt).In(zone).Format("2006-01-02T15:04:05.000Z07:00")
	}
	end := ":"
	if m.Text != "" {
		end = ": " + shown(m.Text, "\r\n    | ", true)
	}
	said, files, _ := strings.Cut(entry+"\r\n", "\r\n    + ")
	said = strings.TrimRight(said, "\r\n")
	if !strings.HasPrefix(said, "["+at+"] ") || !strings.HasSuffix(said, strings.TrimRight(end, "\r\n")) {
		t.Fatalf("%q does not hold %q", entry, end)
	}
	if mail.ValidAddress(m.Sender.Address) && !strings.Contains(said, " <"+m.Sender.Address+"> (") {
		t.Fatalf("%q does not name its sender", said)
	}
	for _, note := range []struct {
		text  string
		there bool
	}{
		{" (agents only)", m.Audience == "agents"}, {" (audience not stated)", m.Assumed},
		{fmt.Sprintf(" (amends revision %d)", m.Amends), m.Amends != 0},
		{fmt.Sprintf(" (variant %d)", m.Variant), m.Variant != 0}, {" (late)", m.Late},
	} {
		if note.there && !strings.Contains(said, note.text) {
			t.Fatalf("%q does not say %q", said, note.text)
		}
	}
	for _, f := range m.Files {
		for _, part := range []string{f.Path, f.Type, f.Caption} {
			if !strings.Contains(unescaped(files), shown(part, "", false)) {
				t.Fatalf("%q does not name %q", files, part)
			}
		}
	}
}

// unescaped removes the backslashes that stand in quotes.
func unescaped(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(s)
}

func checkHappening(t testing.TB, h *archive.Happening, entry string) {
	t.Helper()
	texts := []string{h.Text}
	for _, a := range h.Answers {
		texts = append(texts, a.Question, a.Answer)
	}
	for _, text := range texts {
		if !strings.Contains(entry, shown(text, "\r\n    | ", true)) {
			t.Fatalf("%q does not hold %q", entry, text)
		}
	}
	for _, word := range []string{h.Kind, h.Reason} {
		if !strings.Contains(unescaped(entry), shown(word, "", false)) {
			t.Fatalf("%q does not hold %q", entry, word)
		}
	}
}
