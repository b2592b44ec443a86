package identity

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"lpexport/archive"
)

func settings() Settings {
	return Settings{
		Account: "12345678", InternalDomains: []string{"firm.example", "Sub.Test"}, ConsumerEmail: EmailVerified,
		ConsumerDomain: "visitors.example", BotDomain: "bots.firm.example", PlaceholderDomain: "unknown.firm.example",
		Agents:       map[string]string{"Ann": "ann.mapped@firm.example", "4711": "by.id@firm.example", "old@mail.test": "by.mail@firm.example"},
		UnknownAgent: UnknownHold,
	}
}

func with(t testing.TB, change func(*Settings)) *Resolver {
	t.Helper()
	s := settings()
	if change != nil {
		change(&s)
	}
	r, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func agent(id, login, email string) archive.Participant {
	return archive.Participant{ID: id, Role: "agent", Kind: "human", Name: "A Name", Login: login, Email: email}
}

func consumer(id, email string) archive.Participant {
	return archive.Participant{ID: id, Role: "consumer", Kind: "human", Email: email}
}

func TestAgents(t *testing.T) {
	held := with(t, nil)
	placed := with(t, func(s *Settings) { s.UnknownAgent = UnknownPlaceholder })
	for _, c := range []struct {
		p             archive.Participant
		address, note string // address "" is unknown
	}{
		{agent("1", "aNN ", ""), "ann.mapped@firm.example", ""},
		{agent("1", "ann", "ann@firm.example"), "ann.mapped@firm.example", "mapped by the firm"},
		{agent("4711", "", ""), "by.id@firm.example", ""},
		{agent("1", "x", "OLD@mail.test"), "by.mail@firm.example", "mapped by the firm"},
		{agent("1", "x", "x@Firm.example"), "x@firm.example", ""},
		{agent("1", "x", "contractor@elsewhere.test"), "contractor@elsewhere.test", ""},
		{agent("1", "x@firm.example", ""), "", "no e-mail of the agent is known"},
		{agent("1", "x", "x@localhost"), "", "its domain is not complete"},
		{agent("1", "x", "x@firm.example\r\nBcc: e@evil.test"), "", "it is no valid address"},
		{agent("1", "x", "x@visitors.example"), "", "its domain is the consumers'"},
		{archive.Participant{ID: "1", Role: "manager", Kind: "unknown", Email: "m@firm.example"}, "m@firm.example", ""},
		{archive.Participant{ID: "1", Role: "agent", Kind: "unknown"}, "", "no e-mail of the agent is known"},
		{archive.Participant{Role: "agent", Kind: "unknown", Name: "Ana"}, "", "no e-mail of the agent is known"},
	} {
		got, unknown := held.Resolve(c.p, Emails{Verified: "v@mail.test", Given: "g@mail.test"})
		want := c.p
		want.Address = c.address
		if c.address != "" {
			want.AddressNote = c.note
		}
		if got != want || (unknown == nil) != (c.address != "") {
			t.Errorf("%+v: got %+v, %v", c.p, got, unknown)
		}
		got, unknown = placed.Resolve(c.p, Emails{})
		switch {
		case unknown != nil:
			t.Errorf("%+v: %v", c.p, unknown)
		case c.address == "" && (!strings.HasPrefix(got.Address, "a-") || !strings.HasSuffix(got.Address, "@unknown.firm.example") || got.AddressNote != "placeholder: "+c.note):
			t.Errorf("%+v: got %+v", c.p, got)
		case c.address != "" && got.Address != c.address:
			t.Errorf("%+v: got %+v", c.p, got)
		}
		checkSpec(t, got.Address)
	}
}

func TestBotsAndTheSystem(t *testing.T) {
	r := with(t, func(s *Settings) { s.Agents["helper-bot"] = "helper@firm.example" })
	bot := archive.Participant{ID: "7", Role: "agent", Kind: "bot", Login: "orders", Email: "ann@firm.example"}
	got, _ := r.Resolve(bot, Emails{})
	if !strings.HasPrefix(got.Address, "bot-") || !strings.HasSuffix(got.Address, "@bots.firm.example") || got.AddressNote != "made: it is a bot" {
		t.Errorf("got %+v", got)
	}
	checkSpec(t, got.Address)
	bot.Login = "Helper-Bot"
	if got, _ := r.Resolve(bot, Emails{}); got.Address != "helper@firm.example" || got.AddressNote != "mapped by the firm" {
		t.Errorf("got %+v", got)
	}
	for _, p := range []archive.Participant{{Role: "system", Kind: "system"}, {ID: "9", Role: "agent", Kind: "system"}} {
		if got, unknown := r.Resolve(p, Emails{}); got.Address != "system@bots.firm.example" || got.AddressNote != "" || unknown != nil {
			t.Errorf("got %+v, %v", got, unknown)
		}
	}
}

func TestConsumers(t *testing.T) {
	const made = "made"
	for _, c := range []struct {
		policy, own, verified, given string
		address, note                string
	}{
		{EmailVerified, "", "", "", made, ""},
		{EmailVerified, "", "eve@mail.test", "", "eve@mail.test", ""},
		{EmailVerified, "eve@MAIL.test", " Eve@mail.test", "", "Eve@mail.test", ""},
		{EmailVerified, "other@mail.test", "eve@mail.test", "", "eve@mail.test", "verified e-mail used"},
		{EmailVerified, "eve@mail.test", "", "", made, "e-mail not used: it is not verified"},
		{EmailVerified, "", "", "eve@mail.test", made, "e-mail not used: it is not verified"},
		{EmailVerified, "", "ceo@firm.example", "", made, "verified e-mail not used: its domain is an internal one"},
		{EmailVerified, "", "ceo@eu.FIRM.example", "", made, "verified e-mail not used: its domain is an internal one"},
		{EmailVerified, "", "ceo@sub.test", "", made, "verified e-mail not used: its domain is an internal one"},
		{EmailVerified, "", "ceo@firm。example", "", made, "verified e-mail not used: its domain is an internal one"},
		{EmailVerified, "", "agent@MAIL.test", "", made, "verified e-mail not used: it is an agent's address"},
		{EmailVerified, "", "mapped@mail.test", "", made, "verified e-mail not used: it is an agent's address"},
		{EmailVerified, "", "c-abc@visitors.example", "", made, "verified e-mail not used: its domain is for addresses that are made"},
		{EmailVerified, "", "eve", "", made, "verified e-mail not used: it is no valid address"},
		{EmailVerified, "", "eve@localhost", "", made, "verified e-mail not used: its domain is not complete"},
		{EmailVerified, "", "eve@mail.test\r\nRCPT TO:<x@y.test>", "", made, "verified e-mail not used: it is no valid address"},
		{EmailGiven, "eve@mail.test", "", "", "eve@mail.test", ""},
		{EmailGiven, "", "", "eve@mail.test", "eve@mail.test", ""},
		{EmailGiven, "other@mail.test", "", "eve@mail.test", "eve@mail.test", "e-mail used"},
		{EmailGiven, "eve@mail.test", "v@mail.test", "", "v@mail.test", "verified e-mail used"},
		{EmailGiven, "eve@mail.test", "ceo@firm.example", "", "eve@mail.test", "verified e-mail not used: its domain is an internal one"},
		{EmailGiven, "agent@mail.test", "", "", made, "e-mail not used: it is an agent's address"},
		{EmailNever, "eve@mail.test", "eve@mail.test", "", made, "verified e-mail not used: the firm uses none; e-mail not used: the firm uses none"},
		{EmailNever, "", "", "", made, ""},
	} {
		r := with(t, func(s *Settings) { s.ConsumerEmail, s.Agents["m"] = c.policy, "Mapped@mail.test" })
		r = r.Knowing([]string{"Agent@mail.test", "a login"})
		p := consumer("f92c", c.own)
		got, unknown := r.Resolve(p, Emails{Verified: c.verified, Given: c.given})
		want := p
		want.Address, want.AddressNote = c.address, c.note
		if c.address == made {
			want.Address = got.Address
			if !strings.HasPrefix(got.Address, "c-") || !strings.HasSuffix(got.Address, "@visitors.example") {
				t.Errorf("%+v: got %q", c, got.Address)
			}
		}
		if got != want || unknown != nil {
			t.Errorf("%+v: got %q, %q", c, got.Address, got.AddressNote)
		}
		checkSpec(t, got.Address)
	}
}

// TestMadeAddressesAreKept pins them: an archive knows people by them for years.
func TestMadeAddressesAreKept(t *testing.T) {
	r := with(t, func(s *Settings) { s.UnknownAgent = UnknownPlaceholder })
	for want, p := range map[string]archive.Participant{
		"c-5jmjibiogn4zkizxanz5umxw@visitors.example":     consumer("f92c9890-2c95-428b-8a32-083528620d31", ""),
		"a-pjeqdi4a63ua6ag4bch4sqkl@unknown.firm.example": agent("987654321", "x", ""),
		"bot-pjeqdi4a63ua6ag4bch4sqkl@bots.firm.example":  {ID: "987654321", Role: "agent", Kind: "bot"},
		"system@bots.firm.example":                        {ID: "987654321", Role: "system", Kind: "system"},
	} {
		if got, _ := r.Resolve(p, Emails{}); got.Address != want {
			t.Errorf("got %s, want %s", got.Address, want)
		}
	}
}

// TestMadeAddressesAreApart: what differs in account or id never shares one, and
// what only changes its name keeps its own.
func TestMadeAddressesAreApart(t *testing.T) {
	met := map[string]string{}
	for _, account := range []string{"1", "11", "12"} {
		r := with(t, func(s *Settings) { s.Account = account })
		for i := range 500 {
			id := fmt.Sprint(i)
			got, _ := r.Resolve(consumer(id, ""), Emails{})
			renamed := consumer(id, "no@firm.example")
			renamed.Name, renamed.Login = "Another", "another"
			if again, _ := r.Resolve(renamed, Emails{Verified: "ceo@firm.example"}); again.Address != got.Address {
				t.Errorf("%s became %s", got.Address, again.Address)
			}
			if other, twice := met[got.Address]; twice {
				t.Errorf("%s and %s share %s", other, account+"/"+id, got.Address)
			}
			met[got.Address] = account + "/" + id
		}
	}
	r := with(t, nil)
	one, _ := r.Resolve(archive.Participant{Role: "consumer", Name: "Ann"}, Emails{})
	two, _ := r.Resolve(archive.Participant{Role: "consumer", Name: "Bob"}, Emails{})
	if one.Address == two.Address {
		t.Error("two people without an id share an address")
	}
}

func TestKnowingLeavesTheOldOneAlone(t *testing.T) {
	r := with(t, nil)
	_ = r.Knowing([]string{"eve@mail.test"})
	if got, _ := r.Resolve(consumer("1", ""), Emails{Verified: "eve@mail.test"}); got.Address != "eve@mail.test" {
		t.Errorf("got %+v", got)
	}
}

// TestHintIsTheLineToAdd reads the hint back as configuration and uses it.
func TestHintIsTheLineToAdd(t *testing.T) {
	r := with(t, nil)
	for _, p := range []archive.Participant{
		agent("1", "x", ""), agent("1", `we"ird: {login} # \ é`, ""), agent("1", "line\nbreak", ""), agent("815", "", ""),
		agent("815", strings.Repeat("x", 300), ""),
	} {
		_, unknown := r.Resolve(p, Emails{})
		if unknown == nil {
			t.Fatalf("%+v is known", p)
		}
		hint := unknown.Hint()
		flow, found := strings.CutPrefix(hint, "identity.agents: ")
		var agents map[string]string
		if err := yaml.Unmarshal([]byte(flow), &agents); err != nil || !found || strings.ContainsAny(hint, "\r\n") {
			t.Errorf("%s: %v", hint, err)
		}
		mapped := with(t, func(s *Settings) { s.Agents = agents })
		if got, unknown := mapped.Resolve(p, Emails{}); got.Address != "address@firm.example" || unknown != nil {
			t.Errorf("%s: got %+v, %v", hint, got, unknown)
		}
	}
	_, unknown := r.Resolve(archive.Participant{Role: "agent", Name: "Ana"}, Emails{})
	if unknown == nil || !strings.HasPrefix(unknown.Hint(), "identity.unknown_agent: placeholder") {
		t.Errorf("got %v", unknown)
	}
	if text := (&UnknownAgentError{ID: "1", Login: "a\r\nb", Name: strings.Repeat("n", 1e6)}).Error(); strings.ContainsAny(text, "\r\n") || len(text) > 1000 {
		t.Errorf("%d bytes: %.100q", len(text), text)
	}
}

// TestSenderOfWhomNothingIsSaid: no mapping could name one, so waiting would have
// no end.
func TestSenderOfWhomNothingIsSaid(t *testing.T) {
	nobody := archive.Participant{Role: "agent", Kind: "unknown"}
	got, unknown := with(t, nil).Resolve(nobody, Emails{})
	if unknown != nil || got.Address != "unknown-sender@bots.firm.example" || got.AddressNote == "" {
		t.Errorf("%+v, %v", got, unknown)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for name, change := range map[string]func(*Settings){
		"internal domain":                 func(s *Settings) { s.InternalDomains = []string{"firm"} },
		"consumer domain":                 func(s *Settings) { s.ConsumerDomain = "" },
		"consumers inside":                func(s *Settings) { s.ConsumerDomain = "chat.firm.example" },
		"consumers are the firm":          func(s *Settings) { s.ConsumerDomain = "FIRM.example" },
		"the firm is below the consumers": func(s *Settings) { s.ConsumerDomain = "test.example"; s.BotDomain = "b.test.example" },
		"placeholders are the consumers'": func(s *Settings) { s.PlaceholderDomain = "visitors.example" },
		"bot domain":                      func(s *Settings) { s.BotDomain = "bots" },
		"no room before the domain":       func(s *Settings) { s.BotDomain = strings.Repeat("abcdefg.", 29) + "example" },
		"placeholder domain":              func(s *Settings) { s.PlaceholderDomain = "a@b.example" },
		"placeholders without domain":     func(s *Settings) { s.UnknownAgent, s.PlaceholderDomain = UnknownPlaceholder, "" },
		"agent's address":                 func(s *Settings) { s.Agents["b"] = "Bob <b@firm.example>" },
		"agent among consumers":           func(s *Settings) { s.Agents["b"] = "b@eu.visitors.example" },
		"agent without key":               func(s *Settings) { s.Agents[" "] = "b@firm.example" },
		"two addresses for one login":     func(s *Settings) { s.Agents["ANN"] = "b@firm.example" },
		"policy":                          func(s *Settings) { s.ConsumerEmail = "" },
		"unknown agent":                   func(s *Settings) { s.UnknownAgent = "drop" },
	} {
		s := settings()
		change(&s)
		if _, err := New(s); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	_, err := New(Settings{InternalDomains: []string{"a", "b"}, Agents: map[string]string{"x": "y"}})
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || strings.Count(err.Error(), "\n") < 5 {
		t.Errorf("not all is told: %v", err)
	}
}

func FuzzResolve(f *testing.F) {
	for _, email := range []string{"eve@mail.test", "ceo@firm.example", "Eve\r\nBcc: x@evil.test", "a@firm。example", `"a@firm.example"@b.test`, "agent@mail.test"} {
		f.Add("id", "login", email, "eve@mail.test", uint8(0))
		f.Add("id", "login", "", email, uint8(7))
	}
	var all []*Resolver
	for _, policy := range []string{EmailVerified, EmailGiven, EmailNever} {
		for _, unknown := range []string{UnknownHold, UnknownPlaceholder} {
			r := with(f, func(s *Settings) { s.ConsumerEmail, s.UnknownAgent = policy, unknown })
			all = append(all, r.Knowing([]string{"agent@mail.test"}))
		}
	}
	f.Fuzz(func(t *testing.T, id, login, email, verified string, pick uint8) {
		p := archive.Participant{ID: id, Login: login, Email: email}
		p.Role = []string{"consumer", "agent", "manager", "system"}[pick%4]
		p.Kind = []string{"human", "bot", "system", "unknown"}[pick/4%4]
		for _, r := range all {
			got, unknown := r.Resolve(p, Emails{Verified: verified, Given: email})
			if again, _ := r.Resolve(p, Emails{Verified: verified, Given: email}); again != got {
				t.Errorf("got %+v, then %+v", got, again)
			}
			if unknown != nil {
				if got != p || r.set.UnknownAgent != UnknownHold || p.Role == "consumer" {
					t.Errorf("got %+v, %v", got, unknown)
				}
				continue
			}
			checkSpec(t, got.Address)
			_, domain, _ := strings.Cut(got.Address, "@")
			if p.Role == "consumer" && (Within(domain, r.set.InternalDomains) || r.known[Fold(got.Address)]) {
				t.Errorf("a consumer passes for the firm: %+v", got)
			}
			if strings.ContainsAny(got.AddressNote, "\r\n@") {
				t.Errorf("the note repeats what came from outside: %q", got.AddressNote)
			}
		}
	})
}
