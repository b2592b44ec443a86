package mail

import (
	"cmp"
	"slices"
	"strings"
)

// sender returns the index of the person in a mail's From, or -1: the address of
// the settings, or nobody's.
func (f *Format) sender(p *part) int {
	switch f.settings.From {
	case FromInitiator:
		return f.initiator(p)
	case FromInternal:
		initiator := f.initiator(p)
		if f.settings.Per == PerMessage && initiator >= 0 && f.isInternal(initiator) {
			return initiator
		}
		for _, i := range f.cast.addressed {
			if f.isInternal(i) {
				return i
			}
		}
		return initiator
	}
	return -1
}

// initiator is the author of a mail: of its message where it holds one message,
// else of the slice's first message whose sender has an address, else the first
// consumer, else the first participant. Nobody's words go out under the address
// of another: a message whose sender has no address has no author.
func (f *Format) initiator(p *part) int {
	if f.settings.Per == PerMessage && len(p.slice.Messages) > 0 {
		return f.addressee(f.cast.senders[p.before.messages])
	}
	for _, i := range f.cast.senders {
		if f.cast.people[i].address != "" {
			return f.addressee(i)
		}
	}
	for _, i := range f.cast.addressed {
		if isConsumer(&f.cast.people[i]) {
			return i
		}
	}
	if len(f.cast.addressed) > 0 {
		return f.cast.addressed[0]
	}
	return -1
}

// addressee returns i, or -1 where that person has no address.
func (f *Format) addressee(i int) int {
	if f.cast.people[i].address == "" {
		return -1
	}
	return i
}

// isInternal tells whether a person's address is in the firm's domains or below.
func (f *Format) isInternal(i int) bool {
	_, domain, _ := strings.Cut(strings.ToLower(f.cast.people[i].address), "@")
	for _, d := range f.settings.Internal {
		if domain == d || strings.HasSuffix(domain, "."+d) {
			return true
		}
	}
	return false
}

// Bounds of a To, and in bytes of any header that lists people. Mail servers refuse
// or cut longer ones: a Postfix cuts a header at 100 KiB.
const (
	mostListed  = 500
	listedBytes = 64 << 10
)

// others are everybody with an address but the person at index from, whatever else
// has that person's address. When they are more than a header lists, those who
// work at the account come first: they are who a reviewer looks for.
func (f *Format) others(from int) (list []*person) {
	f.eachOther(from, func(p *person) { list = append(list, p) })
	if len(list) > mostListed {
		slices.SortStableFunc(list, func(a, b *person) int { return cmp.Compare(rank(a), rank(b)) })
	}
	return list
}

func rank(p *person) int {
	if isConsumer(p) {
		return 1
	}
	return 0
}

// eachOther calls each for everybody with an address but the person at index
// from, whatever else has that person's address.
func (f *Format) eachOther(from int, each func(*person)) {
	for _, i := range f.cast.addressed {
		p := &f.cast.people[i]
		if from < 0 || !strings.EqualFold(p.address, f.cast.people[from].address) {
			each(p)
		}
	}
}

func (f *Format) appendFrom(dst []byte, p *part) []byte {
	h := begin(dst, "From")
	switch from := f.sender(p); {
	case from >= 0:
		f.mailbox(&h, &f.cast.people[from])
	case ValidAddress(f.settings.From):
		h.mailbox(nil, f.settings.From)
	default:
		h.mailbox([]byte(Marker), f.nobody())
	}
	return h.end()
}

// appendTo appends To, which the bounds above hold for. A mail whose only participant
// is in From has nobody there.
func (f *Format) appendTo(dst []byte, p *part) []byte {
	f.unlisted = 0
	h := begin(dst, "To")
	if ValidAddress(f.settings.To) {
		h.mailbox(nil, f.settings.To)
		return h.end()
	}
	from := -1
	if f.settings.To == ToOthers {
		from = f.sender(p)
	}
	listed := 0
	for _, other := range f.others(from) {
		before := h
		if listed > 0 {
			h.dst = append(h.dst, ',')
		}
		f.mailbox(&h, other)
		if listed == mostListed || len(h.dst)-len(dst) > listedBytes {
			h = before
			f.unlisted++
			continue
		}
		listed++
	}
	if listed == 0 {
		h.mailbox([]byte(Marker), f.nobody())
	}
	return h.end()
}

// mailbox appends a person's display name and address.
func (f *Format) mailbox(h *field, p *person) {
	f.value = appendShort(f.value[:0], p.Name)
	if p.Name == "" {
		f.value = appendShort(f.value[:0], p.Login)
	}
	h.mailbox(f.value, p.address)
}

// nobody is the address where there is no participant to name.
func (f *Format) nobody() string { return nobody + f.settings.Domain }

const nobody = "no-participants@"
