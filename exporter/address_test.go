package exporter

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/exporter/identity"
	"lpexport/liveperson"
)

func resolver(t *testing.T, unknown string) *identity.Resolver {
	t.Helper()
	r, err := identity.New(identity.Settings{
		Account: "sandbox", InternalDomains: []string{"firm.example"}, ConsumerEmail: identity.EmailGiven,
		ConsumerDomain: "visitors.example", BotDomain: "bots.firm.example", PlaceholderDomain: "unknown.firm.example",
		Agents: map[string]string{"mapped": "mapped@firm.example"}, UnknownAgent: unknown,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// addressed is a normaliser with addresses, and the header it reads of a record.
func addressed(t *testing.T, record string) (*normaliser, header) {
	t.Helper()
	n := &normaliser{users: map[string]checkpoint.User{
		"7":  {ID: "7", Login: "bob", Email: "bob@firm.example", Kind: "human"},
		"8":  {ID: "8", Login: "carl", Kind: "human"},
		"99": {ID: "99", Login: "out@mail.test", Email: "home@mail.test", Kind: "human"},
	}}
	n.resolveWith(resolver(t, identity.UnknownHold))
	r := liveperson.ReadRecord([]byte(record))
	return n, n.header(&r)
}

func personal(section, members string) string {
	return fmt.Sprintf(`"%s":{"events":[%s]}`, section, members)
}

func event(at int, email, more string) string {
	return fmt.Sprintf(`{"personalInfo":{"personalInfo":{"name":"x","contacts":[{"personalContact":{"email":%q,"phone":"1"}}]}},"sdeType":"PERSONAL_INFO","serverTimeStamp":"%d"%s}`, email, at, more)
}

const oneConsumer = `"consumerParticipants":[{"participantId":"c1"}]`

func TestWhereAConsumersEmailComesFrom(t *testing.T) {
	consumerWith := func(email string) string {
		return fmt.Sprintf(`"consumerParticipants":[{"participantId":"c1","email":%q}]`, email)
	}
	for name, c := range map[string]struct {
		sections []string
		want     identity.Emails
	}{
		"nothing":               {[]string{oneConsumer}, identity.Emails{}},
		"undefined":             {[]string{consumerWith("undefined")}, identity.Emails{}},
		"his own":               {[]string{consumerWith("own@mail.test")}, identity.Emails{Given: "own@mail.test"}},
		"authenticated":         {[]string{oneConsumer, personal("sdes", event(1, "a@mail.test", ""))}, identity.Emails{Verified: "a@mail.test"}},
		"not authenticated":     {[]string{oneConsumer, personal("unAuthSdes", event(1, "a@mail.test", `,"isAuthenticated":false`))}, identity.Emails{Given: "a@mail.test"}},
		"claims to be":          {[]string{oneConsumer, personal("unAuthSdes", event(1, "a@mail.test", `,"isAuthenticated":true`))}, identity.Emails{Given: "a@mail.test"}},
		"admits that it is not": {[]string{oneConsumer, personal("sdes", event(1, "a@mail.test", `,"isAuthenticated":"false"`))}, identity.Emails{Given: "a@mail.test"}},
		"admits it inside": {[]string{oneConsumer, personal("sdes",
			`{"personalInfo":{"isAuthenticated":false,"personalInfo":{"contacts":[{"personalContact":{"email":"a@mail.test"}}]}}}`)}, identity.Emails{Given: "a@mail.test"}},
		"the latest": {[]string{oneConsumer, personal("sdes", event(1, "old@mail.test", "")+","+event(3, "new@mail.test", "")+","+event(2, "mid@mail.test", ""))},
			identity.Emails{Verified: "new@mail.test"}},
		"the later of two at once": {[]string{oneConsumer, personal("sdes", event(1, "a@mail.test", "")+","+event(1, "b@mail.test", ""))}, identity.Emails{Verified: "b@mail.test"}},
		"a later one without":      {[]string{oneConsumer, personal("sdes", event(1, "a@mail.test", "")+","+event(2, "", ""))}, identity.Emails{Verified: "a@mail.test"}},
		"all of them": {[]string{consumerWith("own@mail.test"), personal("sdes", event(1, "a@mail.test", "")), personal("unAuthSdes", event(1, "b@mail.test", ""))},
			identity.Emails{Verified: "a@mail.test", Given: "own@mail.test"}},
		"flat": {[]string{oneConsumer, personal("sdes", `{"personalInfo":{"contacts":[{"phone":"1"},{"email":"a@mail.test"}]}}`)}, identity.Emails{Verified: "a@mail.test"}},
		"two consumers": {[]string{`"consumerParticipants":[{"participantId":"c1","email":"own@mail.test"},{"participantId":"c2"}]`,
			personal("sdes", event(1, "a@mail.test", ""))}, identity.Emails{Given: "own@mail.test"}},
		"one consumer in two dialogs": {[]string{`"consumerParticipants":[{"participantId":"c1"},{"participantId":"c1"}]`,
			personal("sdes", event(1, "a@mail.test", ""))}, identity.Emails{Verified: "a@mail.test"}},
		"wrong types": {[]string{oneConsumer, `"sdes":{"events":[1,null,{"personalInfo":[]},{"personalInfo":{"contacts":{"email":"a@mail.test"}}}]},"unAuthSdes":[]`}, identity.Emails{}},
	} {
		_, h := addressed(t, `{"info":{"conversationId":"k"},`+strings.Join(c.sections, ",")+`}`)
		if got := h.emails("c1"); got != c.want {
			t.Errorf("%s: got %+v", name, got)
		}
		if got := h.emails("somebody else"); got != (identity.Emails{}) {
			t.Errorf("%s: somebody else is given %+v", name, got)
		}
	}
}

const staffed = `{"info":{"conversationId":"k"},"agentParticipants":[
	{"agentId":"7","agentLoginName":"bob","userType":"1"},
	{"agentId":"8","agentLoginName":"carl","userType":"1"},
	{"agentId":"9","agentLoginName":"mapped","userType":"1"},
	{"agentId":"10","agentLoginName":"robot","userType":"2"}],
	"consumerParticipants":[{"participantId":"c1","email":"Out@mail.test"}]}`

func sent(by, id string) liveperson.Message {
	return liveperson.ReadMessage([]byte(fmt.Sprintf(`{"type":"TEXT_PLAIN","sentBy":%q,"participantId":%q,"seq":1,"messageData":{"msg":{"text":"t"}}}`, by, id)))
}

func TestEverybodyIsGivenAnAddress(t *testing.T) {
	n, h := addressed(t, staffed)
	got := map[string]string{}
	for _, p := range h.participants {
		got[p.ID] = p.Address + "|" + p.AddressNote
	}
	for name, m := range map[string]liveperson.Message{
		"participant": sent("Agent", "7"), "stranger": sent("Consumer", "c9"), "system": sent("System", "s1"), "directory": sent("Agent", "99"),
	} {
		s := n.message(&h, m).Sender
		got[name] = s.Address + "|" + s.AddressNote
	}
	made := func(p archive.Participant) string {
		p, _ = n.identity.Resolve(p, identity.Emails{})
		return p.Address
	}
	want := map[string]string{
		"7": "bob@firm.example|", "8": "|", "9": "mapped@firm.example|",
		"10": made(archive.Participant{ID: "10", Kind: "bot"}) + "|",
		// It is the login of somebody in the directory, in another spelling.
		"c1":          made(archive.Participant{ID: "c1", Role: "consumer"}) + "|e-mail not used: it is an agent's address",
		"participant": "bob@firm.example|", "stranger": made(archive.Participant{ID: "c9", Role: "consumer"}) + "|",
		"system": "system@bots.firm.example|", "directory": "home@mail.test|",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestUnknownAgentsAreToldOnce: participants and other senders, however often
// they wrote.
func TestUnknownAgentsAreToldOnce(t *testing.T) {
	n, h := addressed(t, staffed)
	for range 3 {
		for _, id := range []string{"8", "500", "501", "7", "10", "99"} {
			n.message(&h, sent("Agent", id))
		}
		n.message(&h, sent("Consumer", "502"))
	}
	var got []string
	for _, u := range h.unknownAgents {
		got = append(got, u.ID+" "+u.Login)
	}
	if diff := cmp.Diff([]string{"8 carl", "500 ", "501 "}, got); diff != "" {
		t.Error(diff)
	}
}

// TestWithoutIdentityNothingChanges: the profile generic names nobody otherwise
// than before.
func TestWithoutIdentityNothingChanges(t *testing.T) {
	r := liveperson.ReadRecord([]byte(strings.Replace(staffed, "{", `{`+personal("sdes", event(1, "a@mail.test", ""))+",", 1)))
	plain := &normaliser{}
	with := &normaliser{identity: resolver(t, identity.UnknownPlaceholder)}
	a, b := plain.header(&r), with.header(&r)
	a.participants = append(a.participants, plain.sender(&a, sent("Agent", "500")))
	b.participants = append(b.participants, with.sender(&b, sent("Agent", "500")))
	if len(a.participants) != 6 || len(b.participants) != 6 || a.unknownAgents != nil || a.others != nil || a.verifiedEmail != "" {
		t.Fatalf("got %+v", a)
	}
	for i := range b.participants {
		if b.participants[i].Address == "" {
			t.Errorf("%+v has no address", b.participants[i])
		}
		b.participants[i].Address, b.participants[i].AddressNote = "", ""
		if a.participants[i] != b.participants[i] {
			t.Errorf("got %+v and %+v", a.participants[i], b.participants[i])
		}
	}
}

func TestEmailsOfTheOfficialSamples(t *testing.T) {
	const consumer = "f92c9890-2c95-428b-8a32-083528620d31"
	for name, want := range map[string]identity.Emails{
		"messaging-interactions-conversation-2017.json":        {},
		"messaging-interactions-conversation-unauth-sdes.json": {Verified: "dummy@mail.com", Given: "myname@example.com"},
		"messaging-interactions-conversation.json":             {Verified: "dummy@mail.com"},
	} {
		page := liveperson.Value(sample(t, name))
		raw := page
		page.Get("conversationHistoryRecords").Each(func(v liveperson.Value) bool { raw = v; return false })
		r := liveperson.ReadRecord(raw)
		var h header
		(&normaliser{}).readParticipants(&r, &h)
		h.readEmails(&r)
		if got := h.emails(consumer); got != want {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}
