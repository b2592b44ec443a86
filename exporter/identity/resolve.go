package identity

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strconv"
	"strings"

	"lpexport/archive"
)

// Emails are the e-mails of a consumer beside the one in his record, each "" or
// as received.
type Emails struct {
	Verified string // LivePerson knows it from a consumer who had logged in
	Given    string // said by the consumer or his browser
}

// Resolve sets Address and AddressNote of p and leaves the rest as it is; e is
// for consumers. The address is a valid addr-spec, and the same participant is
// given the same one as long as the settings and what LivePerson says of him
// stay the same. An agent of whom no address is known is an error where the
// settings say hold; p then comes back without an address.
func (r *Resolver) Resolve(p archive.Participant, e Emails) (archive.Participant, *UnknownAgentError) {
	p.Address, p.AddressNote = "", ""
	switch {
	case p.Role == "consumer":
		p.Address, p.AddressNote = r.consumer(&p, e)
		return p, nil
	case r.byMapping(&p):
		return p, nil
	case p.Kind == "bot":
		p.Address = r.make("bot-", &p, r.set.BotDomain)
		p.AddressNote = unlessEmpty(p.Email, "made: it is a bot")
		return p, nil
	case p.Kind == "system" || p.Role == "system":
		p.Address = "system@" + r.set.BotDomain
		p.AddressNote = unlessEmpty(p.Email, "made: it is the system")
		return p, nil
	}
	return r.agent(p)
}

// byMapping takes the address that the firm has given an agent or a bot.
func (r *Resolver) byMapping(p *archive.Participant) bool {
	for _, key := range []string{p.Login, p.ID, p.Email} {
		address, found := r.mapped[Fold(key)]
		if !found {
			continue
		}
		p.Address = address
		if Fold(p.Email) != Fold(address) {
			p.AddressNote = unlessEmpty(p.Email, "mapped by the firm")
		}
		return true
	}
	return false
}

func (r *Resolver) agent(p archive.Participant) (archive.Participant, *UnknownAgentError) {
	address, fault := r.agentEmail(p.Email)
	switch {
	case address != "":
		p.Address = address
		return p, nil
	case r.set.UnknownAgent == UnknownHold && p.ID == "" && p.Login == "" && p.Email == "" && p.Name == "":
		// Nobody could map a sender of whom nothing is said: there is nothing to wait for.
		p.Address, p.AddressNote = "unknown-sender@"+r.set.BotDomain, "made: LivePerson does not say who it is"
		return p, nil
	case r.set.UnknownAgent == UnknownHold:
		return p, &UnknownAgentError{ID: p.ID, Login: p.Login, Name: p.Name}
	}
	p.Address = r.make("a-", &p, r.set.PlaceholderDomain)
	p.AddressNote = "placeholder: " + fault
	return p, nil
}

// agentEmail is the address that LivePerson has of an agent, or why it is none.
func (r *Resolver) agentEmail(email string) (address, fault string) {
	if email == "" {
		return "", "no e-mail of the agent is known"
	}
	address, domain, fault := complete(email)
	if address != "" && Within(domain, []string{r.set.ConsumerDomain}) {
		return "", "its domain is the consumers'"
	}
	return address, fault
}

// consumer gives a consumer his e-mail where the settings let him have it, else
// one that is made.
func (r *Resolver) consumer(p *archive.Participant, e Emails) (address, note string) {
	given := cmp.Or(e.Given, p.Email)
	var notes []string
	for _, source := range []struct {
		name, email string
		allowed     bool
		why         string
	}{
		{"verified e-mail", e.Verified, r.set.ConsumerEmail != EmailNever, "the firm uses none"},
		{"e-mail", given, r.set.ConsumerEmail == EmailGiven, r.whyNotGiven()},
	} {
		if source.email == "" {
			continue
		}
		address, fault := "", source.why
		if source.allowed {
			address, fault = r.trusted(source.email)
		}
		if address != "" {
			if p.Email != "" && Fold(p.Email) != Fold(address) {
				notes = append(notes, source.name+" used")
			}
			return address, strings.Join(notes, "; ")
		}
		notes = append(notes, source.name+" not used: "+fault)
	}
	return r.make("c-", p, r.set.ConsumerDomain), strings.Join(notes, "; ")
}

func (r *Resolver) whyNotGiven() string {
	if r.set.ConsumerEmail == EmailNever {
		return "the firm uses none"
	}
	return "it is not verified"
}

// trusted is a consumer's e-mail as an address, or why it cannot be one: he must
// pass neither for somebody of the firm nor for another consumer.
func (r *Resolver) trusted(email string) (address, fault string) {
	address, domain, fault := complete(email)
	switch {
	case address == "":
		return "", fault
	case Within(domain, r.set.InternalDomains):
		return "", "its domain is an internal one"
	case Within(domain, r.made):
		return "", "its domain is for addresses that are made"
	case r.known[Fold(address)]:
		return "", "it is an agent's address"
	}
	return address, ""
}

// complete reads an e-mail that somebody outside of this program has set.
func complete(email string) (address, domain, fault string) {
	address, err := ParseAddress(strings.TrimSpace(email))
	if err != nil {
		return "", "", "it is no valid address"
	}
	_, domain, _ = cutLast(address, '@')
	if !strings.Contains(domain, ".") {
		return "", "", "its domain is not complete" // some archives take that for their own
	}
	return address, domain, ""
}

// longestMade is the length of the longest local part that make makes.
const longestMade = len("bot-") + 24

var letters = base32.StdEncoding.WithPadding(base32.NoPadding)

// make is an address out of what names a participant for ever: his id in the
// account. 120 bits of a SHA-256 keep two of them from ever sharing one.
func (r *Resolver) make(prefix string, p *archive.Participant, domain string) string {
	// What has no id is told apart by what there is.
	id := cmp.Or(p.ID, p.Login, p.Email, p.Name)
	var framed []byte
	for _, part := range []string{r.set.Account, id} {
		framed = binary.AppendUvarint(framed, uint64(len(part)))
		framed = append(framed, part...)
	}
	sum := sha256.Sum256(framed)
	return prefix + strings.ToLower(letters.EncodeToString(sum[:15])) + "@" + domain
}

func unlessEmpty(text, note string) string {
	if text == "" {
		return ""
	}
	return note
}

// quote writes a text from outside as a double-quoted string of YAML.
func quote(s string) string {
	if len(s) > MaxKey {
		s = s[:MaxKey] + "…"
	}
	return strconv.QuoteToASCII(s)
}
