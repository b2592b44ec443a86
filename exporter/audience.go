package exporter

import (
	"context"
	"slices"

	"lpexport/exporter/checkpoint"
)

// For whom a message is: for all, or for agents and managers only. Records say so;
// an event need not. What it does not say is taken to be for all, and marked so,
// until history says it. A destination that withholds private messages is given
// neither these nor what nobody has said to be for all.

// withheldAt reports whether a destination that withholds private messages was not
// given the version by a cut of that revision.
func (v *version) withheldAt(revision int) bool {
	return v.agents || v.assumed && (v.known == 0 || v.known > revision)
}

// is reports whether two versions are the same. The hash of what a record says
// includes for whom it is; the hash of an event's words does not.
func (v version) is(o version) bool {
	return v.hash == o.hash && (!v.told || !o.told || v.agents == o.agents)
}

// setKnown notes since which revision it is known that a message is for all.
func (m *seenMessage) setKnown(revision int) {
	if m.rare == nil {
		if revision == 0 {
			return
		}
		m.rare = &rarity{}
	}
	m.rare.known = revision
}

// newest is the newest revision that brought a message.
func (s *seen) newest() (revision int) {
	for i := range s.dialogs {
		d := &s.dialogs[i]
		for j := range d.messages {
			revision = max(revision, int(d.messages[j].revision))
		}
		for _, n := range d.derived {
			revision = max(revision, n.revision)
		}
	}
	return revision
}

// hear notes that history has a message that an event told without saying for whom:
// it is for all. settleHeard settles since which revision that is known.
func (m *merger) hear(k *seenMessage, c *capturedMessage) {
	if !k.assumed || c.agents || k.present().known != 0 {
		return
	}
	k.setKnown(m.revision)
	if m.heard++; m.heardAt == 0 || c.at < m.heardAt {
		m.heardAt = c.at
	}
	m.noted = true
}

// settleHeard finds out whether a destination waits for what was heard. Then that
// makes a revision, under which the destination is given it.
func (m *merger) settleHeard(tx *checkpoint.Tx, known *checkpoint.Conversation) error {
	if m.heard == 0 {
		return nil
	}
	awaited, err := tx.AnyUnsaid(known.ID)
	if err == nil && !awaited {
		m.heardBefore(known.Revision)
	}
	return err
}

// heardBefore makes known since an earlier revision what was heard in this merge:
// nobody waits for it, so that it is no reason for a new one.
func (m *merger) heardBefore(revision int) {
	for i := range m.seen.dialogs {
		d := &m.seen.dialogs[i]
		for j := range d.messages {
			k := &d.messages[j]
			if k.rare == nil {
				continue
			}
			if k.rare.known == m.revision {
				k.rare.known = revision
			}
			for n := range k.rare.versions {
				if v := &k.rare.versions[n]; v.known == m.revision {
					v.known = revision
				}
			}
		}
	}
	m.heard = 0
}

// learn finds out for whom the messages are that were captured before that was noted.
func (m *merger) learn() {
	if m.seen.unheard == 0 || m.past == nil || m.err != nil {
		return
	}
	if m.err = m.seen.learn(m.past, nil); m.err == nil {
		m.renamed = true // it is to be stored
	}
}

// learn reads the revisions that brought what is unheard. said, if not nil, is what
// the newest record says of messages that events told, by name.
func (s *seen) learn(p *past, said map[nameInDialog]*capturedMessage) error {
	if s.unheard == 0 {
		return nil
	}
	for _, revision := range s.unheardRevisions() {
		if _, err := p.each(revision, func(c *capturedMessage) {
			if d := s.find(c.dialog); d != nil {
				d.learn(c, revision, s.unheard, said)
			}
		}, func(string, string) {}); err != nil {
			return err
		}
	}
	s.unheard = 0
	return nil
}

// nameInDialog names a message of one conversation.
type nameInDialog struct {
	dialog   string
	sequence int64
}

func (s *seen) unheardRevisions() (list []int) {
	add := func(revision int) {
		if revision <= s.unheard && revision > 0 && !slices.Contains(list, revision) {
			list = append(list, revision)
		}
	}
	for i := range s.dialogs {
		d := &s.dialogs[i]
		for j := range d.messages {
			add(int(d.messages[j].revision))
			for _, v := range d.messages[j].versions() {
				add(v.revision)
			}
		}
		for _, n := range d.derived {
			add(n.revision)
		}
	}
	return list
}

// learn notes for whom a stored message is, with those versions that it is.
func (d *seenDialog) learn(c *capturedMessage, revision, unheard int, said map[nameInDialog]*capturedMessage) {
	if c.derived != 0 {
		if i, known := findName(d.derived, c.derived); known && d.derived[i].revision == revision {
			d.derived[i].agents = c.agents
		}
		return
	}
	from, to := d.group(c.sequence)
	for i := from; i < to; i++ {
		k := &d.messages[i]
		if v := k.present(); v.revision == revision && c.isVersion(v) {
			k.agents, k.assumed = c.agents, v.told && c.assumed
			if r := said[nameInDialog{d.id, c.sequence}]; k.assumed && k.confirmed && r != nil && r.words == v.hash {
				if k.agents = r.agents; !r.agents {
					k.setKnown(unheard)
				}
			}
		}
		for j := range k.versions() {
			if v := &k.rare.versions[j]; v.revision == revision && c.isVersion(*v) {
				v.agents, v.assumed = c.agents, v.told && c.assumed
			}
		}
	}
}

// isVersion reports whether a stored message is a version, also by what an earlier
// version of this program knew it by.
func (c *capturedMessage) isVersion(v version) bool {
	return v.hash == c.saidAs(v.told) || c.former.knew(v)
}

// learn makes known for whom the messages of a conversation are, where it was captured
// before that was noted.
func (b *cutBundle) learn(ctx context.Context, s *seen, known *checkpoint.Conversation) error {
	if s.unheard == 0 {
		return nil
	}
	p, said := &past{b.Exporter, ctx, b.norm, known.ID, known.SourceID}, map[nameInDialog]*capturedMessage{}
	if known.Recorded > 0 {
		if _, err := p.each(known.Recorded, func(c *capturedMessage) { said[nameInDialog{c.dialog, c.sequence}] = c }, func(string, string) {}); err != nil {
			return err
		}
	}
	return s.learn(p, said)
}
