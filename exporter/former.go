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
// these are other ones. Of several that are alike but for their times and their
// words, the first was the first.
func (n *normaliser) formerNames(r *liveperson.Record, now []archive.Happening) map[string]string {
	h := n.readHeader(r, reader{former: true})
	before := n.readHappenings(&h, r)
	had, has := namesOf(before), namesOf(now)
	gone := map[string][]string{} // by what is alike
	for i := range before {
		if e := &before[i]; !has[e.Name] {
			gone[subjectInName(e)] = append(gone[subjectInName(e)], e.Name)
		}
	}
	names := map[string]string{}
	for i := range now {
		e := &now[i]
		alike := gone[subjectInName(e)]
		if had[e.Name] || len(alike) == 0 {
			continue
		}
		names[e.Name], gone[subjectInName(e)] = alike[0], alike[1:]
	}
	return names
}

func namesOf(list []archive.Happening) map[string]bool {
	names := make(map[string]bool, len(list))
	for i := range list {
		names[list[i].Name] = true
	}
	return names
}

// subjectInName is a happening's name without its time and the hash of its words.
func subjectInName(h *archive.Happening) string {
	_, id, _ := strings.Cut(h.Name, "/")
	if h.Kind == archive.Survey {
		id, _, _ = strings.Cut(id, "#")
	}
	return h.Kind + "/" + id
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

// each calls with every message of a stored revision, as its record or its events
// have it, and with every happening that has another name than before. readable is
// false when the revision cannot be unpacked: then it may have others.
func (p *past) each(revision int, message func(*capturedMessage), happened func(now, before string)) (readable bool, err error) {
	var h header
	err = p.scan(p.ctx, p.conversation, revision, visit{
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
		return false, nil
	}
	return true, err
}

// renew makes the entries that a revision brought known by what they are known by
// today. It reads the revision again: what somebody changed must not be taken for
// what is only read otherwise. It is false where the revision cannot be read.
func (m *merger) renew(revision int) (readable bool) {
	switch {
	case revision < 1:
		return false
	case m.err != nil || m.past == nil || revision == m.revision: // as all that this merge brings
		return true
	}
	if readable, done := m.reread[revision]; done {
		return readable
	}
	if m.reread == nil {
		m.reread = map[int]bool{}
	}
	claimed := map[*uint64]bool{}
	readable, m.err = m.past.each(revision, func(c *capturedMessage) {
		d := m.seen.find(c.dialog)
		switch {
		case d == nil:
		case c.derived == 0:
			from, to := d.group(c.sequence)
			m.renamed = renewGroup(d.messages[from:to], claimed, revision, c) || m.renamed
		case c.former != nil:
			m.renamed = renameOne(&d.derived, c.former.derived, c.derived) || m.renamed
		}
	}, func(now, before string) { m.rename(hash64([]byte(before)), hash64([]byte(now))) })
	m.reread[revision] = readable
	return readable
}

// renewGroup gives the version that a stored message was taken for the hash that it
// has today. The messages of a revision come in its order, and each version was made
// of one of them: one that is known by its hash of today is that, another one is the
// first that the revision brought and that has the former.
func renewGroup(group []seenMessage, claimed map[*uint64]bool, revision int, c *capturedMessage) (renewed bool) {
	var former *uint64
	told := false
	for i := range group {
		k := &group[i]
		for j := range len(k.versions()) + 1 {
			v, hash := k.present(), &k.hash
			if j < len(k.versions()) {
				v, hash = k.versions()[j], &k.versions()[j].hash
			}
			switch {
			case claimed[hash] || v.revision > revision:
			case v.hash == c.saidAs(v.told):
				claimed[hash] = true
				return false
			case former == nil && v.revision == revision && c.former.knew(v):
				former, told = hash, v.told
			}
		}
	}
	if former == nil {
		return false
	}
	claimed[former], *former = true, c.saidAs(told)
	return true
}

// saidAs is by which hash a message is known that an event told, or a record.
func (c *capturedMessage) saidAs(told bool) uint64 {
	if told {
		return c.words
	}
	return c.hash
}

// recognise prepares for a message that may be known by what it used to be known by.
func (m *merger) recognise(d *seenDialog, c *capturedMessage) {
	if c.derived != 0 {
		if i, known := findName(d.derived, c.former.derived); known && !m.renew(d.derived[i].revision) {
			m.renamed = renameOne(&d.derived, c.former.derived, c.derived) || m.renamed
		}
		return
	}
	from, to := d.group(c.sequence)
	for i := from; i < to; i++ {
		k := &d.messages[i]
		if c.former.knew(k.present()) && !m.renew(int(k.revision)) {
			k.hash, m.renamed = c.saidAs(k.told), true
		}
		for _, v := range k.versions() {
			if c.former.knew(v) {
				m.renew(v.revision)
			}
		}
	}
}

// recogniseHappening is the same for what happened.
func (m *merger) recogniseHappening(h *capturedHappening) {
	if h.former == 0 {
		return
	}
	if i, known := findName(m.seen.happened, h.former); known && !m.renew(m.seen.happened[i].revision) {
		m.rename(h.former, h.hash)
	}
}

// rename gives a happening that is known under one name another.
func (m *merger) rename(before, now uint64) {
	if !renameOne(&m.seen.happened, before, now) {
		return
	}
	m.renamed = true
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
