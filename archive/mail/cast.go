package mail

import (
	"strings"

	"lpexport/archive"
)

// person is a participant, or a sender that the participants do not tell of.
type person struct {
	*archive.Participant
	address string // the valid one, "" if there is none
	text    []byte // how an entry of text/plain calls the person
	html    []byte // and a row of the HTML
}

// identity is what two mentions of one person have in common.
type identity struct{ id, name, role, address string }

// cast is everybody in a slice: its participants in their order, then the
// senders that are not among them. It is the same in all parts.
type cast struct {
	people    []person
	senders   []int // index in people of each message's sender
	addressed []int // the people with an address, each address once, without regard to case

	byID     map[string]int
	known    map[identity]int
	taken    map[string]bool // addresses in lower case
	lettered []byte          // the memory of text and html
}

// gather forgets the slice before and learns to know s, which must stay as it is.
func (c *cast) gather(s *archive.Slice) {
	c.people, c.senders, c.addressed, c.lettered = c.people[:0], c.senders[:0], c.addressed[:0], c.lettered[:0]
	if c.byID == nil || len(c.known) > maxKept {
		c.byID, c.known, c.taken = make(map[string]int), make(map[identity]int), make(map[string]bool)
	}
	clear(c.byID)
	clear(c.known)
	clear(c.taken)
	for i := range s.Participants {
		c.meet(&s.Participants[i])
	}
	for i := range s.Messages {
		c.senders = append(c.senders, c.meet(&s.Messages[i].Sender))
	}
	for i := range c.people {
		p := &c.people[i]
		if lower := strings.ToLower(p.address); lower != "" && !c.taken[lower] {
			c.taken[lower] = true
			c.addressed = append(c.addressed, i)
		}
		c.letter(p)
	}
}

// maxKept is how many people are remembered by name in the same memory.
const maxKept = 4096

// meet returns the index of a person, a new one where nobody is the same. A
// sender without an address has that of the participant of the same id.
func (c *cast) meet(p *archive.Participant) int {
	same, named := c.byID[p.ID]
	key := identity{p.ID, p.Name, p.Role, p.Address}
	if key.address == "" && named {
		key.address = c.people[same].Address
	}
	if i, ok := c.known[key]; ok {
		return i
	}
	i := len(c.people)
	c.people = append(c.people, person{Participant: p})
	switch {
	case ValidAddress(p.Address):
		c.people[i].address = p.Address
	case named:
		c.people[i].address = c.people[same].address
	}
	c.known[key] = i
	if !named && p.ID != "" {
		c.byID[p.ID] = i
	}
	return i
}

// letter writes how the entries call a person.
func (c *cast) letter(p *person) {
	start := len(c.lettered)
	c.lettered = appendCalled(c.lettered, p)
	end := len(c.lettered)
	c.lettered = appendCalledHTML(c.lettered, p)
	p.text, p.html = c.lettered[start:end:end], c.lettered[end:len(c.lettered):len(c.lettered)]
}

// called is what a person is called: by name, else by login, else by id.
func called(p *archive.Participant) string {
	switch {
	case p.Name != "":
		return p.Name
	case p.Login != "":
		return p.Login
	}
	return p.ID
}

// appendCalled appends `Name <address> (role)`.
func appendCalled(dst []byte, p *person) []byte {
	dst = appendQuoted(dst, called(p.Participant))
	if p.address != "" {
		dst = append(append(append(dst, " <"...), p.address...), '>')
	} else {
		dst = append(appendQuoted(append(dst, " <no address, id "...), p.ID), '>')
	}
	return append(appendQuoted(append(dst, " ("...), p.Role), ')')
}

// appendByID appends the person of that id, or the id where nobody has it.
func (c *cast) appendByID(dst []byte, id string) []byte {
	if i, ok := c.byID[id]; ok {
		return append(dst, c.people[i].text...)
	}
	return appendQuoted(append(dst, "id "...), id)
}
