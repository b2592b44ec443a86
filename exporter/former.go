package exporter

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// How versions before this one read records and named what they hold. Nothing is
// delivered as this file reads it.
//
// States of those versions know entries by hashes and names that followed from it:
// of words in which a person had written "NA", "null" or "undefined", of texts that
// UTF-8 cannot hold, and of times that were not read. Without this, such an entry
// would be another one after the upgrade: amended or told twice, or, where it was
// still owed, not found again. So what is read otherwise today is read both ways,
// and known by either. All else has one reading, and costs nothing here.

// former is what an earlier version knew an entry by; nil where it is the same.
type former struct {
	hash, words, derived uint64
}

// isFormerNothing reports whether a text used to be taken for none.
func isFormerNothing(s string) bool {
	switch s {
	case "undefined", "null", "NA":
		return true
	}
	return false
}

// parseFormerTime reads the forms of times that used to be read.
func parseFormerTime(s string) int64 {
	if len(s) < len(clockForm) || s[0] != '1' && s[0] != '2' {
		return 0
	}
	for _, form := range []string{"2006-01-02 15:04:05.000-0700", "2006-01-02T15:04:05.000-0700", time.RFC3339Nano, clockForm} {
		if t, err := time.Parse(form, s); err == nil {
			return max(t.UnixMilli(), 0)
		}
	}
	return 0
}

// newFormer is what a message was known by that is now read otherwise: before is
// the same in the former reading.
func newFormer(now, before *archive.Message) *former {
	f := &former{hash: before.ContentHash(), words: before.WordsHash()}
	if before.Derived != "" {
		f.derived = hash64([]byte(before.Derived))
	}
	if f.hash == now.ContentHash() && f.words == now.WordsHash() && before.Derived == now.Derived {
		return nil
	}
	return f
}

// knew reports whether a version is what an earlier one of this program knew the
// message by.
func (f *former) knew(v version) bool {
	return f != nil && (v.told && v.hash == f.words || !v.told && v.hash == f.hash)
}

// formerNames pairs the names of happenings with those that they had before, where
// these are other ones. Of two that are alike but for their times or their answers,
// the first was the first.
func (n *normaliser) formerNames(r *liveperson.Record, now []archive.Happening) map[string]string {
	h := n.readHeader(r, reader{former: true})
	before := n.readHappenings(&h, r)
	names := map[string]string{}
	var gone []archive.Happening
	for _, e := range before {
		if !slices.ContainsFunc(now, func(o archive.Happening) bool { return o.Name == e.Name }) {
			gone = append(gone, e)
		}
	}
	for i := range now {
		e := &now[i]
		if slices.ContainsFunc(before, func(o archive.Happening) bool { return o.Name == e.Name }) {
			continue
		}
		if j := slices.IndexFunc(gone, func(o archive.Happening) bool { return o.Kind == e.Kind && subjectInName(&o) == subjectInName(e) }); j >= 0 {
			names[e.Name] = gone[j].Name
			gone = slices.Delete(gone, j, j+1)
		}
	}
	return names
}

// subjectInName is what a happening's name has besides its time and the hash of its words.
func subjectInName(h *archive.Happening) string {
	_, id, _ := strings.Cut(h.Name, "/")
	if h.Kind == archive.Survey {
		id, _, _ = strings.Cut(id, "#")
	}
	return id
}

// past reads stored revisions again while a record is merged.
type past struct {
	*Exporter
	ctx          context.Context
	norm         *normaliser
	conversation int64
	sourceID     string
}

// past is what is stored of a conversation; nil when nothing is.
func (c *capture) past(ctx context.Context, known *checkpoint.Conversation) *past {
	if known.Revision == 0 {
		return nil
	}
	return &past{c.Exporter, ctx, c.norm, known.ID, known.SourceID}
}

// each calls with every message of a stored revision, as a record or an event of it
// has it. What cannot be unpacked holds none.
func (p *past) each(revision int, message func(*capturedMessage), happened func(now, before string)) error {
	var h header
	err := p.scan(p.ctx, p.conversation, revision, visit{
		head: func(r *liveperson.Record) {
			h = p.norm.header(r)
			p.norm.happenings(&h, r)
			for now, before := range h.formerly {
				happened(now, before)
			}
		},
		message: func(_ place, v liveperson.Value) {
			c := captured{header: h}
			p.norm.captureMessage(&c, v, true)
			for i := range c.messages {
				message(&c.messages[i])
			}
		},
		happened: func([]archive.Happening) {},
		change: func(_ place, v liveperson.Value) {
			if m, f, ok := p.norm.toldMessageAs(&header{}, p.sourceID, v); ok {
				k := newCaptured(&m, f)
				k.words, k.sender = m.WordsHash(), senderHash(liveperson.Value(m.Sender.ID))
				message(&k)
			}
		},
	})
	if errors.Is(err, errFrame) || errors.Is(err, liveperson.ErrNotification) {
		return nil
	}
	return err
}

// renew makes entries of a message's or a happening's revision known by what they
// are known by today, if by then only their former names are. It reads the stored
// revision again: what has changed since must not be taken for what is read otherwise.
func (m *merger) renew(revision int) {
	if m.err != nil || m.past == nil || revision < 1 || m.renewed[revision] {
		return
	}
	if m.renewed == nil {
		m.renewed = map[int]bool{}
	}
	m.renewed[revision] = true
	m.err = m.past.each(revision, func(c *capturedMessage) {
		if c.former == nil {
			return
		}
		d := m.seen.find(c.dialog)
		if d == nil {
			return
		}
		if c.derived != 0 {
			renameOne(&d.derived, c.former.derived, c.derived)
			return
		}
		from, to := d.group(c.sequence)
		for i := from; i < to; i++ {
			if d.messages[i].renew(revision, c) {
				return
			}
		}
	}, func(now, before string) { m.rename(hash64([]byte(before)), hash64([]byte(now))) })
}

// renew gives a version that the revision brought the hash of today; false when it
// is another message's.
func (k *seenMessage) renew(revision int, c *capturedMessage) bool {
	if int(k.revision) == revision && c.former.knew(k.present()) {
		k.hash = c.saidAs(k.told)
		return true
	}
	for i, v := range k.versions() {
		if v.revision == revision && c.former.knew(v) {
			k.versions()[i].hash = c.saidAs(v.told)
			return true
		}
	}
	return false
}

// saidAs is by which hash a message is known that an event told, or a record.
func (c *capturedMessage) saidAs(told bool) uint64 {
	if told {
		return c.words
	}
	return c.hash
}

// recognise prepares for a message that is known by what it used to be known by.
func (m *merger) recognise(d *seenDialog, c *capturedMessage) {
	if c.derived != 0 {
		if i, known := findName(d.derived, c.former.derived); known && c.former.derived != c.derived {
			m.renew(d.derived[i].revision)
			renameOne(&d.derived, c.former.derived, c.derived)
			m.renamed = true
		}
		return
	}
	from, to := d.group(c.sequence)
	for i := from; i < to; i++ {
		k := &d.messages[i]
		if !c.former.knew(k.present()) || k.hash == c.saidAs(k.told) {
			continue
		}
		m.renew(int(k.revision))
		if m.renamed = true; c.former.knew(k.present()) {
			k.hash = c.saidAs(k.told) // its revision cannot be read
		}
	}
}

// recogniseHappening is the same for what happened.
func (m *merger) recogniseHappening(h *capturedHappening) {
	i, known := findName(m.seen.happened, h.former)
	if h.former == 0 || !known {
		return
	}
	m.renew(m.seen.happened[i].revision)
	m.rename(h.former, h.hash)
	m.renamed = true
}

// rename gives a happening that is known under one name another.
func (m *merger) rename(before, now uint64) {
	if !renameOne(&m.seen.happened, before, now) {
		return
	}
	for i := range m.seen.live.told {
		if t := &m.seen.live.told[i]; t.by == before {
			t.by = now
		}
	}
}

// renameOne gives an entry of a sorted list another name; false: it is not there.
func renameOne(list *[]seenName, before, now uint64) bool {
	i, known := findName(*list, before)
	if !known || before == now {
		return false
	}
	revision := (*list)[i].revision
	*list = slices.Delete(*list, i, i+1)
	return addName(list, now, revision) || true
}
