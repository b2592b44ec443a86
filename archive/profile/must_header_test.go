package profile_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"lpexport/archive/mail"
	"lpexport/archive/profile"
)

// headers returns r with a destination's own headers.
func headers(r profile.Rendering, own ...mail.Header) profile.Rendering {
	return with(r, func(s *mail.Settings) { s.Headers = profile.WithHeaders(s.Headers, own) })
}

// names returns the field names of a mail as they are spelt, in order.
func names(raw []byte) []string {
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	var all []string
	for line := range strings.SplitSeq(string(head), "\r\n") {
		if name, _, ok := strings.Cut(line, ":"); ok && line[0] != ' ' && line[0] != '\t' {
			all = append(all, name)
		}
	}
	return all
}

func TestOwnHeadersReplaceDefaults(t *testing.T) {
	defaults := []mail.Header{{Name: "X-One", Value: "1"}, {Name: "X-Two", Value: "2"}}
	got := profile.WithHeaders(defaults, []mail.Header{{Name: "x-ONE", Value: "own"}, {Name: "X-Three", Value: "3"}})
	want := []mail.Header{{Name: "x-ONE", Value: "own"}, {Name: "X-Two", Value: "2"}, {Name: "X-Three", Value: "3"}}
	if !slices.Equal(got, want) || defaults[0].Value != "1" {
		t.Errorf("got %v, and the defaults are %v", got, defaults)
	}
}

// An archive may index the first instance of a header alone.
func TestHeadersAreThereOnce(t *testing.T) {
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		r = headers(r, mail.Header{Name: "x-liveperson-SOURCE", Value: "LivePerson own"})
		seen := make(map[string]bool)
		for _, name := range names(render(t, r, closing())[0]) {
			if seen[strings.ToLower(name)] {
				t.Errorf("%s is there twice", name)
			}
			seen[strings.ToLower(name)] = true
		}
	})
}

// A bank may ask for a constant, a value of the conversation, or a list.
func TestHeadersAreTemplates(t *testing.T) {
	r := headers(mails(t, "smarsh-digital-safe"),
		mail.Header{Name: "X-Firm-Feed", Value: "chat"},
		mail.Header{Name: "X-Firm-Conversation", Value: "{conversation}/{slice}"},
		mail.Header{Name: "X-Firm-Skill", Value: "{skill} ({skill_id})"},
		mail.Header{Name: "X-Firm-Absent", Value: ""},
	)
	m := first(t, r, conversation())
	for name, want := range map[string]string{
		"X-Firm-Feed": "chat", "X-Firm-Conversation": conversationID + "/1", "X-Firm-Skill": "Loans (12)",
	} {
		if m.get(name) != want {
			t.Errorf("%s: %q", name, m.get(name))
		}
	}
	if _, ok := m.header["X-Firm-Absent"]; ok {
		t.Error("a header without a value was written")
	}
}

// Zantaz attributes by this header; it has to survive long lists and every mail
// server on the way.
func TestZantazRecipHoldsAll(t *testing.T) {
	s := crowd(500)
	raw := render(t, mails(t, "smarsh-digital-safe"), s)[0]
	m := read(t, raw)
	there := make(map[string]bool)
	for _, a := range m.addresses(t, "X-ZANTAZ-RECIP") {
		there[a] = true
	}
	if !maps.Equal(there, addressesOf(s)) {
		t.Errorf("it holds %d of %d", len(there), len(addressesOf(s)))
	}
	if strings.ContainsAny(m.get("X-ZANTAZ-RECIP"), "<>\"=") {
		t.Error("it holds more than plain addresses")
	}
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if len(line) > 200 {
			t.Errorf("a line of the header has %d bytes", len(line))
		}
	}
}

// To may have to be the archive alone; who took part is told beside it.
func TestRecipientsAreApartFromTo(t *testing.T) {
	r := with(mails(t, "smarsh-digital-safe"), func(s *mail.Settings) {
		s.From, s.To = "feed@firm.example", "feed@safe.example"
	})
	m := first(t, r, conversation())
	if !slices.Equal(m.addresses(t, "To"), []string{"feed@safe.example"}) || !slices.Equal(m.addresses(t, "From"), []string{"feed@firm.example"}) {
		t.Errorf("From %q, To %q", m.get("From"), m.get("To"))
	}
	if n := len(m.addresses(t, "X-ZANTAZ-RECIP")); n != len(addressesOf(conversation())) {
		t.Errorf("%d recipients", n)
	}
}

// Enterprise Vault matches names and values with regard to case.
func TestKvsMessageTypeIsSpeltAsAsked(t *testing.T) {
	r := mails(t, "enterprise-vault")
	if !slices.Contains(names(render(t, r, conversation())[0]), "X-Kvs-MessageType") || first(t, r, conversation()).get("X-Kvs-MessageType") != "LivePerson" {
		t.Error("the type is not told")
	}
	raw := render(t, headers(r, mail.Header{Name: "x-kvs-messagetype", Value: "livePERSON"}), conversation())[0]
	got := names(raw)
	if !slices.Contains(got, "x-kvs-messagetype") || slices.Contains(got, "X-Kvs-MessageType") || read(t, raw).get("X-Kvs-MessageType") != "livePERSON" {
		t.Errorf("asked for in another case: %q", got)
	}
}

// The header overrides the archive that the address chose, so an empty one must
// not be there.
func TestKvsArchiveIDIsWrittenWhenGiven(t *testing.T) {
	r := mails(t, "enterprise-vault")
	if _, ok := first(t, r, conversation()).header["X-Kvs-Archiveid"]; ok {
		t.Error("written without an id")
	}
	m := first(t, headers(r, mail.Header{Name: "X-Kvs-ArchiveId", Value: "1D4F"}), conversation())
	if m.get("X-Kvs-ArchiveId") != "1D4F" {
		t.Errorf("it is %q", m.get("X-Kvs-ArchiveId"))
	}
}

// A type that is not the agreed one files the mails as something else: there is
// no default to forget.
func TestGlobalRelayNeedsItsType(t *testing.T) {
	p := find(t, "global-relay")
	const key, name = "mail.headers.X-GlobalRelay-MsgType", "X-GlobalRelay-MsgType"
	for _, w := range p.Ways {
		if !slices.Contains(p.Needs(profile.FormatMail, w), key) {
			t.Errorf("by %s it is not asked for", w.Transport)
		}
	}
	for _, h := range p.Rendering.Mail.Headers {
		if h.Name == name && h.Value != "" {
			t.Errorf("its default is %q", h.Value)
		}
	}
	m := first(t, headers(mails(t, p.Name), mail.Header{Name: name, Value: "Agreed-IM"}), conversation())
	if m.get(name) != "Agreed-IM" || m.get("Precedence") != "bulk" {
		t.Errorf("type %q, precedence %q", m.get(name), m.get("Precedence"))
	}
}

// Global Relay takes From for who began, To for the others.
func TestGlobalRelayIsFromTheInitiator(t *testing.T) {
	s := conversation()
	s.Participants[0], s.Participants[2] = s.Participants[2], s.Participants[0]
	m := first(t, mails(t, "global-relay"), s)
	if from := m.addresses(t, "From"); !slices.Equal(from, []string{consumer.Address}) {
		t.Errorf("From: %q", from)
	}
	if to := m.addresses(t, "To"); len(to) != len(addressesOf(s)) {
		t.Errorf("To: %q", to)
	}
}

// The class is a hint to whoever imports, in a header that they may choose.
func TestPurviewHintsAtAClass(t *testing.T) {
	const name = "X-LivePerson-Message-Class"
	r := mails(t, "microsoft-purview")
	if got := first(t, r, conversation()).get(name); got != "IPM.NOTE.LivePerson.Chat" {
		t.Errorf("it is %q", got)
	}
	if _, ok := first(t, headers(r, mail.Header{Name: name}), conversation()).header["X-Liveperson-Message-Class"]; ok {
		t.Error("it cannot be left out")
	}
}

// Mimecast takes notes only.
func TestMimecastIsToldNoClass(t *testing.T) {
	for _, raw := range render(t, mails(t, "mimecast"), conversation(), closing()) {
		if bytes.Contains(bytes.ToLower(raw), []byte("ipm.")) {
			t.Error("a message class is in the mail")
		}
	}
}
