package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"net/textproto"
	"strings"
	"time"

	"lpexport/archive"
	"lpexport/archive/mail"
)

// letter is a mail as another library reads it. Of a journal it is the mail
// inside.
type letter struct {
	header  textproto.MIMEHeader
	wrapper textproto.MIMEHeader // of the journal around it, or nil
	report  string               // of the journal
	plain   string               // text/plain, its lines end with "\n"
	raw     []byte               // transcript.json
	files   map[string]string    // hashes of what is attached besides, by name
	transcript
}

// transcript is what the tests read of a transcript.json.
type transcript struct {
	Conversation string `json:"conversation_id"`
	Slice        int
	Participants []struct{ Address string }
	Messages     []struct {
		Dialog   string    `json:"dialog_id"`
		Sequence *int64    `json:"sequence"`
		SentAt   time.Time `json:"sent_at"`
		Sender   struct{ ID string }
		Audience string
		Type     string
		Text     string
		Files    []struct{ Path string }
		Amends   int
		Variant  int
	}
	Happened []struct {
		Kind, Name string
		File       struct{ Path, Name, SHA256 string }
	}
}

func readLetter(raw []byte) (*letter, error) {
	l := &letter{files: map[string]string{}}
	if err := l.readMail(bytes.NewReader(raw)); err != nil {
		return nil, err
	}
	lines := 0
	err := mail.Lines(bytes.NewReader(raw), func(line []byte) error {
		if lines++; !bytes.Equal(line, l.raw) {
			return fmt.Errorf("another transcript.json than the one that was read before")
		}
		return nil
	})
	if err != nil || lines != 1 {
		return nil, fmt.Errorf("read back by the program: %d transcripts, %v", lines, err)
	}
	return l, json.Unmarshal(l.raw, &l.transcript)
}

func (l *letter) readMail(r io.Reader) error {
	m, err := netmail.ReadMessage(r)
	if err != nil {
		return err
	}
	l.wrapper, l.header = l.header, textproto.MIMEHeader(m.Header)
	return l.readPart(l.header, m.Body)
}

// readPart reads what lies in a part, and in those inside it.
func (l *letter) readPart(header textproto.MIMEHeader, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return err
	}
	if header.Get("Content-Transfer-Encoding") == "base64" {
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	switch kind {
	case "multipart/mixed", "multipart/alternative":
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, err := parts.NextPart() // decodes quoted-printable
			if err == io.EOF {
				return nil
			}
			if err == nil {
				err = l.readPart(p.Header, p)
			}
			if err != nil {
				return err
			}
		}
	case "message/rfc822":
		l.report, l.plain = l.plain, ""
		return l.readMail(body)
	case "application/json":
		l.raw, err = io.ReadAll(body)
		return err
	case "text/plain":
		data, err := io.ReadAll(body)
		l.plain = strings.ReplaceAll(string(data), "\r\n", "\n")
		return err
	case "text/html":
		return nil
	}
	if as, named, err := mime.ParseMediaType(header.Get("Content-Disposition")); err == nil && as == "attachment" && l.files[named["filename"]] == "" {
		data, err := io.ReadAll(body)
		l.files[named["filename"]] = sumOf(data)
		return err
	}
	return fmt.Errorf("a part of type %s", kind)
}

// addTo puts what the mail holds into a view, and notes what is wrong with it.
func (l *letter) addTo(v *view, headers map[string]string) {
	if l.Slice != 1 {
		v.fault("slice %d of %s", l.Slice, l.Conversation)
	}
	l.checkHeader(v, headers)
	l.checkPlain(v)
	for _, m := range l.Messages {
		if m.Sequence == nil || m.Amends != 0 || m.Variant != 0 {
			v.fault("message %+v has no number, or is not the first of its name", m)
			continue
		}
		got := found{at: m.SentAt.UnixMilli(), sender: m.Sender.ID, audience: m.Audience, typ: m.Type, text: m.Text}
		for _, f := range m.Files {
			got.files = append(got.files, f.Path)
		}
		v.add(messageName{l.Conversation, m.Dialog, *m.Sequence}, got)
	}
	for _, h := range l.Happened {
		if h.Kind == archive.Filed {
			v.addFile(fileName{l.Conversation, h.File.Path}, l.files[h.File.Name])
			continue
		}
		v.happened[nameHappening(l.Conversation, h.Name)]++
	}
}

func (l *letter) checkHeader(v *view, headers map[string]string) {
	inHeader := map[string]bool{}
	for _, name := range []string{"From", "To"} {
		list, err := netmail.ParseAddressList(l.header.Get(name))
		if err != nil {
			v.fault("%s of %s: %v", name, l.Conversation, err)
		}
		for _, a := range list {
			inHeader[strings.ToLower(a.Address)] = true
		}
	}
	for _, p := range l.Participants {
		if !inHeader[strings.ToLower(p.Address)] {
			v.fault("%q took part in %s and is neither in From nor in To", p.Address, l.Conversation)
		}
		if l.wrapper != nil && !strings.Contains(l.report, ": "+p.Address+"\n") {
			v.fault("%q took part in %s and is not in the journal's report", p.Address, l.Conversation)
		}
	}
	for _, of := range []textproto.MIMEHeader{l.header, l.wrapper} {
		if of == nil {
			continue
		}
		for _, name := range []string{"Subject", "X-LivePerson-Source"} {
			text, err := new(mime.WordDecoder).DecodeHeader(of.Get(name))
			if err != nil || !strings.Contains(text, "LivePerson") {
				v.fault("%s of %s is %q: a search for LivePerson misses it", name, l.Conversation, of.Get(name))
			}
		}
		sum := sha256.Sum256(l.raw)
		wanted := map[string]string{"X-LivePerson-Conversation": l.Conversation, "X-LivePerson-SHA256": hex.EncodeToString(sum[:])}
		maps.Copy(wanted, headers)
		for name, want := range wanted {
			if got := of.Get(name); !l.is(got, want) {
				v.fault("%s of %s is %q, want %q", name, l.Conversation, got, want)
			}
		}
	}
}

// is compares the value of a header with what it was configured to be.
func (l *letter) is(got, want string) bool {
	if want != "{participants}" {
		return got == strings.ReplaceAll(want, "{conversation}", l.Conversation)
	}
	for _, p := range l.Participants {
		if !strings.Contains(got, p.Address) {
			return false
		}
	}
	return true
}

// checkPlain makes sure that text/plain tells every entry of the transcript,
// once and in order, with the whole text of each message.
func (l *letter) checkPlain(v *view) {
	_, text, _ := strings.Cut(l.plain, "\nTranscript:\n[")
	said, told := 0, 0
	for entry := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n[") {
		stamp, rest, _ := strings.Cut(entry, "] ")
		at, err := time.Parse(time.RFC3339Nano, stamp)
		switch isTold := strings.HasPrefix(rest, "* "); {
		case err != nil:
			v.fault("text/plain of %s: entry %q: %v", l.Conversation, entry, err)
		case isTold && told < len(l.Happened) && strings.HasPrefix(rest, "* "+l.Happened[told].Kind):
			told++
		case !isTold && said < len(l.Messages) && at.Equal(l.Messages[said].SentAt) && says(rest, l.Messages[said].Text):
			said++
		default:
			v.fault("text/plain of %s: entry %q is none of the transcript, or not in its order", l.Conversation, entry)
		}
	}
	if said != len(l.Messages) || told != len(l.Happened) {
		v.fault("text/plain of %s tells %d messages and %d happenings, the transcript %d and %d",
			l.Conversation, said, told, len(l.Messages), len(l.Happened))
	}
}

// says tells whether an entry is the sender, the text and the files of a message.
func says(entry, text string) bool {
	entry, _, _ = strings.Cut(entry, "\n    + ")
	sender, whole := strings.CutSuffix(entry, inPlain(text))
	return whole && sender != "" && !strings.Contains(sender, "\n")
}

// inPlain is how package mail says that it shows a text: ": " before it, a mark
// before each further line, and in place of what does not show something that does.
func inPlain(text string) string {
	if text == "" {
		return ":"
	}
	var b strings.Builder
	b.WriteString(": ")
	for _, r := range strings.ReplaceAll(text, "\r\n", "\n") {
		if r == '\n' {
			b.WriteString("\n    | ")
			continue
		}
		b.WriteString(visible(r))
	}
	return b.String()
}

func visible(r rune) string {
	switch {
	case r == 0x7f:
		return "\u2421"
	case r < 0x20 && r != '\t':
		return string(0x2400 + r)
	case 0x80 <= r && r <= 0x9f, 0x2028 <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069, r == 0xfffe, r == 0xffff:
		return fmt.Sprintf("[U+%04X]", r)
	}
	return string(r)
}
