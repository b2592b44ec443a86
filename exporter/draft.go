package exporter

import (
	"cmp"
	"slices"
	"sync"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// draft is the first slice of a conversation, made while its first record was
// in memory anyway. A cut that comes soon after need not read the record again,
// which is half the work of a backfill (measured: 0.4 of jq's time instead of
// 0.8). It is what the cut would make, never more than a saving.
type draft struct {
	slice  checkpoint.Slice
	bytes  int   // of the line
	newest int64 // entry
}

// draftBytes bounds the drafts that wait to be cut.
const draftBytes = 6 << 20

// drafts holds the drafts of conversations that were just captured, by row. It
// is bounded: the oldest go first.
type drafts struct {
	mu    sync.Mutex
	byID  map[int64]*draft
	order []int64
	size  int
}

func newDrafts() *drafts { return &drafts{byID: map[int64]*draft{}} }

func (d *drafts) put(conversation int64, x *draft) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byID[conversation] = x
	d.order = append(d.order, conversation)
	d.size += x.weight()
	for d.size > draftBytes {
		d.drop(d.order[0])
		d.order = d.order[1:]
	}
}

func (d *drafts) drop(conversation int64) {
	if x := d.byID[conversation]; x != nil {
		d.size -= x.weight()
		delete(d.byID, conversation)
	}
}

// get is the draft of a conversation, nil when there is none. It stays, as
// another destination may want it.
func (d *drafts) get(conversation int64) *draft {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.byID[conversation]
}

func (x *draft) weight() int { return len(x.slice.Frame) + len(x.slice.Listing) + 200 }

// serves tells whether a draft is what a destination is owed: all of the first
// revision, when it has nothing yet.
func serves(o checkpoint.Owed, fromAt int64, recovered bool) bool {
	g := o.Given
	return o.Conversation.Revision == 1 && g.Revision == 0 && g.Floor == 0 && g.Slices == 0 && fromAt == 0 && !recovered
}

// sketch makes a draft of a record that has just been read, nil when it cannot
// be one slice.
func (p *page) sketch(c *captured, messages []archive.Message, happened []archive.Happening) *draft {
	weight := 0
	for i := range messages {
		weight += messageWeight(&messages[i])
	}
	if weight > sliceBytes || len(messages) > sliceMessages || len(messages)+len(happened) == 0 {
		return nil
	}
	s := c.header.slice(p.account, c.id, 1, 1)
	s.Messages, s.Happened = messages, happened
	slices.SortFunc(s.Messages, compareMessages)
	slices.SortFunc(s.Happened, compareHappenings)
	frozen, size, err := p.freezer.freeze(p.packer, s)
	if err != nil {
		return nil // the cut will say so
	}
	return &draft{slice: frozen, bytes: size, newest: newestOf(s, 0)}
}

func compareMessages(a, b archive.Message) int {
	return cmp.Or(cmp.Compare(a.SentAt, b.SentAt), cmp.Compare(a.Dialog, b.Dialog), cmp.Compare(a.Sequence, b.Sequence),
		cmp.Compare(a.Derived, b.Derived), cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Amends, b.Amends))
}

func compareHappenings(a, b archive.Happening) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Name, b.Name))
}

// freezer turns slices into what is stored of them. It keeps its buffers, so
// that it is for one goroutine.
type freezer struct{ line, listing []byte }

func (f *freezer) freeze(p *packer, s *archive.Slice) (frozen checkpoint.Slice, lineBytes int, err error) {
	if f.line, err = archive.AppendLine(f.line[:0], s); err != nil {
		return frozen, 0, err
	}
	listing := archive.ListingOf(s)
	listing.File = archive.TranscriptsFile
	f.listing = listing.Append(f.listing[:0])
	counts := archive.CountsOf(s)
	return checkpoint.Slice{
		Conversation: s.Conversation, Messages: counts.Messages, Amendments: counts.Amendments, From: counts.From, To: counts.To,
		Listing: slices.Clone(f.listing), Frame: p.pack(f.line),
	}, len(f.line), nil
}
