//go:build unix

package exporter

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"lpexport/archive"
	"lpexport/archive/mail"
	"lpexport/archive/smtp"
)

// mailbox is a mail server that keeps what it has taken, also where it never
// said so.
type mailbox struct {
	address string

	mu    sync.Mutex
	mails map[string][][]byte // by Message-ID
	order []string
	moods func() mood // of the next mail
}

// mood is how the server treats one mail.
type mood int

const (
	takes     mood = iota
	silent         // takes it, and closes the connection without a word
	refuses        // closes the connection before it has read all
	putsOff        // 451
	givesUp        // 421
	distrusts      // 550 5.7.26
)

func newMailbox(t *testing.T, moods func() mood) *mailbox {
	t.Helper()
	return newMailboxOf(t, 25<<20, moods)
}

// newMailboxOf is a mail server that takes mails up to a size, and says so.
func newMailboxOf(t *testing.T, size int64, moods func() mood) *mailbox {
	t.Helper()
	m := &mailbox{mails: map[string][][]byte{}, moods: moods}
	server := gosmtp.NewServer(gosmtp.BackendFunc(func(c *gosmtp.Conn) (gosmtp.Session, error) { return &mailSession{m, c.Conn()}, nil }))
	server.Domain, server.MaxMessageBytes = "archive.test", size
	server.ErrorLog = log.New(io.Discard, "", 0) // clients that die are the matter here
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.address = listener.Addr().String()
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return m
}

type mailSession struct {
	box  *mailbox
	conn net.Conn
}

func (s *mailSession) Mail(string, *gosmtp.MailOptions) error { return nil }
func (s *mailSession) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	if to != "archive@archive.test" {
		return &gosmtp.SMTPError{Code: 550, Message: "no such mailbox"}
	}
	return nil
}
func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

func (s *mailSession) Data(r io.Reader) error {
	s.box.mu.Lock()
	is := s.box.moods()
	s.box.mu.Unlock()
	if is == refuses {
		_, _ = io.CopyN(io.Discard, r, 100) // the rest is never read
		return s.conn.Close()
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err // the process died in its middle
	}
	if is == putsOff {
		return &gosmtp.SMTPError{Code: 451, EnhancedCode: gosmtp.EnhancedCode{4, 3, 0}, Message: "later"}
	}
	if is == givesUp {
		return &gosmtp.SMTPError{Code: 421, EnhancedCode: gosmtp.EnhancedCode{4, 3, 2}, Message: "going down"}
	}
	if is == distrusts {
		return &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 7, 26}, Message: "unauthenticated mail from this domain is not accepted"}
	}
	parsed, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	s.box.mu.Lock()
	id := parsed.Header.Get("Message-ID")
	s.box.mails[id] = append(s.box.mails[id], raw)
	s.box.order = append(s.box.order, id)
	s.box.mu.Unlock()
	if is == silent {
		return s.conn.Close()
	}
	return nil
}

// copies counts the mails, and how many of them came once more.
func (m *mailbox) copies(t *testing.T) (mails, again int) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, all := range m.mails {
		mails++
		again += len(all) - 1
		for _, one := range all[1:] {
			if !bytes.Equal(one, all[0]) {
				t.Errorf("%s came with other bytes", id)
			}
		}
	}
	return mails, again
}

// slices are what the mails say, each once, in the order of their numbers.
func (m *mailbox) slices(t *testing.T) (list []archive.Slice) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := map[string]bool{}
	for _, id := range m.order {
		if seen[id] {
			continue
		}
		seen[id] = true
		err := mail.Lines(bytes.NewReader(m.mails[id][0]), func(line []byte) error {
			s, err := archive.ParseLine(line)
			list = append(list, s)
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	// A mail that was put off arrives after later ones.
	slices.SortStableFunc(list, func(a, b archive.Slice) int {
		return cmp.Or(cmp.Compare(a.Conversation, b.Conversation), cmp.Compare(a.Number, b.Number))
	})
	return list
}

// mailDestination sends mails to a server on loopback.
func mailDestination(address string) Destination {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		panic(err)
	}
	n, err := net.LookupPort("tcp", port)
	if err != nil {
		panic(err)
	}
	target, err := smtp.New(smtp.Config{Account: "sandbox", Name: "post", Host: host, Port: n, TLS: "none",
		Sender: "bounce@firm.test", Recipient: "archive@archive.test"})
	if err != nil {
		panic(err)
	}
	return Destination{Name: "post", Archive: "mail", Cut: Cut{Immediately: true},
		Bounds: Bounds{Conversations: 8, Bytes: 1 << 20, Wait: time.Minute}, SettingsSHA256: strings.Repeat("0", 64),
		Files: true, Target: target, Where: "post", Rendering: []byte(`{}`),
		Shape: func(frozen, _ []byte) (archive.Shape, error) {
			var limit struct{ Most int64 }
			if err := json.Unmarshal(frozen, &limit); err != nil {
				return archive.Shape{}, err
			}
			format, err := mail.New(mail.Settings{Destination: "post", Domain: "lpexport.test", Per: mail.PerConversation,
				Date: mail.DateFirst, From: mail.FromInitiator, To: mail.ToOthers, Subject: "LivePerson {conversation}", Zone: "UTC", MaxBytes: limit.Most})
			return archive.Shape{Format: format}, err
		},
		Fit: func(_ []byte, most int64) ([]byte, error) { return fmt.Appendf(nil, `{"Most":%d}`, most), nil }}
}

// TestMailsOfProcessesThatAreKilled kills processes that send mails at their
// steps and at any instant, and lets the server take mails without a word, drop
// them and put them off. In the end every mail has arrived, and once more only
// where that is on record.
func TestMailsOfProcessesThatAreKilled(t *testing.T) {
	t.Parallel()
	c := newCrash(t, 7, living(30))
	box := newMailbox(t, func() mood {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch n := c.rng.IntN(100); {
		case n < 4:
			return silent
		case n < 7:
			return refuses
		case n < 10:
			return putsOff
		}
		return takes
	})
	post := c.newLine("cycle.lock", "destination-post.lock")
	for n := 1; c.goesOn(0.15); n++ {
		m, requests := c.instant()
		m.Mail = box.address
		if n%2 == 0 {
			m.Named, m.Step, m.After, requests = []string{"item announced", "item handed over", "item taken", "receipt stored"}[n/2%4], 1+n%7, 0, 0
		}
		c.run(post, m, requests)
		c.clock.Advance(time.Duration(c.rng.IntN(90)) * time.Minute)
	}
	box.moods = func() mood { return takes }
	r := &trial{t: t, clock: c.clock, account: c.calm, state: c.state, root: c.root,
		edit: func(s *Settings) {
			s.Destinations, s.Files = []Destination{mailDestination(box.address)}, fetching(s.Source.(FileSource))
		}}
	r.open()
	for tries := 0; ; tries++ {
		c.clock.Advance(2 * time.Hour)
		_, err := r.Cycle(context.Background(), nil)
		if err == nil {
			break
		}
		if tries == 10 || !errors.Is(err, ErrIncomplete) && !errors.Is(err, ErrQuarantine) {
			t.Fatal(err)
		}
		// A mail that ended uncertain thrice waits for somebody to look for it.
		if _, err := r.QuarantineRetry(context.Background()); err != nil && !errors.Is(err, ErrQuarantine) {
			t.Fatal(err)
		}
	}
	c.clock.Advance(26 * time.Hour)
	c.goodCycle(r)
	if report, err := r.Backfill(context.Background(), epoch, c.clock.Now().Add(time.Hour), nil); err != nil || !report.Complete {
		t.Fatalf("backfill: %+v, %v", report, err)
	}
	held := box.slices(t)
	for _, fault := range append(compareTruth(c.calm, c.clock.Now(), held), compareFiles(c.calm, c.clock.Now(), held)...) {
		t.Error(fault)
	}
	s, err := r.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	mails, again := box.copies(t)
	if uncertain := s.Destinations[0].Uncertain; again > uncertain {
		t.Errorf("%d mails came once more, and %d ends are on record", again, uncertain)
	}
	if again == 0 && *crashKills >= 100 {
		t.Error("no mail came twice: the test has not met the uncertain end")
	}
	r.sound()
	t.Logf("%d kills, %d mails, %d once more, %d uncertain; killed at %v", c.kills, mails, again, s.Destinations[0].Uncertain, c.diedAt)
}
