package mail_test

import (
	"fmt"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
	"lpexport/archive/mail"
)

// Who is in From and To, for each policy.
func TestFromAndTo(t *testing.T) {
	nobody := "no-participants@archive.firm.example"
	silent := func(s *archive.Slice) { s.Messages = nil }
	nameless := func(s *archive.Slice) { // the consumer and the bot have no address
		s.Participants[0].Address, s.Participants[2].Address = "", "not one"
		for i := range s.Messages {
			if p := &s.Messages[i].Sender; p.ID != ana.ID {
				p.Address = ""
			}
		}
	}
	alone := func(s *archive.Slice) { s.Participants, s.Messages = s.Participants[:1], s.Messages[1:2] }
	nobodyAtAll := func(s *archive.Slice) { s.Participants, s.Messages = nil, nil }
	for _, c := range []struct {
		name, from, to string
		change         func(*archive.Slice)
		wantFrom       string
		wantTo         []string
	}{
		{"initiator", mail.FromInitiator, mail.ToOthers, nil, bot.Address, []string{zoe.Address, ana.Address}},
		{"all", mail.FromInitiator, mail.ToAll, nil, bot.Address, []string{zoe.Address, ana.Address, bot.Address}},
		{"internal", mail.FromInternal, mail.ToOthers, nil, ana.Address, []string{zoe.Address, bot.Address}},
		{"fixed from", "desk@firm.example", mail.ToOthers, nil, "desk@firm.example", []string{zoe.Address, ana.Address, bot.Address}},
		{"fixed to", mail.FromInitiator, "in@vault.example", nil, bot.Address, []string{"in@vault.example"}},
		{"no messages", mail.FromInitiator, mail.ToOthers, silent, zoe.Address, []string{ana.Address, bot.Address}},
		{"no addresses but one", mail.FromInitiator, mail.ToOthers, nameless, ana.Address, []string{nobody}},
		{"alone", mail.FromInitiator, mail.ToOthers, alone, zoe.Address, []string{nobody}},
		{"nobody internal", mail.FromInternal, mail.ToOthers, alone, zoe.Address, []string{nobody}},
		{"nobody", mail.FromInitiator, mail.ToAll, nobodyAtAll, nobody, []string{nobody}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := full()
			if c.change != nil {
				c.change(&s)
			}
			of := settings()
			of.From, of.To = c.from, c.to
			all := mails(t, of, &s)
			checkMails(t, of, &s, all)
			o := open(t, all[0])
			if o.From[0].Address != c.wantFrom || len(o.From) != 1 {
				t.Errorf("from %v, want %s", o.From, c.wantFrom)
			}
			var to []string
			for _, a := range o.To {
				to = append(to, a.Address)
			}
			if !slices.Equal(to, c.wantTo) {
				t.Errorf("to %q, want %q", to, c.wantTo)
			}
		})
	}
}

// Nobody's words go out under the address of somebody else.
func TestMessageOfAnUnknownAuthor(t *testing.T) {
	s := full()
	s.Messages = s.Messages[:3]
	s.Messages[2].Sender = archive.Participant{ID: "x", Role: "agent", Name: "Somebody"}
	of := settings()
	of.Per = mail.PerMessage
	o := open(t, mails(t, of, &s)[2])
	want := netmail.Address{Name: "LivePerson", Address: "no-participants@archive.firm.example"}
	if o.From[0] != want || len(o.To) != 3 {
		t.Errorf("from %v to %v", o.From, o.To)
	}
	// Of an internal author, FromInternal takes him and not the first of the list.
	of.From, of.Internal = mail.FromInternal, []string{"firm.example", "visitors.example"}
	for i, raw := range mails(t, of, &s)[:2] {
		if o := open(t, raw); o.From[0].Address != s.Messages[i].Sender.Address {
			t.Errorf("mail %d is from %v", i, o.From)
		}
	}
}

// A sender without an address of his own has that of the participant of his id,
// and nobody is in a header twice.
func TestOnePersonIsOneAddress(t *testing.T) {
	s := full()
	for i := range s.Messages {
		s.Messages[i].Sender.Address = ""
	}
	s.Messages[0].Sender = archive.Participant{ID: "z", Name: "Other", Role: "agent", Address: strings.ToUpper(ana.Address)}
	of := settings()
	o := open(t, mails(t, of, &s)[0])
	if len(o.From)+len(o.To) != 3 || !strings.Contains(o.Text, "Participants (4):") ||
		!strings.Contains(o.Text, "Ana Agent <ana@firm.example> (agent): One moment") {
		t.Errorf("from %v to %v\n%s", o.From, o.To, o.Text)
	}
}

func TestThread(t *testing.T) {
	of := settings()
	id := func(slice, part int) string {
		return mail.ID{
			Domain: of.Domain, Destination: of.Destination, Account: "sandbox", Conversation: full().Conversation, Slice: slice, Part: part,
		}.MessageID()
	}
	for _, per := range []string{mail.PerConversation, mail.PerMessage} {
		of.Per, of.MaxBytes = per, 11_000
		for _, number := range []int{1, 3} {
			s := full()
			s.Number = number
			for i, raw := range mails(t, of, &s) {
				var want []string
				if number > 1 {
					want = append(want, id(1, 1))
				}
				if i > 0 {
					want = append(want, id(number, 1))
				}
				o := open(t, raw)
				reply := ""
				if len(want) > 0 {
					reply = want[len(want)-1]
				}
				if o.MessageID != id(number, i+1) || o.InReplyTo != reply || o.References != strings.Join(want, " ") {
					t.Errorf("%s slice %d part %d: %s replies to %q, refers to %q", per, number, i+1, o.MessageID, o.InReplyTo, o.References)
				}
			}
		}
	}
}

// An archive that keeps one of two mails with the same Message-ID must never
// drop one that says something else, and a retry must have the same again. The
// forms are fixed: a changed one would double everything on a replay.
func TestMessageID(t *testing.T) {
	base := mail.ID{Domain: "d.example", Destination: "vault", Account: "a", Conversation: "c-1", Slice: 1, Part: 1}
	for want, id := range map[string]mail.ID{
		"<c-1.1.1.fol5pj7xuutuv2mnwhpm@d.example>":                           base,
		"<x.ignty7tngyu4sgilg2sv4nlfgcbqj7feneimcerbqcxkm5ohe6sa@d.example>": {Domain: "d.example", Conversation: "\r\nBcc: x@evil"},
	} {
		if got := id.MessageID(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	seen := map[string]mail.ID{}
	texts := append([]string{"c-1", "C-1", "1", "1.1", "c-1.1", "x", "j", "j.c-1", strings.Repeat("y", 44), strings.Repeat("y", 64)}, hostile...)
	for _, conversation := range texts {
		for _, other := range []string{"a", "b", "a\x00", conversation} {
			for _, n := range []int{1, 2, 11, 1 << 40} {
				for _, id := range []mail.ID{
					{Conversation: conversation, Account: other, Slice: n, Part: 1}, {Conversation: conversation, Account: other, Slice: 1, Part: n},
					{Conversation: conversation, Destination: other, Slice: n, Part: 3},
				} {
					id.Domain = "d.example"
					checkID(t, seen, id, id.MessageID())
					checkID(t, seen, id, id.JournalMessageID())
				}
			}
		}
	}
}

func checkID(t *testing.T, seen map[string]mail.ID, id mail.ID, text string) {
	t.Helper()
	// Case must not be all that tells two apart.
	if before, ok := seen[strings.ToLower(text)]; ok && before != id {
		t.Fatalf("%s is %+v and %+v", text, before, id)
	}
	seen[strings.ToLower(text)] = id
	local, domain, _ := strings.Cut(strings.Trim(text, "<>"), "@")
	if domain != id.Domain || !mail.ValidAddress(local+"@"+domain) || len(text) != len(local)+len(domain)+3 {
		t.Fatalf("%s is not legal", text)
	}
}

// A header of the settings replaces one of ours where it stands, in its own
// spelling; one without a value is left out.
func TestHeadersOfTheSettings(t *testing.T) {
	of := settings()
	of.Subject = "{skill_id}{ended_at}"
	of.Headers = []mail.Header{
		{Name: "x-liveperson-source", Value: "LP {account}"}, {Name: "Precedence", Value: "bulk"}, {Name: "X-Empty", Value: " {skill_id} "},
		{Name: "X-LivePerson-SHA256", Value: ""}, {Name: "X-Names", Value: "{agents} / {consumer} / {{{part}}}"},
		{Name: "X-Addresses", Value: "{agent_addresses}; {consumer_address}; {participants}"},
	}
	s := full()
	s.Skill, s.EndedAt = archive.Skill{}, 0
	again := ana
	again.ID, again.Address = "a-18", "Ana@firm.example"
	s.Participants = append(s.Participants, again)
	raw := string(mails(t, of, &s)[0])
	header, _, _ := strings.Cut(raw, "\r\n\r\n")
	var names []string
	for line := range strings.SplitSeq(header, "\r\n") {
		if name, _, ok := strings.Cut(line, ":"); ok && line[0] != ' ' {
			names = append(names, name)
		}
	}
	want := []string{
		"Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Auto-Submitted", "X-LivePerson-Account", "X-LivePerson-Conversation",
		"X-LivePerson-Slice", "X-LivePerson-Revision", "x-liveperson-source", "X-LivePerson-Messages", "X-LivePerson-First-Sent",
		"X-LivePerson-Last-Sent", "Precedence", "X-Names", "X-Addresses", "Content-Type",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	o := open(t, []byte(raw))
	for name, want := range map[string]string{
		"x-liveperson-source": "LP sandbox", "precedence": "bulk", "x-names": "Ana Agent, Greeter (bot) / Zoë Example / {1}",
		"x-addresses": fmt.Sprintf("%s, %s; %s; %s, %s, %s", ana.Address, bot.Address, zoe.Address, zoe.Address, ana.Address, bot.Address),
	} {
		if o.Fields[name] != want {
			t.Errorf("%s is %q, want %q", name, o.Fields[name], want)
		}
	}
}

// A reviewer searches for LivePerson.
func TestSubjectHasTheMarker(t *testing.T) {
	for template, want := range map[string]string{
		"": "LivePerson", "{skill_id}": "LivePerson: 13", "Chat {slice}": "LivePerson: Chat 1", "a LivePerson chat": "a LivePerson chat",
		"{skill} – {consumer} {part}/{parts}": "LivePerson: Sales, new – Zoë Example 1/1", "{revision}  {{}}": "LivePerson: 2 {}",
	} {
		of, s := settings(), full()
		of.Subject = template
		if o := open(t, mails(t, of, &s)[0]); o.Subject != want {
			t.Errorf("%q gives %q, want %q", template, o.Subject, want)
		}
		of.Subject, of.Headers = "other", []mail.Header{{Name: "SUBJECT", Value: template}}
		if o := open(t, mails(t, of, &s)[0]); o.Subject != want {
			t.Errorf("as a header, %q gives %q, want %q", template, o.Subject, want)
		}
	}
}

// Every name reaches the reader as it is, in the form that most readers know.
func TestDisplayNames(t *testing.T) {
	for name, want := range map[string]string{
		"":               `<ana@firm.example>`,
		"Ana Agent":      `"Ana Agent" <ana@firm.example>`,
		"Agent, Ana (x)": `"Agent, Ana (x)" <ana@firm.example>`,
		`"Ana"`:          `=?UTF-8?B?IkFuYSI=?= <ana@firm.example>`,
		`A\na`:           `=?UTF-8?B?QVxuYQ==?= <ana@firm.example>`,
		" Ana":           `=?UTF-8?B?IEFuYQ==?= <ana@firm.example>`,
		"Ana ":           `=?UTF-8?B?QW5hIA==?= <ana@firm.example>`,
		"A  na":          `=?UTF-8?B?QSAgbmE=?= <ana@firm.example>`,
		"=?x":            `=?UTF-8?B?PT94?= <ana@firm.example>`,
		"Ána":            `=?UTF-8?B?w4FuYQ==?= <ana@firm.example>`,
	} {
		s := full()
		s.Participants = []archive.Participant{ana}
		s.Participants[0].Name, s.Participants[0].Login = name, ""
		s.Messages = nil
		raw := mails(t, settings(), &s)[0]
		if o := open(t, raw); o.From[0].Name != name || !strings.Contains(string(raw), "\r\nFrom: "+want+"\r\n") {
			t.Errorf("%q is read as %v, want %s", name, o.From, want)
		}
	}
}

// The time a mail is filed under is one of what it holds, or the nearest known.
func TestDate(t *testing.T) {
	for name, c := range map[string]struct {
		change      func(*archive.Slice)
		first, last int64
	}{
		"messages":      {func(*archive.Slice) {}, start, start + 7000},
		"some have one": {func(s *archive.Slice) { s.Messages[0].SentAt, s.Messages[7].SentAt = 0, 0 }, start + 1000, start + 6000},
		"happenings":    {func(s *archive.Slice) { s.Messages = nil }, start, start + 61_000},
		"nothing":       {func(s *archive.Slice) { s.Messages, s.Happened = nil, nil }, start, start},
		"only the end":  {func(s *archive.Slice) { s.Messages, s.Happened, s.StartedAt = nil, nil, 0 }, start + 60_000, start + 60_000},
		"no time":       {func(s *archive.Slice) { s.Messages, s.Happened, s.StartedAt, s.EndedAt = nil, nil, 0, 0 }, 0, 0},
	} {
		for date, want := range map[string]int64{mail.DateFirst: c.first, mail.DateLast: c.last} {
			of, s := settings(), full()
			of.Date = date
			c.change(&s)
			must(t, format(t, of).Documents(lineOf(t, &s), func(d archive.Document) error {
				if o := open(t, d.Bytes); d.At != want || o.Date.Unix() != want/1000 {
					t.Errorf("%s, %s: filed under %d, dated %s, want %d", name, date, d.At, o.Date, want)
				}
				return nil
			}))
		}
	}
}
