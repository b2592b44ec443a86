package filedump

import (
	"cmp"
	"slices"
	"strings"

	"lpexport/archive"
)

// room is everybody who is in one Conversation: the participants, the senders,
// whoever joined or left, and who writes the notes.
type room struct {
	set     *Settings
	slice   *archive.Slice
	people  []person // each LoginName once; the first writes the notes
	byLogin map[string]int
	byID    map[string]int
	named   map[string]*named // by path; nil: the slice tells of no file
}

// person is one of them. Two who share a LoginName are one to an archive.
type person struct {
	archive.Participant
	login         string
	joined, left  []int64
	first, latest int64 // message or file; 0: none
}

// newRoom looks through a slice that begins at start.
func (f *Format) newRoom(s *archive.Slice, start int64) *room {
	r := &room{set: &f.set, slice: s, byLogin: map[string]int{}, byID: map[string]int{}}
	r.add(&archive.Participant{Role: "system", Kind: "system", Address: f.set.System})
	for i := range s.Participants {
		r.add(&s.Participants[i])
	}
	for i := range s.Messages {
		r.add(&s.Messages[i].Sender).acts(cmp.Or(s.Messages[i].SentAt, start))
	}
	r.nameFiles()
	for i := range s.Happened {
		h := &s.Happened[i]
		if h.File.Held() {
			r.senderOf(h).acts(cmp.Or(h.At, start))
		}
		if h.Kind != archive.Joined && h.Kind != archive.Left || h.Participant == "" {
			continue
		}
		p := r.findOrAdd(h.Participant)
		times := &p.joined
		if h.Kind == archive.Left {
			times = &p.left
		}
		*times = append(*times, cmp.Or(h.At, start))
	}
	return r
}

// add puts a participant in, unless he is there, and returns him until the next
// call.
func (r *room) add(p *archive.Participant) *person {
	login := loginOf(p)
	i, there := r.byLogin[login]
	if !there {
		i = len(r.people)
		r.people = append(r.people, person{Participant: *p, login: login})
		r.byLogin[login] = i
	}
	if _, known := r.byID[p.ID]; !known && p.ID != "" {
		r.byID[p.ID] = i
	}
	return &r.people[i]
}

// find returns the participant of that id, nil if there is none.
func (r *room) find(id string) *person {
	if i, there := r.byID[id]; there {
		return &r.people[i]
	}
	return nil
}

// findOrAdd returns the participant of that id, who may be known by nothing else,
// until the next call.
func (r *room) findOrAdd(id string) *person {
	if p := r.find(id); p != nil {
		return p
	}
	return r.add(&archive.Participant{ID: id})
}

// acts notes that somebody said or sent something.
func (p *person) acts(at int64) {
	if p.first == 0 || at < p.first {
		p.first = at
	}
	p.latest = max(p.latest, at)
}

// loginOf is under which name an archive knows a participant.
func loginOf(p *archive.Participant) string {
	return cmp.Or(p.Address, p.Login, p.ID, "unknown")
}

// appendEntered appends when everybody came: when he joined, and at the start
// those who did not join or did something before.
func (r *room) appendEntered(dst []Element, start int64) []Element {
	from := len(dst)
	for i := range r.people {
		p := &r.people[i]
		for _, at := range p.joined {
			dst = append(dst, r.presence(entered, p, at))
		}
		if len(p.joined) == 0 || p.wasThereBefore(slices.Min(p.joined)) {
			dst = append(dst, r.presence(entered, p, start))
		}
	}
	sortByTime(dst[from:])
	return dst
}

func (p *person) wasThereBefore(at int64) bool {
	return p.first != 0 && p.first < at || len(p.left) > 0 && slices.Min(p.left) < at
}

// appendLeft appends when everybody went: when he left, and at the end those who
// did not leave or did something after.
func (r *room) appendLeft(dst []Element, end int64) []Element {
	from := len(dst)
	for i := range r.people {
		p := &r.people[i]
		for _, at := range p.left {
			dst = append(dst, r.presence(left, p, at))
		}
		if len(p.left) == 0 || p.isThereAfter(slices.Max(p.left)) {
			dst = append(dst, r.presence(left, p, end))
		}
	}
	sortByTime(dst[from:])
	return dst
}

func (p *person) isThereAfter(at int64) bool {
	return p.latest > at || len(p.joined) > 0 && slices.Max(p.joined) > at
}

func sortByTime(list []Element) {
	slices.SortStableFunc(list, func(a, b Element) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.LoginName, b.LoginName))
	})
}

func (r *room) presence(kind string, p *person, at int64) Element {
	e := Element{Kind: kind, LoginName: p.login, UserType: userType(&p.Participant), At: at, InternalFlag: "false"}
	if r.isInternal(p) {
		e.InternalFlag = "true"
	}
	if e.UserType == "user" && (p.Role == "agent" || p.Role == "manager") {
		e.CorporateEmailID = cmp.Or(p.Address, p.Email)
	}
	return e
}

func userType(p *archive.Participant) string {
	if p.Kind == "bot" || p.Kind == "system" || p.Role == "system" {
		return "bot"
	}
	return "user"
}

// isInternal tells whether somebody is of the firm: a consumer never is,
// whatever his address; others by the domain of theirs. Who works at the account
// and has no address is.
func (r *room) isInternal(p *person) bool {
	if p.Role == "consumer" || p.Role == "" {
		return false
	}
	_, domain, isAddress := strings.Cut(p.login, "@")
	if !isAddress {
		return true
	}
	domain = strings.ToLower(domain)
	return slices.ContainsFunc(r.set.Internal, func(d string) bool {
		return domain == d || strings.HasSuffix(domain, "."+d)
	})
}
