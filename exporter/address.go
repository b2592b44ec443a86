package exporter

import (
	"cmp"
	"strings"

	"lpexport/archive"
	"lpexport/exporter/identity"
	"lpexport/liveperson"
)

// resolveWith makes the normaliser give every participant an address. A consumer
// is never given that of somebody who works at the account now.
func (n *normaliser) resolveWith(r *identity.Resolver) {
	known := make([]string, 0, 2*len(n.users))
	for _, u := range n.users {
		known = append(known, u.Email, u.Login)
	}
	n.identity = r.Knowing(known)
}

// resolveAll gives the participants of a record their addresses.
func (n *normaliser) resolveAll(r *liveperson.Record, h *header) {
	if n.identity == nil {
		return
	}
	h.readEmails(r)
	for i := range h.participants {
		h.participants[i] = n.resolve(h, h.participants[i])
	}
}

// resolve gives one participant his address, or notes that none is known.
func (n *normaliser) resolve(h *header, p archive.Participant) archive.Participant {
	resolved, unknown := n.identity.Resolve(p, h.emails(p.ID))
	if unknown != nil {
		h.unknownAgents = append(h.unknownAgents, unknown)
	}
	return resolved
}

// resolveOther gives a sender who is no participant his address, the same to all
// of his messages.
func (n *normaliser) resolveOther(h *header, p archive.Participant) archive.Participant {
	if n.identity == nil {
		return p
	}
	key := p.Role + " " + p.ID
	if known, found := h.others[key]; found {
		return known
	}
	if h.others == nil {
		h.others = map[string]archive.Participant{}
	}
	resolved := n.resolve(h, p)
	h.others[key] = resolved
	return resolved
}

// emails are what a record says of a consumer's e-mails. Engagement attributes
// are of the conversation and name nobody: of two consumers, either might be
// meant, so that neither is given them.
func (h *header) emails(participant string) identity.Emails {
	consumers, is := 0, false
	own := ""
	for i := range h.participants {
		if p := &h.participants[i]; p.Role == "consumer" {
			consumers++
			if p.ID == participant {
				is, own = true, p.Email
			}
		}
	}
	if consumers != 1 || !is {
		return identity.Emails{Given: own}
	}
	return identity.Emails{Verified: h.verifiedEmail, Given: cmp.Or(own, h.givenEmail)}
}

// readEmails reads the engagement attributes (SDEs). Those of the section sdes
// come from visitors who had logged in to the brand's site, those of unAuthSdes
// from anybody. An event that says itself that it is not authenticated is
// believed, one that says it is makes nothing of the other section.
//
// Sources: Messaging Interactions API, "engagement attributes" (SDE) tables and
// examples, v=1 and v=2.
func (h *header) readEmails(r *liveperson.Record) {
	var verified, given personalEmail
	r.Attributes.Get("events").Each(func(e liveperson.Value) bool {
		if saysUnauthenticated(e) {
			given.read(e)
		} else {
			verified.read(e)
		}
		return true
	})
	r.UnauthAttributes.Get("events").Each(func(e liveperson.Value) bool {
		given.read(e)
		return true
	})
	h.verifiedEmail, h.givenEmail = verified.email, given.email
}

func saysUnauthenticated(event liveperson.Value) bool {
	for _, v := range []liveperson.Value{event, event.Get("personalInfo")} {
		if said := v.Get("isAuthenticated"); said.Present() && !said.Bool() {
			return true
		}
	}
	return false
}

// personalEmail is the e-mail of the latest event that has one; of two at the
// same time it is the one that stands later.
type personalEmail struct {
	email string
	at    int64
}

func (p *personalEmail) read(event liveperson.Value) {
	outer := event.Get("personalInfo")
	info := outer
	if inner := outer.Get("personalInfo"); inner.IsObject() {
		info = inner
	}
	email := ""
	info.Get("contacts").Each(func(c liveperson.Value) bool {
		if inner := c.Get("personalContact"); inner.IsObject() {
			c = inner
		}
		if s := c.Get("email").Text(); strings.Contains(s, "@") { // brands write all kinds of words for none
			email = s
		}
		return email == ""
	})
	at := cmp.Or(event.Get("serverTimeStamp").Millis(), outer.Get("serverTimeStamp").Millis())
	if email != "" && at >= p.at {
		p.email, p.at = email, at
	}
}
