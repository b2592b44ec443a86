package profile_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/mail"
	"lpexport/archive/profile"
)

func find(t testing.TB, name string) profile.Profile {
	t.Helper()
	p, ok := profile.Find(name)
	if !ok {
		t.Fatalf("no archive %q", name)
	}
	return p
}

// mails returns what a destination of that archive that mails are for starts
// with, its own keys filled in.
func mails(t testing.TB, name string) profile.Rendering {
	t.Helper()
	p := find(t, name)
	r, ok := p.As(profile.FormatMail, p.Ways[0])
	if !ok {
		t.Fatalf("%s takes no mails", name)
	}
	return own(r)
}

// own fills in what a destination has to give, as the configuration does.
func own(r profile.Rendering) profile.Rendering {
	internal := []string{"firm.example"}
	if r.Mail != nil {
		r.Mail.Destination, r.Mail.Domain, r.Mail.Internal = "compliance", "lpexport.firm.example", internal
		for i, h := range r.Mail.Headers {
			if h.Name == "X-GlobalRelay-MsgType" {
				r.Mail.Headers[i].Value = "LivePerson"
			}
		}
	}
	if r.FileDump != nil {
		r.FileDump.Internal = internal
	}
	return r
}

// render returns the documents of the slices, in a format made for them.
func render(t testing.TB, r profile.Rendering, all ...archive.Slice) [][]byte {
	t.Helper()
	r, err := r.Frozen(time.UnixMilli(begin))
	if err != nil {
		t.Fatal(err)
	}
	shape, err := r.Shape()
	if err != nil {
		t.Fatal(err)
	}
	var docs [][]byte
	for i := range all {
		line, err := archive.AppendLine(nil, &all[i])
		if err != nil {
			t.Fatal(err)
		}
		err = shape.Format.Documents(line, func(d archive.Document) error {
			docs = append(docs, bytes.Clone(d.Bytes))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return docs
}

// email is a mail as another program reads it.
type email struct {
	header     netmail.Header
	kinds      []string // of all parts, from the outside in, in order
	plain      string
	html       string
	transcript []byte
	attached   []attached // besides the transcript
	inner      *email     // of a journal
}

// attached is a file of a mail.
type attached struct {
	name, kind string
	content    []byte
}

func (m *email) get(name string) string { return m.header.Get(name) }

// addresses reads a list of addresses.
func (m *email) addresses(t testing.TB, name string) []string {
	t.Helper()
	list, err := m.header.AddressList(name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var all []string
	for _, a := range list {
		all = append(all, a.Address)
	}
	return all
}

// first renders one slice to one mail and reads it.
func first(t testing.TB, r profile.Rendering, s archive.Slice) *email {
	t.Helper()
	docs := render(t, r, s)
	if len(docs) != 1 {
		t.Fatalf("%d mails", len(docs))
	}
	return read(t, docs[0])
}

func read(t testing.TB, raw []byte) *email {
	t.Helper()
	msg, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	m := &email{header: msg.Header}
	m.part(t, textproto.MIMEHeader(msg.Header), msg.Body)
	return m
}

func (m *email) part(t testing.TB, header textproto.MIMEHeader, body io.Reader) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	m.kinds = append(m.kinds, kind)
	if strings.HasPrefix(kind, "multipart/") {
		for r := multipart.NewReader(body, params["boundary"]); ; {
			p, err := r.NextRawPart()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			m.part(t, p.Header, p)
		}
	}
	_, shown, err := mime.ParseMediaType(header.Get("Content-Disposition"))
	if err != nil && header.Get("Content-Disposition") != "" {
		t.Fatal(err)
	}
	content := decoded(t, header.Get("Content-Transfer-Encoding"), body)
	if name := shown["filename"]; name != "" && name != mail.TranscriptFile {
		m.attached = append(m.attached, attached{name, kind, content})
		return
	}
	m.leaf(t, kind, content)
}

func (m *email) leaf(t testing.TB, kind string, text []byte) {
	switch kind {
	case "text/plain":
		m.plain = strings.ReplaceAll(string(text), "\r\n", "\n")
	case "text/html":
		m.html = string(text)
	case "application/json":
		m.transcript = text
	case "message/rfc822":
		m.inner = read(t, text)
	}
}

func decoded(t testing.TB, encoding string, body io.Reader) []byte {
	t.Helper()
	switch strings.ToLower(encoding) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// with returns r with mail settings changed.
func with(r profile.Rendering, change func(*mail.Settings)) profile.Rendering {
	s := *r.Mail
	change(&s)
	r.Mail = &s
	return r
}
