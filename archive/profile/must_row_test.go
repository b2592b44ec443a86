package profile_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/mail"
	"lpexport/archive/profile"
)

// ways returns the transports of a row.
func ways(p profile.Profile) []string {
	var all []string
	for _, w := range p.Ways {
		all = append(all, w.Transport+"/"+w.Layout)
	}
	return all
}

// Whose address it is cannot be known to a table: a default would deliver one
// firm's conversations to another's tenant.
func TestEnvelopeIsAlwaysAsked(t *testing.T) {
	for _, p := range profile.All() {
		for _, w := range p.Ways {
			if w.Transport == "smtp" && !slices.Contains(p.Needs(profile.FormatMail, w), "smtp.sender") {
				t.Errorf("%s: the envelope's sender has a default", p.Name)
			}
		}
	}
}

// Mails never go in clear unless somebody writes that they may.
func TestTLSIsTheDefault(t *testing.T) {
	for _, p := range profile.All() {
		if p.SMTP != nil && p.SMTP.TLS != "starttls" && p.SMTP.TLS != "tls" {
			t.Errorf("%s: tls is %q", p.Name, p.SMTP.TLS)
		}
	}
}

// The size of what an archive does not publish is a default to be agreed on.
func TestSizeIsToBeAgreed(t *testing.T) {
	want := map[string]int64{"global-relay": 200_000_000, "microsoft-purview": 10_000_000}
	for _, p := range profile.All() {
		if p.Rendering.Mail == nil {
			continue
		}
		limit, ok := want[p.Name]
		if !ok {
			limit = 25_000_000
		}
		if p.Rendering.Mail.MaxBytes != limit || !slices.Contains(p.Confirm, "mail.max_bytes") {
			t.Errorf("%s: at most %d bytes", p.Name, p.Rendering.Mail.MaxBytes)
		}
	}
}

// Global Relay files by the end of what it is given; Mimecast expires by Date, so
// nothing goes before the last word would. Elsewhere it is when it began.
func TestDateIsWhatTheArchiveFilesBy(t *testing.T) {
	for _, p := range profile.All() {
		want := mail.DateFirst
		if p.Name == "global-relay" || p.Name == "mimecast" {
			want = mail.DateLast
		}
		if m := p.Rendering.Mail; m != nil && (m.Date != want || !slices.Contains(p.Confirm, "mail.date")) {
			t.Errorf("%s: of the %s message", p.Name, m.Date)
		}
	}
}

// No archive says more by its 250 than that a mail server has the mail.
func TestHandedOverIsNeverCalledArchived(t *testing.T) {
	for _, p := range profile.All() {
		if p.SMTP != nil && p.Name != "dell-sourceone" && !strings.Contains(p.Arrival, "handed over") {
			t.Errorf("%s: %s", p.Name, p.Arrival)
		}
		if p.Addresses && p.Arrival == "" {
			t.Errorf("%s: nothing tells what counts as arrived", p.Name)
		}
	}
}

// The far side expects a new connection after 400 mails.
func TestGlobalRelayReconnects(t *testing.T) {
	if n := find(t, "global-relay").SMTP.PerConnection; n < 1 || n >= 400 {
		t.Errorf("%d mails on a connection", n)
	}
}

// The API has rules of its own (types, keys of files, rates) that nothing here
// follows: no destination may be made to go there.
func TestGlobalRelayIsNotGivenToTheAPI(t *testing.T) {
	if got := ways(find(t, "global-relay")); !slices.Equal(got, []string{"smtp/mails", "sftp/drop"}) {
		t.Errorf("its ways are %q", got)
	}
}

// Exchange Online takes no journal, and mail into a mailbox is no archive.
func TestPurviewTakesNoMailFlow(t *testing.T) {
	p := find(t, "microsoft-purview")
	if _, ok := p.On("smtp", ""); ok {
		t.Error("mails can be sent to it")
	}
	if w := p.Ways[0]; w.Layout != profile.LayoutBundle || !strings.Contains(p.Arrival, "import log") {
		t.Errorf("the partner gets %s, and what counts is %q", w.Layout, p.Arrival)
	}
}

// A consumer has no mailbox there: the mail is filed by somebody who has.
func TestPurviewIsFromAnInternal(t *testing.T) {
	r := mails(t, "microsoft-purview")
	s := conversation()
	s.Participants = []archive.Participant{consumer, agent}
	s.Messages = []archive.Message{s.Messages[0], s.Messages[3]}
	s.Happened = nil
	if from := first(t, r, s).addresses(t, "From"); !slices.Equal(from, []string{agent.Address}) {
		t.Errorf("From: %q", from)
	}
	other := with(r, func(m *mail.Settings) { m.From = mail.FromInitiator })
	if from := first(t, other, s).addresses(t, "From"); !slices.Equal(from, []string{consumer.Address}) {
		t.Errorf("From the initiator: %q", from)
	}
}

// What a journal connector would drop in silence is not sent to it, and has a
// way to go.
func TestMimecastTakesNothingOld(t *testing.T) {
	p := find(t, "mimecast")
	if p.MaxAge != 30*24*time.Hour || !strings.Contains(p.OlderGo, "import") {
		t.Errorf("older than %v goes %q", p.MaxAge, p.OlderGo)
	}
	for _, w := range p.Ways {
		if w.Older == (w.Transport == "smtp") || w.Zip != w.Older {
			t.Errorf("by %s: older ones %v, zipped %v", w.Transport, w.Older, w.Zip)
		}
	}
	r, ok := p.As("", p.Ways[1])
	if !ok || r.Mail == nil || r.Packing.Manifest != archive.ManifestNone {
		t.Error("the import is not given zipped mails and nothing else")
	}
}

// SourceOne reads single files from a folder of each retention class, and an
// envelope there is none.
func TestSourceOneReadsADropFolder(t *testing.T) {
	p := find(t, "dell-sourceone")
	if w := p.Ways[0]; w.Transport != "directory" || w.Layout != profile.LayoutDrop || w.Zip {
		t.Errorf("the recommended way is %+v", w)
	}
	if !slices.Contains(p.Confirm, "stays_at_most") || !strings.Contains(p.Arrival, "stays_at_most") {
		t.Error("a file that stays is nobody's concern")
	}
	shape, err := mails(t, p.Name).Shape()
	if err != nil {
		t.Fatal(err)
	}
	if file, _, _ := shape.Format.Joined(); file != "" || shape.Format.Extension() != ".eml" || p.Rendering.Mail.To != mail.ToAll {
		t.Errorf("a file is %q, %q, to %q", file, shape.Format.Extension(), p.Rendering.Mail.To)
	}
}

// Other modes of Enterprise Vault delete in silence: who sets it up has to read it.
func TestEnterpriseVaultWarnsOfTheLoss(t *testing.T) {
	p := find(t, "enterprise-vault")
	if !strings.Contains(p.SMTP.Recipient, "SMTP Journaling") || !strings.Contains(p.Arrival, "deletes in silence") {
		t.Errorf("%q, %q", p.SMTP.Recipient, p.Arrival)
	}
	if got := ways(p); !slices.Equal(got, []string{"smtp/mails", "directory/drop", "sftp/drop", "s3/bundle"}) {
		t.Errorf("its ways are %q", got)
	}
}

// Proofpoint reports what it refuses to the envelope's sender, and to nobody else.
func TestProofpointReportsToTheJournalAddress(t *testing.T) {
	p := find(t, "proofpoint")
	if !strings.Contains(p.SMTP.Sender, "undeliverable journal address") || !strings.Contains(p.SMTP.Sender, "your own domain") {
		t.Errorf("the sender is %q", p.SMTP.Sender)
	}
	if got := ways(p); !slices.Equal(got, []string{"smtp/mails"}) {
		t.Errorf("its ways are %q", got)
	}
}

// A review system is no book of record.
func TestACAIsPairedWithAnArchive(t *testing.T) {
	p := find(t, "aca-compliancealpha")
	if !strings.Contains(p.Arrival, "second destination") {
		t.Errorf("what is said is %q", p.Arrival)
	}
	w, ok := p.On("sftp", "")
	r, ok2 := p.As("", w)
	if !ok || !ok2 || !r.Packing.Zip || r.Packing.Manifest != archive.ManifestSmarsh {
		t.Errorf("by SFTP it is given %+v", r.Packing)
	}
}

func TestZLTakesMailsOrADrop(t *testing.T) {
	want := []string{"smtp/mails", "directory/drop", "sftp/drop"}
	if got := ways(find(t, "zl-unified")); !slices.Equal(got, want) {
		t.Errorf("its ways are %q", got)
	}
}

// The record in full, as it was frozen.
func TestGenericIsTheLine(t *testing.T) {
	s := conversation()
	line, err := archive.AppendLine(nil, &s)
	if err != nil {
		t.Fatal(err)
	}
	docs := render(t, find(t, "generic").Rendering, s)
	if len(docs) != 1 || string(docs[0]) != string(line) {
		t.Errorf("%d documents, the first is not the line", len(docs))
	}
}

func TestGenericNeedsNoAddresses(t *testing.T) {
	p := find(t, "generic")
	if p.Addresses || len(p.Must) > 0 || p.Cut != "immediately" || p.MaxAge != 0 {
		t.Errorf("it asks for %v, cut %s", p.Must, p.Cut)
	}
	if got := ways(p); !slices.Equal(got, []string{"directory/bundle", "sftp/bundle", "s3/bundle"}) {
		t.Errorf("its ways are %q", got)
	}
}
