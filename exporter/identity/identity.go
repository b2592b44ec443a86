// Package identity gives every participant of a conversation the address that
// an archive files him under: agents and bots by the firm's own, consumers by
// an e-mail that may be trusted or by one that is made here.
//
// It is pure: the same settings and the same participant give the same address,
// in every run. What it is told comes from outside and is believed only as far
// as the settings say, for archives tell inside from outside by addresses.
package identity

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Settings are how participants are given addresses.
type Settings struct {
	Account           string            // a part of every address that is made, so that two accounts share none
	InternalDomains   []string          // of the firm, with all domains below them
	ConsumerEmail     string            // EmailVerified, EmailGiven or EmailNever
	ConsumerDomain    string            // of addresses made for consumers; no internal one
	BotDomain         string            // of addresses made for bots and the system
	PlaceholderDomain string            // of addresses made for unknown agents; may be "" unless UnknownAgent is UnknownPlaceholder
	Agents            map[string]string // address by login, id or e-mail in LivePerson, case ignored
	UnknownAgent      string            // UnknownHold or UnknownPlaceholder
}

// Which e-mail of a consumer becomes his address.
const (
	EmailVerified = "verified" // one that LivePerson had authenticated
	EmailGiven    = "given"    // also one that was only said
	EmailNever    = "never"
)

// What becomes of an agent without an address.
const (
	UnknownHold        = "hold"        // what he took part in waits for a person
	UnknownPlaceholder = "placeholder" // he is given one that is made
)

// Resolver gives addresses. It does not change once it is made and may be used
// by several goroutines.
type Resolver struct {
	set    Settings
	made   []string          // domains that addresses are made in
	mapped map[string]string // Settings.Agents by folded key
	known  map[string]bool   // addresses of agents, folded
}

// New checks the settings. The error names all that is wrong with them, one
// fact a line.
func New(s Settings) (*Resolver, error) {
	r := &Resolver{mapped: map[string]string{}, known: map[string]bool{}}
	err := errors.Join(r.readDomains(&s), r.readAgents(&s), checkChoices(&s))
	if err != nil {
		return nil, err
	}
	r.set = s
	return r, nil
}

func checkChoices(s *Settings) error {
	if !slices.Contains([]string{EmailVerified, EmailGiven, EmailNever}, s.ConsumerEmail) {
		return fmt.Errorf("consumer e-mail: must be %s, %s or %s", EmailVerified, EmailGiven, EmailNever)
	}
	switch {
	case s.UnknownAgent != UnknownHold && s.UnknownAgent != UnknownPlaceholder:
		return fmt.Errorf("unknown agent: must be %s or %s", UnknownHold, UnknownPlaceholder)
	case s.UnknownAgent == UnknownPlaceholder && s.PlaceholderDomain == "":
		return errors.New("placeholder domain: is needed for placeholders")
	}
	return nil
}

// readDomains puts the domains of s into the form that ParseDomain returns.
func (r *Resolver) readDomains(s *Settings) error {
	var errs []error
	s.InternalDomains = slices.Clone(s.InternalDomains)
	for i, domain := range s.InternalDomains {
		parsed, err := ParseDomain(domain)
		if err != nil {
			errs = append(errs, fmt.Errorf("internal domain %q: %w", domain, err))
		}
		s.InternalDomains[i] = parsed
	}
	for _, each := range []struct {
		name  string
		at    *string
		empty bool
	}{
		{"consumer domain", &s.ConsumerDomain, false},
		{"bot domain", &s.BotDomain, false},
		{"placeholder domain", &s.PlaceholderDomain, true},
	} {
		if each.empty && *each.at == "" {
			continue
		}
		parsed, err := ParseMadeDomain(*each.at)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %q: %w", each.name, *each.at, err))
		}
		*each.at = parsed
		r.made = append(r.made, parsed)
	}
	if len(errs) == 0 {
		errs = append(errs, checkApart(s))
	}
	return errors.Join(errs...)
}

// checkApart keeps consumers from passing for the firm, and the other way round.
func checkApart(s *Settings) error {
	if Within(s.ConsumerDomain, s.InternalDomains) {
		return fmt.Errorf("consumer domain %q: must not be an internal one: consumers would pass for the firm", s.ConsumerDomain)
	}
	for _, domain := range append([]string{s.BotDomain, s.PlaceholderDomain}, s.InternalDomains...) {
		if Within(domain, []string{s.ConsumerDomain}) {
			return fmt.Errorf("consumer domain %q: must be the consumers' own, and %q is it or below it", s.ConsumerDomain, domain)
		}
	}
	return nil
}

// ParseMadeDomain reads a domain as ParseDomain does, and leaves room before it
// for the addresses that are made in it.
func ParseMadeDomain(text string) (string, error) {
	domain, err := ParseDomain(text)
	if err != nil {
		return "", err
	}
	if most := maxAddress - longestMade - 1; len(domain) > most {
		return "", fmt.Errorf("must be at most %d characters", most)
	}
	return domain, nil
}

// readAgents comes after readDomains.
func (r *Resolver) readAgents(s *Settings) error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(s.Agents)) {
		address, err := ParseAddress(s.Agents[key])
		if _, domain, _ := cutLast(address, '@'); err == nil && s.ConsumerDomain != "" && Within(domain, []string{s.ConsumerDomain}) {
			err = errors.New("must not be in the consumers' domain")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("agent %q: %w", key, err))
			continue
		}
		folded := Fold(key)
		if other, twice := r.mapped[folded]; folded == "" || twice && other != address {
			errs = append(errs, fmt.Errorf("agent %q: is no key, or the same as another but for its case", key))
		}
		r.mapped[folded] = address
		r.known[Fold(address)] = true
	}
	return errors.Join(errs...)
}

// Fold is the form in which logins and addresses are compared.
func Fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// Knowing returns a Resolver that also keeps these addresses of agents from
// becoming a consumer's. What is no address is passed over. r stays as it is.
func (r *Resolver) Knowing(agents []string) *Resolver {
	knowing := *r
	knowing.known = maps.Clone(r.known)
	for _, text := range agents {
		if address, err := ParseAddress(strings.TrimSpace(text)); err == nil {
			knowing.known[Fold(address)] = true
		}
	}
	return &knowing
}

// UnknownAgentError says that nobody knows the address of an agent.
type UnknownAgentError struct {
	ID, Login, Name string // as LivePerson has them, each may be ""
}

func (e *UnknownAgentError) Error() string {
	return fmt.Sprintf("agent %s has no address (id %s, name %s)", quote(e.Login), quote(e.ID), quote(e.Name))
}

// Hint is what to add to the configuration, with the agent's address put in.
func (e *UnknownAgentError) Hint() string {
	for _, key := range []string{e.Login, e.ID} {
		if Fold(key) != "" && len(key) <= MaxKey {
			return fmt.Sprintf(`identity.agents: {%s: "address@firm.example"}`, quote(key))
		}
	}
	return "identity.unknown_agent: placeholder (LivePerson gives neither a login nor an id to map)"
}

// MaxKey bounds the keys of Settings.Agents, in bytes.
const MaxKey = 256
