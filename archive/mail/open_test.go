package mail_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message"

	"lpexport/archive/mail"
)

// opened is a mail as a reader sees it.
type opened struct {
	Subject, MessageID, InReplyTo, References string
	Fields                                    map[string]string // X-… and what else has one value, by its name in lower case
	Date                                      time.Time
	From, To                                  []netmail.Address
	Text, HTML, Transcript                    string
	Inner                                     string // the wrapped mail of a journal, with Text its report
	Files                                     []openedFile
}

// openedFile is an attached file as a reader sees it.
type openedFile struct{ Name, Type, Content string }

// open reads a mail with the standard library.
func open(t testing.TB, raw []byte) opened {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	must(t, err)
	o := opened{Fields: map[string]string{}}
	decoder := new(mime.WordDecoder)
	for name, values := range m.Header {
		if len(values) != 1 {
			t.Fatalf("%d values of %s", len(values), name)
		}
		value, err := decoder.DecodeHeader(values[0])
		must(t, err)
		o.field(strings.ToLower(name), value)
	}
	o.Date, err = m.Header.Date()
	must(t, err)
	o.From = addresses(t, m.Header.Get("From"))
	o.To = addresses(t, m.Header.Get("To"))
	o.walk(t, m.Header, m.Body, "")
	return o
}

func addresses(t testing.TB, value string) (all []netmail.Address) {
	t.Helper()
	list, err := netmail.ParseAddressList(value)
	must(t, err)
	for _, a := range list {
		all = append(all, *a)
	}
	return all
}

func (o *opened) field(name, value string) {
	switch name {
	case "subject":
		o.Subject = value
	case "message-id":
		o.MessageID = value
	case "in-reply-to":
		o.InReplyTo = value
	case "references":
		o.References = value
	case "date", "from", "to", "content-type":
	default:
		o.Fields[name] = value
	}
}

// walk visits the leaves of a mail; in tells of the kinds around them.
func (o *opened) walk(t testing.TB, header interface{ Get(string) string }, body io.Reader, in string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	must(t, err)
	if strings.HasPrefix(kind, "multipart/") {
		for r := multipart.NewReader(body, params["boundary"]); ; {
			p, err := r.NextRawPart()
			if err == io.EOF {
				return
			}
			must(t, err)
			o.walk(t, p.Header, p, in+kind+" ")
		}
	}
	switch encoding := header.Get("Content-Transfer-Encoding"); encoding {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "7bit":
	default:
		t.Fatalf("%s is encoded as %q", kind, encoding)
	}
	data, err := io.ReadAll(body)
	must(t, err)
	disposition, named := "", map[string]string(nil)
	if value := header.Get("Content-Disposition"); value != "" {
		disposition, named, err = mime.ParseMediaType(value)
		must(t, err)
	}
	o.leaf(t, in+kind, params, disposition, named["filename"], data)
}

// leaf takes what stands at a place in a mail, and each place once, but for files,
// which stand between the HTML and the transcript.
func (o *opened) leaf(t testing.TB, place string, params map[string]string, disposition, name string, data []byte) {
	t.Helper()
	text := string(data)
	if name != params["name"] || (name != "") != (disposition == "attachment") {
		t.Fatalf("%s is called %q and %q, and is %q", place, params["name"], name, disposition)
	}
	if name != "" && name != mail.TranscriptFile {
		kind, inMixed := strings.CutPrefix(place, "multipart/mixed ")
		if !inMixed || strings.Contains(kind, " ") || o.HTML == "" || o.Transcript != "" {
			t.Fatalf("a file stands in %s, or elsewhere than in front of the transcript", place)
		}
		o.Files = append(o.Files, openedFile{name, kind, text})
		return
	}
	switch place {
	case "multipart/mixed multipart/alternative text/plain", "multipart/mixed text/plain":
		text, o.Text = o.Text, text
	case "multipart/mixed multipart/alternative text/html":
		text, o.HTML = o.HTML, text
	case "multipart/mixed application/json":
		text, o.Transcript = o.Transcript, text
	case "multipart/mixed message/rfc822":
		text, o.Inner = o.Inner, text
	default:
		t.Fatalf("there is %s", place)
	}
	if text != "" || strings.HasPrefix(place, "text") && params["charset"] != "utf-8" {
		t.Fatalf("twice, or in another charset: %s", place)
	}
}

// openOther reads a mail with go-message.
func openOther(t testing.TB, raw []byte) opened {
	t.Helper()
	e, err := message.Read(bytes.NewReader(raw))
	must(t, err)
	o := opened{Fields: map[string]string{}}
	for f := e.Header.Fields(); f.Next(); {
		value, err := f.Text()
		must(t, err)
		o.field(strings.ToLower(f.Key()), value)
	}
	o.Date, err = netmail.ParseDate(e.Header.Get("Date"))
	must(t, err)
	o.From, o.To = addresses(t, e.Header.Get("From")), addresses(t, e.Header.Get("To"))
	must(t, e.Walk(func(path []int, part *message.Entity, err error) error {
		if err != nil {
			return err
		}
		kind, params, err := part.Header.ContentType()
		if err != nil || strings.HasPrefix(kind, "multipart/") {
			return err
		}
		place := "multipart/mixed " + kind
		if len(path) == 2 {
			place = "multipart/mixed multipart/alternative " + kind
		}
		disposition, named := "", map[string]string(nil)
		if part.Header.Has("Content-Disposition") {
			disposition, named, err = part.Header.ContentDisposition()
			must(t, err)
		}
		data, err := io.ReadAll(part.Body)
		o.leaf(t, place, params, disposition, named["filename"], data)
		return err
	}))
	return o
}
