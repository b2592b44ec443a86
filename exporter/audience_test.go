package exporter

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// privately are messages of conversation a, each after the audience that an event or a
// record says: "" is none.
const (
	public  = "ALL"
	private = "AGENTS_AND_MANAGERS"
)

// hearFor is an event of message seq of conversation a.
func hearFor(audience string, seq int, text string) []byte {
	body, said := string(hear(heard{"a", "a", seq, text, ""})), ""
	if audience != "" {
		said = `,"messageAudience":"` + audience + `"`
	}
	return []byte(strings.ReplaceAll(body, `,"messageAudience":"ALL"`, said))
}

// aloud are a destination's messages of conversation a, each with its audience.
func (r *trial) aloud(name string) []string {
	list := []string{}
	for _, s := range r.delivered(name) {
		for _, m := range s.Messages {
			line := brief(m) + " for " + m.Audience
			if m.Assumed {
				line += "?"
			}
			list = append(list, line)
		}
	}
	return list
}

func (r *trial) saysAloud(name string, want ...string) {
	r.t.Helper()
	if got := r.aloud(name); !slices.Equal(got, want) {
		r.t.Errorf("%s holds\n%q\nwant\n%q", name, got, want)
	}
	r.sound()
}

// withPrivacy is a handmade account with two destinations: local is given private
// messages, discreet is not.
func withPrivacy(t *testing.T, edit func(*Settings)) (*liveTrial, *handmade) {
	t.Helper()
	var base *trial
	r, h := handLive(t, func(s *Settings) {
		if edit != nil {
			edit(s)
		}
	})
	base = r.trial
	base.edit = also(base.edit, func(s *Settings) {
		discreet := base.destination("discreet")
		discreet.Withhold = true
		s.Destinations = append(s.Destinations, discreet)
	})
	base.reopen()
	if err := r.register(context.Background()); err != nil {
		t.Fatal(err)
	}
	r.listen()
	return r, h
}

// What an event says of a message's audience, or does not, against what history says:
// both destinations end with what history says, and only one is ever given what is
// private.
func TestAudienceOfAnEventAgainstHistory(t *testing.T) {
	for _, c := range []struct {
		event, record       string
		first, discreet     []string // when the event has been told
		then, discreetAtEnd []string // what comes with the record
	}{
		{"", public, []string{"0: x for all?"}, nil, nil, []string{"0: x for all"}},
		{"", "", []string{"0: x for all?"}, nil, nil, []string{"0: x for all"}},
		{"", private, []string{"0: x for all?"}, nil, []string{"0 amends 1: x for agents"}, nil},
		{"undefined", private, []string{"0: x for all?"}, nil, []string{"0 amends 1: x for agents"}, nil},
		{public, public, []string{"0: x for all"}, []string{"0: x for all"}, nil, nil},
		{public, private, []string{"0: x for all"}, []string{"0: x for all"}, []string{"0 amends 1: x for agents"}, nil},
		{private, private, []string{"0: x for agents"}, nil, nil, nil},
		{private, "", []string{"0: x for agents"}, nil, nil, nil}, // a record that says nothing contradicts nothing
		{private, public, []string{"0: x for agents"}, nil, []string{"0 amends 1: x for all"}, []string{"0: x for all"}},
	} {
		t.Run(fmt.Sprintf("%q then %q", c.event, c.record), func(t *testing.T) {
			r, h := withPrivacy(t, nil)
			r.receive(hearFor(c.event, 0, "x"))
			r.deliver()
			r.saysAloud("local", c.first...)
			r.saysAloud("discreet", c.discreet...)
			h.put(talk{id: "a", said: []said{{0, "x"}}, audience: map[int]string{0: c.record}})
			for range 2 {
				r.settle()
				r.receive(hearFor(c.event, 0, "x")) // again
				r.deliver()
				r.saysAloud("local", append(slices.Clone(c.first), c.then...)...)
				r.saysAloud("discreet", append(slices.Clone(c.discreet), c.discreetAtEnd...)...)
			}
			r.mustWait()
		})
	}
}

// Where words and audience differ, what the event told goes out first, if history
// says that the message is for all.
func TestWordsAndAudienceThatHistorySpellsOtherwise(t *testing.T) {
	for record, want := range map[string][2][]string{
		public:  {{"0: x for all?", "0 amends 1: *** for all"}, {"0: x for all", "0 amends 1: *** for all"}},
		private: {{"0: x for all?", "0 amends 1: *** for agents"}, nil},
	} {
		r, h := withPrivacy(t, nil)
		r.receive(hearFor("", 0, "x"))
		r.deliver()
		h.put(talk{id: "a", said: []said{{0, "***"}}, audience: map[int]string{0: record}})
		r.settle()
		r.saysAloud("local", want[0]...)
		r.saysAloud("discreet", want[1]...)
	}
}

// A second event of a message may say what the first one did not.
func TestEventThatSaysTheAudienceAfterOneThatDidNot(t *testing.T) {
	r, h := withPrivacy(t, nil)
	r.receive(hearFor("", 0, "x"))
	r.deliver()
	r.receive(hearFor(private, 0, "x"))
	r.deliver()
	want := []string{"0: x for all?", "0 amends 1: x for agents"}
	r.saysAloud("local", want...)
	h.put(talk{id: "a", said: []said{{0, "x"}}, audience: map[int]string{0: private}})
	r.settle()
	r.saysAloud("local", want...)
	r.saysAloud("discreet")
	r.mustWait()
}

// What waits for history is owed: no manifest proves the time of it. What is private is
// not.
func TestMessagesThatWaitForTheirAudienceAreOwed(t *testing.T) {
	r, h := withPrivacy(t, nil)
	owed := func() (n int) {
		t.Helper()
		row, _, err := r.cp.Destination(context.Background(), "discreet")
		if err != nil {
			t.Fatal(err)
		}
		if err := r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error {
			list, _, err := tx.Owings(row.ID, false, 10)
			n = len(list)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	r.receive(hearFor("", 0, "x"), hearFor(private, 1, "note"))
	r.deliver()
	if got := owed(); got != 1 {
		t.Errorf("%d are owed", got)
	}
	h.put(talk{id: "a", said: []said{{0, "x"}, {1, "note"}}, audience: map[int]string{0: public, 1: private}})
	r.settle()
	if got := owed(); got != 0 {
		t.Errorf("when history has said it, %d are owed", got)
	}
}

// Destinations that are cut later are given what is known by then.
func TestAudienceThatIsKnownAtTheCutIsNotAssumed(t *testing.T) {
	r, h := withPrivacy(t, nil)
	r.receive(hearFor("", 0, "x"))
	h.put(talk{id: "a", said: []said{{0, "x"}}, audience: map[int]string{0: public}})
	r.settle()
	for _, name := range []string{"local", "discreet"} {
		r.saysAloud(name, "0: x for all")
	}
}

// withheldOf is what the status counts as withheld from a destination.
func (r *trial) withheldOf(name string) string {
	r.t.Helper()
	s, err := r.Status(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	i := slices.IndexFunc(s.Destinations, func(d DestinationStatus) bool { return d.Name == name })
	return fmt.Sprintf("%d private, %d unsaid", s.Destinations[i].Withheld, s.Destinations[i].AudienceUnknown)
}

// Private messages of records are withheld and counted, also where a draft was made.
// When they become public they are delivered, and what becomes private is not taken
// back.
func TestPrivateMessagesOfRecordsAreWithheldAndCounted(t *testing.T) {
	r, h := withPrivacy(t, nil)
	k := talk{id: "a", said: []said{{0, "x"}, {1, "note"}, {2, "y"}}, audience: map[int]string{0: public, 1: private, 2: public}}
	h.put(k)
	report := r.cycle()
	r.saysAloud("local", "0: x for all", "1: note for agents", "2: y for all")
	r.saysAloud("discreet", "0: x for all", "2: y for all")
	if got := r.withheldOf("discreet"); got != "1 private, 0 unsaid" {
		t.Error(got)
	}
	if got := r.withheldOf("local"); got != "0 private, 0 unsaid" {
		t.Error(got)
	}
	for i, want := range []int{0, 1} {
		if got := report.Destinations[i].Withheld; got != want {
			t.Errorf("the run withheld %d from %s, want %d", got, report.Destinations[i].Name, want)
		}
	}
	k.audience[1], k.audience[2] = public, private
	h.put(k)
	if report = r.cycle(); report.Destinations[1].Withheld != 0 { // one more, one less
		t.Errorf("the run withheld %d", report.Destinations[1].Withheld)
	}
	r.saysAloud("local", "0: x for all", "1: note for agents", "2: y for all", "1 amends 1: note for all", "2 amends 1: y for agents")
	r.saysAloud("discreet", "0: x for all", "2: y for all", "1: note for all")
	k.audience[2] = public
	k.said[2].text = "z"
	h.put(k)
	r.cycle()
	list := r.aloud("discreet")
	if got := list[len(list)-1]; got != "2 amends 1: z for all" {
		t.Errorf("at last %q", got)
	}
	if got := r.withheldOf("discreet"); got != "0 private, 0 unsaid" {
		t.Error(got)
	}
}

// A message without a number is known by what it says.
func TestPrivateMessageWithoutASequenceIsWithheld(t *testing.T) {
	r, h := withPrivacy(t, nil)
	h.records["a"] = strings.ReplaceAll(strings.ReplaceAll(talk{id: "a", said: []said{{0, "note"}}, audience: map[int]string{0: private}}.record(),
		`"seq":0,`, ``), `"messageId":"ms::dialog:a::msg:0",`, ``)
	r.cycle()
	if got := r.aloud("local"); len(got) != 1 || len(r.aloud("discreet")) != 0 {
		t.Errorf("local %q, discreet %q", got, r.aloud("discreet"))
	}
	if got := r.withheldOf("discreet"); got != "1 private, 0 unsaid" {
		t.Error(got)
	}
	r.chooses(map[string]bool{})
	r.cycle()
	if got := r.aloud("discreet"); len(got) != 1 {
		t.Errorf("once it delivers: %q", got)
	}
	r.cycle()
	if got := r.aloud("discreet"); len(got) != 1 {
		t.Errorf("and again: %q", got)
	}
}

// chooses opens the state again with the given destinations withholding.
func (r *liveTrial) chooses(withhold map[string]bool) {
	r.t.Helper()
	before := r.edit
	r.edit = also(before, func(s *Settings) {
		for i := range s.Destinations {
			s.Destinations[i].Withhold = withhold[s.Destinations[i].Name]
		}
	})
	r.reopen()
	r.listen()
}

// What was withheld is delivered, late, by a destination that withholds no more; what
// was delivered stays when it begins to.
func TestChangeOfWhatADestinationWithholds(t *testing.T) {
	r, h := withPrivacy(t, nil)
	k := talk{id: "a", said: []said{{0, "x"}, {1, "note"}}, audience: map[int]string{0: public, 1: private}}
	h.put(k)
	r.cycle()
	r.receive(hearFor("", 2, "unsaid"))
	r.deliver()
	if got := r.withheldOf("discreet"); got != "1 private, 1 unsaid" {
		t.Error(got)
	}
	r.chooses(map[string]bool{"local": true})
	for range 2 {
		r.cycle()
		r.saysAloud("local", "0: x for all", "1: note for agents", "2: unsaid for all?")
		r.saysAloud("discreet", "0: x for all", "1: note for agents", "2: unsaid for all?")
	}
	k.said = append(k.said, said{2, "unsaid"}, said{3, "more"}, said{4, "end"})
	k.audience[2], k.audience[3], k.audience[4] = public, private, public
	k.said[1].text = "note, changed"
	h.put(k)
	r.cycle()
	r.saysAloud("local", "0: x for all", "1: note for agents", "2: unsaid for all?", "4: end for all")
	if got := r.withheldOf("local"); got != "2 private, 0 unsaid" { // the change of one, and the other
		t.Error(got)
	}
	list := r.aloud("discreet")
	if want := []string{"1 amends 2: note, changed for agents", "3: more for agents", "4: end for all"}; !slices.Equal(list[len(list)-3:], want) {
		t.Errorf("discreet holds at last %q, want %q", list, want)
	}
	r.chooses(nil)
	r.cycle()
	list = r.aloud("local")
	if want := []string{"1 amends 1: note, changed for agents", "3: more for agents"}; !slices.Equal(list[len(list)-2:], want) {
		t.Errorf("local holds at last %q, want %q", list, want)
	}
	if got := r.withheldOf("local"); got != "0 private, 0 unsaid" {
		t.Error(got)
	}
}

// A state rebuilt from an archive knows what was delivered before anybody had said for
// whom it is.
func TestRecoverKnowsWhatWasAssumed(t *testing.T) {
	for record, want := range map[string][]string{public: nil, private: {"0 amends 1: x for agents"}} {
		r, h := withPrivacy(t, nil)
		r.receive(hearFor("", 0, "x"), hearFor(private, 1, "note"))
		r.deliver()
		before := []string{"0: x for all?", "1: note for agents"}
		r.saysAloud("local", before...)
		h.put(talk{id: "a", said: []said{{0, "x"}, {1, "note"}}, audience: map[int]string{0: record, 1: private}})
		r.lose()
		r.recovers("local")
		r.recovers("discreet")
		r.listen()
		r.settle()
		r.saysAloud("local", append(before, want...)...)
	}
}

// A version as it was stored before anybody noted audiences: the events and records
// that it was made of are read again.
func TestStateThatKnewNoAudiences(t *testing.T) {
	for record, want := range map[string][2][]string{
		public:  {{"0: x for all?"}, {"0: x for all"}},
		private: {{"0: x for all?", "0 amends 1: x for agents"}, nil},
	} {
		r, h := withPrivacy(t, nil)
		r.receive(hearFor("", 0, "x"), hearFor(private, 1, "note"))
		r.deliver()
		forget := func(id int64, revision int) {
			t.Helper()
			if err := r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error {
				known, err := tx.Conversation("a")
				if err != nil {
					return err
				}
				s, err := decodeSeen(known.Seen, "a")
				if err != nil {
					return err
				}
				s.unheard = s.newest()
				for i := range s.dialogs {
					for j := range s.dialogs[i].messages {
						m := &s.dialogs[i].messages[j]
						m.agents, m.assumed = false, false
						m.setKnown(0)
					}
				}
				known.Seen = s.encode(nil, "a")
				return tx.PutTold(&known)
			}); err != nil {
				t.Fatal(err)
			}
		}
		forget(0, 0)
		h.put(talk{id: "a", said: []said{{0, "x"}, {1, "note"}}, audience: map[int]string{0: record, 1: private}})
		r.settle()
		r.saysAloud("local", append(want[0][:1:1], append([]string{"1: note for agents"}, want[0][1:]...)...)...)
		r.saysAloud("discreet", want[1]...)
	}
}

// The format of before: whatever it held is read, and known to be unheard.
func TestSeenOfBeforeAudiences(t *testing.T) {
	before := []byte{seenWithoutAudience, 1, 0, /* main dialog */
		2 /* messages */, 0, 2, 1, /* 0 and 1 of revision 1 */
		1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, /* hashes */
		1 /* odd */, 1, 0<<3 | 1<<2 | 1<<1 | 1, 9, 0, 0, 0, /* told, confirmed, with a sender */
		1 /* version */, 7, 0, 0, 0, 0, 0, 0, 0, 3<<2 | 1,
		1 /* derived */, 5, 0, 0, 0, 0, 0, 0, 0, 4,
		0, 0, 0, 0}
	s, err := decodeSeen(before, "a")
	if err != nil {
		t.Fatal(err)
	}
	if s.unheard != 4 {
		t.Errorf("unheard up to %d", s.unheard)
	}
	m := s.dialogs[0].messages[1]
	if !m.told || !m.confirmed || m.sender() != 9 || m.agents || len(m.versions()) != 1 || m.versions()[0] != (version{hash: 7, revision: 3, told: true}) {
		t.Errorf("%+v %+v", m, m.rare)
	}
	if d := s.dialogs[0].derived; len(d) != 1 || d[0] != (seenName{hash: 5, revision: 4}) {
		t.Errorf("%+v", d)
	}
}

// The file of a private message is withheld with it.
func TestFilesOfPrivateMessagesAreWithheld(t *testing.T) {
	r, h := withPrivacy(t, nil)
	k := talk{id: "a", said: []said{{0, "x"}, {1, "secret"}, {2, "shown"}},
		files: map[int]string{1: "/v1/secret.jpg", 2: "/v1/shown.jpg"}, audience: map[int]string{0: public, 1: private, 2: public}}
	h.put(k)
	r.cycle()
	told := []archive.Happening{}
	for _, path := range []string{"/v1/secret.jpg", "/v1/shown.jpg", ""} {
		told = append(told, filed(&checkpoint.HostedFile{Path: path, Link: "l", Dialog: "a", Sender: "c", SentAt: talkStart, State: checkpoint.FileMissing, Error: "gone"}))
	}
	if err := r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error {
		l := &looking{fetcher: r.newFetcher(func() {}), wanting: checkpoint.Wanting{SourceID: "a"}}
		_, err := l.tell(tx, told)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	files := func(name string) (list []string) {
		for _, s := range r.delivered(name) {
			for _, h := range s.Happened {
				if h.Kind == archive.Filed {
					list = append(list, h.File.Path)
				}
			}
		}
		slices.Sort(list)
		return list
	}
	r.deliver()
	if got, want := files("local"), []string{"", "/v1/secret.jpg", "/v1/shown.jpg"}; !slices.Equal(got, want) {
		t.Errorf("local has files %q", got)
	}
	if got, want := files("discreet"), []string{"/v1/shown.jpg"}; !slices.Equal(got, want) {
		t.Errorf("discreet has files %q, want %q", got, want)
	}
	k.audience[1] = public
	h.put(k)
	r.cycle()
	if got, want := files("discreet"), []string{"", "/v1/secret.jpg", "/v1/shown.jpg"}; !slices.Equal(got, want) {
		t.Errorf("once the message is public, discreet has files %q, want %q", got, want)
	}
	r.sound()
}

// privacyModel is a conversation of which events and records tell in any order, and
// a destination that withholds private messages at times.
type privacyModel struct {
	*rand.Rand
	t         *testing.T
	now       []modelMessage
	state     []byte
	rev       int
	have      checkpoint.Given
	withholds bool
	given     map[int64]version // what the destination was given last
	at        map[int]map[int64]version
}

type modelMessage struct {
	text   string
	agents bool
}

func (m *privacyModel) message(n int) archive.Message {
	audience := "all"
	if m.now[n].agents {
		audience = "agents"
	}
	return archive.Message{Dialog: "d", Sequence: int64(n), Type: "TEXT_PLAIN", Audience: audience, Text: m.now[n].text, SentAt: int64(n) + 1}
}

func (m *privacyModel) merge(with func(*merger)) {
	s, err := decodeSeen(m.state, "c")
	if err != nil {
		m.t.Fatal(err)
	}
	merge := &merger{seen: s, revision: m.rev + 1}
	with(merge)
	merge.settle()
	if merge.heard > 0 && m.have.Unsaid == 0 {
		merge.heardBefore(m.rev)
	}
	if merge.differs() {
		m.rev++
	}
	m.state = s.encode(nil, "c")
}

func (m *privacyModel) step() {
	switch n := len(m.now); m.IntN(6) {
	case 0:
		m.now = append(m.now, modelMessage{text: fmt.Sprint(m.IntN(2)), agents: m.IntN(3) == 0})
	case 1:
		if n > 0 && m.IntN(3) == 0 {
			m.now[m.IntN(n)] = modelMessage{text: fmt.Sprint(m.IntN(2)), agents: m.IntN(3) == 0}
		}
	case 2:
		m.merge(func(merge *merger) {
			for i := range m.now {
				if m.IntN(4) == 0 {
					continue
				}
				told := m.message(i)
				if m.IntN(2) == 0 {
					told.Audience, told.Assumed = "all", true
				}
				merge.tell(&told, nil)
			}
		})
	case 3:
		m.record(4)
	case 4:
		m.cut()
	default:
		m.withholds = m.withholds != (m.IntN(4) == 0)
	}
}

// record captures a record; of n messages about one is not in it.
func (m *privacyModel) record(n int) {
	m.merge(func(merge *merger) {
		for i := range m.now {
			if m.IntN(n) > 0 {
				message := m.message(i)
				c := newCaptured(&message, nil)
				c.words = message.WordsHash()
				merge.add(c)
			}
		}
	})
}

func (m *privacyModel) cut() {
	s, err := decodeSeen(m.state, "c")
	if err != nil {
		m.t.Fatal(err)
	}
	d := newDebt(s, nil, m.have, m.withholds)
	gave, private, unsaid, any := map[int64]version{}, 0, 0, false
	for i := range s.dialogs {
		for j := range s.dialogs[i].messages {
			k := &s.dialogs[i].messages[j]
			n := k.sequence
			had, has := m.given[n]
			switch {
			case k.touched&wantWithheld != 0:
				any = true
				if got, ok := d.has(k, &seenDialog{}); ok != has || ok && !got.is(had) {
					m.t.Fatalf("message %d: given was %+v (%v), thought is %+v (%v)", n, had, has, got, ok)
				}
				if has && had.is(k.present()) {
					continue
				}
				if k.agents {
					private++
				} else {
					unsaid++
				}
				continue
			case k.touched&wantFirst != 0:
				if has {
					m.t.Fatalf("message %d is given twice", n)
				}
				had, has = d.first(k), true
				gave[n] = had
			}
			if k.touched&(wantCurrent|wantOther) != 0 {
				amends := d.amends("d", k)
				if !has {
					m.t.Fatalf("message %d amends what the destination has not", n)
				}
				if before, ok := m.at[amends][n]; k.touched&wantFirst == 0 && (!ok || !before.is(had)) {
					m.t.Fatalf("message %d amends revision %d, which gave %+v, not %+v", n, amends, before, had)
				}
				if k.touched&wantCurrent != 0 && had.is(k.present()) {
					m.t.Fatalf("message %d amends itself", n)
				}
				had = k.present()
				gave[n] = had
			}
			if !has || !had.is(k.present()) {
				m.t.Fatalf("message %d: the destination has %+v (%v), present is %+v; %+v", n, had, has, k.present(), m.have)
			}
			if _, now := gave[n]; now && m.withholds && (had.withheldAt(math.MaxInt)) {
				m.t.Fatalf("message %d is private and given", n)
			}
		}
	}
	w := decodeWithheld(m.have.Withheld)
	again := m.have.Revision == m.rev && !slices.Contains(w.cuts, m.rev)
	w.cut(m.rev, any && !again)
	m.have.Withheld, m.have.Private, m.have.Unsaid, m.have.Revision = w.encode(), private, unsaid, m.rev
	if len(gave) > 0 {
		m.have.Revisions = addRevision(m.have.Revisions, m.rev)
		if m.at[m.rev] == nil {
			m.at[m.rev] = map[int64]version{}
		}
		maps.Copy(m.at[m.rev], gave)
		maps.Copy(m.given, gave)
	}
}

// Whatever the order in which events and records tell for whom messages are, and
// whenever the destination begins or ends to withhold: each message that it is to
// have is given once, is amended from what it has, and nothing private is given.
func TestWithheldMessagesAreNeitherLostNorDoubled(t *testing.T) {
	for seed := range uint64(3000) {
		m := &privacyModel{Rand: rand.New(rand.NewPCG(seed, 8)), t: t, given: map[int64]version{}, at: map[int]map[int64]version{}}
		for range 40 {
			m.step()
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
		m.record(1 << 20)
		m.withholds = false
		m.cut()
		for n := range m.now {
			if _, ok := m.given[int64(n)]; !ok {
				t.Fatalf("seed %d: message %d was never given", seed, n)
			}
		}
	}
}
