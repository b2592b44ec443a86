package main

import (
	"maps"
	"net/textproto"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// expected is what the configuration of one archive has for itself.
type expected struct {
	fact    string            // check tells it of the far side
	endings string            // of the names of the files that lie there
	headers map[string]string // of each mail; {participants} is all of them
	trace   string            // what the far side notes about how a mail came
	journal bool              // around each mail
}

// elevens are the configurations in testdata/eleven, whose README tells about
// each.
var elevens = map[string]expected{
	"aca-compliancealpha": {fact: "SHA256:", endings: ".mf .zip.pgp"},
	"dell-sourceone":      {fact: "wrote and removed a probe", endings: ".eml"},
	"enterprise-vault": {
		fact: "TLS 1.3", trace: "with ESMTPS",
		headers: map[string]string{"X-Kvs-MessageType": "LivePerson"},
	},
	"global-relay": {
		fact: "logged in as", trace: "with ESMTPSA",
		headers: map[string]string{"X-GlobalRelay-MsgType": "LivePerson"},
	},
	"microsoft-purview": {
		fact: "TLS 1.3", endings: ".eml",
		headers: map[string]string{"X-LivePerson-Message-Class": "IPM.NOTE.LivePerson.Chat"},
	},
	"mimecast":   {fact: "<mimecast@archive.test>", trace: "with ESMTPS"},
	"proofpoint": {fact: "<proofpoint@archive.test>", trace: "with ESMTPS", journal: true},
	"smarsh-digital-safe": {
		fact: "TLS 1.3", trace: "Client CN",
		headers: map[string]string{"X-ZANTAZ-RECIP": "{participants}", "X-Firm-Feed": "LivePerson", "X-Firm-Conversation": "{conversation}"},
	},
	"smarsh-enterprise":   {fact: "ssh-ed25519", endings: ".zip"},
	"smarsh-professional": {fact: "ssh-ed25519", endings: ".mf .zip"},
	"zl-unified":          {fact: "wrote and removed a probe", endings: ".eml"},
}

// TestEleven exports the simulated account to each of the eleven archives, to
// the real server of its transport, and compares what is read back there with
// the account: every entry once, all text, nothing else.
func TestEleven(t *testing.T) {
	files, err := filepath.Glob("../../testdata/eleven/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".yaml"))
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(elevens)), names); diff != "" {
		t.Fatal(diff)
	}
	week := quietSpan(t, 7)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEleven(t, name, week)
			e.check()
			e.export(false)
			e.export(true)
			e.verify()
			if d := e.status(); d.Pending != 0 || d.Uncertain != 0 || d.Failed != 0 || d.Rejected != 0 {
				t.Errorf("status: %+v", d)
			}
			e.mustHoldTruth(0)
		})
	}
}

// mustHoldTruth reads everything back and compares it with the account. Each
// file is there once, and at most as many are there once more as given.
func (e *eleven) mustHoldTruth(again int) {
	e.t.Helper()
	v := newView()
	ids := map[string]bool{} // of all mails
	for _, d := range e.documents(e.once(e.place.read(e.t), again)) {
		if strings.HasSuffix(d.name, ".xml") {
			addFileDump(v, d.data)
			continue
		}
		if strings.HasSuffix(d.name, ".jpg") {
			v.beside[d.name] = sumOf(d.data)
			continue
		}
		l, err := readLetter(d.data)
		if err != nil {
			v.fault("%s: %v", d.name, err)
			continue
		}
		e.identify(v, l, ids)
		l.addTo(v, e.headers)
	}
	v.mustHold(e.t, e.span)
	e.t.Logf("%d conversations, %d Message-IDs", len(e.span.truth), len(ids))
}

// identify makes sure that a mail, and the journal around it, have an identity
// that no other has.
func (e *eleven) identify(v *view, l *letter, ids map[string]bool) {
	if (l.wrapper != nil) != e.journal {
		v.fault("%s: wrapped in a journal: %v", l.Conversation, l.wrapper != nil)
	}
	for _, header := range []textproto.MIMEHeader{l.header, l.wrapper} {
		if header == nil {
			continue
		}
		id := header["Message-Id"]
		if len(id) != 1 || ids[id[0]] {
			v.fault("%s: Message-ID %q is not one, or another mail's too", l.Conversation, id)
			continue
		}
		ids[id[0]] = true
	}
}
