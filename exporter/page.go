package exporter

import (
	"cmp"
	"crypto/sha256"
	"slices"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// page collects the records of one answer as they stream by. Of each it keeps
// the compressed bytes and what the transaction needs to compare it with what
// is known; the record itself is gone before the next one comes.
type page struct {
	n         *normaliser
	packer    *packer
	account   string
	alone     bool  // it was asked for alone: what is cut short here stays so
	asked     int64 // the checkpoint's changes when it was asked for
	events    bool  // the account has events: what they told is compared with
	drafting  bool  // most of it is likely to be new: make drafts of first slices
	freezer   freezer
	messages  []archive.Message // of the record being read, when drafting
	numbered  numbered          // of the record being read
	held      int               // bytes kept so far
	records   []captured
	listed    []listed    // all of them, in order
	oversized []oversized // records that are too big to come with others
	overtaken []string    // ids of records that may be older than what is known
}

// oversized is what is known of a record before it is fetched alone.
type oversized struct {
	id        string
	startedAt int64
}

// capturedMessageSize is about what is kept of a message beside its bytes.
const capturedMessageSize = 80

// draftsUntil bounds what a page keeps for the sake of speed: with long
// conversations, drafts would double what waits in memory to be stored.
const draftsUntil = 2 << 20

// captured is one record between its page and its transaction.
type captured struct {
	header
	reason   string // why it goes to quarantine, or ""
	alone    bool   // it was asked for alone
	due      bool   // it lacks messages, and is to be looked at by id now
	skillIDs []string
	bytes    int64
	sha256   [sha256.Size]byte
	frame    []byte
	messages []capturedMessage
	beyond   []statusName // messages that only its statuses are about
	happened []capturedHappening
	draft    *checkpoint.Line // nil: none was made
	facts    []uint64
	files    []checkpoint.HostedFile // that its messages name
	unknown  []string                // message types that nobody knows yet
}

type capturedMessage struct {
	dialog   string
	sequence int64
	derived  uint64 // hash of the derived name, or 0
	hash     uint64
	words    uint64 // hash of its words; 0 where no event can have told it
	at       int64
	sender   uint32  // senderHash
	lossy    bool    // it has what UTF-8 cannot hold
	agents   bool    // it is for agents and managers only
	assumed  bool    // an event told it and did not say for whom it is
	silent   bool    // a record has it and does not say for whom it is
	former   *former // what an earlier version knew it by; nil: the same
}

// newCaptured is a message as it is compared with what is known, but for its words
// and its sender.
func newCaptured(m *archive.Message, f *former) capturedMessage {
	k := capturedMessage{dialog: m.Dialog, sequence: m.Sequence, hash: m.ContentHash(), at: m.SentAt, lossy: len(m.Received) > 0,
		agents: m.Audience == "agents", assumed: m.Assumed, former: f}
	if m.Derived != "" {
		k.derived = hash64([]byte(m.Derived))
	}
	return k
}

type capturedHappening struct {
	kind    string
	hash    uint64
	subject uint64 // hash of what it happened to; 0 where no event can have told it
	at      int64
	former  uint64 // hash of the name that an earlier version gave it; 0: the same
	lossy   bool   // it has what UTF-8 cannot hold
	untimed bool   // its time could not be read
}

// Reset forgets what an attempt that failed has given.
func (p *page) Reset() {
	p.records, p.listed, p.oversized, p.held = p.records[:0], p.listed[:0], p.oversized[:0], 0
}

// Record takes one record's bytes as received.
func (p *page) Record(raw []byte) error {
	c := p.capture(raw)
	c.bytes, c.sha256 = int64(len(raw)), sha256.Sum256(raw)
	c.frame = p.packer.pack(raw)
	p.held += len(c.frame) + len(c.messages)*capturedMessageSize
	if c.draft != nil {
		p.held += len(c.draft.Frame) + len(c.draft.Listing)
	}
	p.add(c)
	return nil
}

func (p *page) add(c captured) {
	p.records = append(p.records, c)
	p.listed = append(p.listed, listed{cmp.Or(c.id, string(c.sha256[:])), c.startedAt})
}

// Oversized notes a record that has to be fetched alone.
func (p *page) Oversized(info []byte) error {
	h := p.n.header(&liveperson.Record{Info: liveperson.Info{Value: info}})
	if liveperson.UsableID(h.id) {
		p.oversized = append(p.oversized, oversized{h.id, h.startedAt})
		p.listed = append(p.listed, listed{h.id, h.startedAt})
	} else {
		p.add(captured{header: header{id: h.id, startedAt: h.startedAt}, reason: "it is over the size limit and has no conversationId that can be asked for",
			bytes: int64(len(info)), sha256: sha256.Sum256(info), frame: p.packer.pack(info)})
	}
	return nil
}

// unusableID is why a record waits that no later version will read otherwise.
const unusableID = "its conversationId is over 1024 bytes or was received damaged, so it cannot be told from others: ask LivePerson to correct it"

// capture reads what has to be known of a record to compare it with an earlier one.
func (p *page) capture(raw []byte) captured {
	r := liveperson.ReadRecord(raw)
	c := captured{header: p.n.header(&r)}
	switch {
	case !liveperson.Value(raw).IsObject():
		c.reason = "the record is no JSON object"
	case c.id == "":
		c.reason = "the record has no conversationId"
	case !liveperson.UsableID(c.id):
		c.reason = unusableID
	case r.MalformedMessages:
		c.reason = "its messageRecords are no list"
	}
	if c.reason != "" {
		return c
	}
	drafting := p.drafting && p.held < draftsUntil
	p.messages = p.messages[:0]
	for _, list := range r.Messages {
		list.Each(func(v liveperson.Value) bool {
			m := p.n.captureMessage(&c, v, p.events)
			if drafting {
				p.messages = append(p.messages, m)
			}
			return true
		})
	}
	c.beyond = p.numbered.beyond(c.messages, len(c.dialogs), r.Statuses)
	happened := p.n.captureRest(&c, &r, p.events)
	if drafting && c.reason == "" {
		c.draft = p.sketch(&c, p.messages, happened)
		clear(p.messages) // let their texts go
	}
	c.participants, c.skills = nil, nil
	if !p.events {
		c.dialogs = nil
	}
	return c
}

// captureMessage reads one message; with events also what it has in common with
// one that an event told.
func (n *normaliser) captureMessage(c *captured, v liveperson.Value, events bool) archive.Message {
	if !v.IsObject() {
		c.reason = "one of its messages is no JSON object"
		return archive.Message{}
	}
	read := liveperson.ReadMessage(v)
	m, f := n.messageAs(&c.header, read)
	k := newCaptured(&m, f)
	k.sender = senderHash(read.Participant)
	if events {
		k.words, k.silent = m.WordsHash(), read.Audience.In(liveperson.Audience) == ""
	}
	if !slices.Contains(knownTypes, m.Type) {
		c.unknown = append(c.unknown, m.Type)
	}
	c.messages = append(c.messages, k)
	c.files = appendNamed(c.files, &m)
	return m
}

// captureRest reads everything but the messages.
func (n *normaliser) captureRest(c *captured, r *liveperson.Record, events bool) []archive.Happening {
	happened := n.happenings(&c.header, r)
	for i := range happened {
		h := &happened[i]
		k := capturedHappening{kind: h.Kind, hash: hash64([]byte(h.Name)), at: h.At, lossy: len(h.Received) > 0, untimed: h.At == 0 || h.AtText != ""}
		if before, renamed := c.formerly[h.Name]; renamed {
			k.former = hash64([]byte(before))
		}
		if events {
			k.subject = subjectOf(h)
		}
		c.happened = append(c.happened, k)
	}
	for _, s := range c.skills {
		c.skillIDs = append(c.skillIDs, s.ID)
	}
	// Engagement attributes come hours later and only some come with a search.
	// They are kept for the record, and never delivered.
	for _, attributes := range []liveperson.Value{r.Attributes, r.UnauthAttributes} {
		attributes.Get("events").Each(func(e liveperson.Value) bool {
			c.facts = append(c.facts, hash64(e))
			return true
		})
	}
	return happened
}
