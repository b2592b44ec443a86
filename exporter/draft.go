package exporter

import (
	"cmp"
	"slices"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// A draft is the first slice of a conversation, rendered while its first record
// is in memory anyway. A cut that finds it need not read, unpack and decode the
// record again, which is half the work of a backfill. It is just what the cut
// would make, so never more than a saving; several destinations may share it.

// sketch makes a draft of a record that has just been read, nil when it cannot
// be one slice.
func (p *page) sketch(c *captured, messages []archive.Message, happened []archive.Happening) *checkpoint.Line {
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
	line, err := p.freezer.freeze(p.packer, s)
	if err != nil {
		return nil // the cut will say so
	}
	line.Draft = draftReading
	return &line
}

// draftReading is by which reading of records drafts are made: one that an earlier
// version made by another is not what the cut would make.
const draftReading = 2

// serves reports whether a draft is what a destination is owed: all of the first
// revision, when it has nothing yet.
func serves(o *checkpoint.Owed, fromAt int64, recovered bool) bool {
	return o.Draft.Draft == draftReading && o.Conversation.Revision == 1 && o.Given.Revision == 0 && o.Given.Slices == 0 && fromAt == 0 && !recovered
}

func compareMessages(a, b archive.Message) int {
	return cmp.Or(cmp.Compare(a.SentAt, b.SentAt), cmp.Compare(a.Dialog, b.Dialog), cmp.Compare(a.Sequence, b.Sequence),
		cmp.Compare(a.Derived, b.Derived), cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Amends, b.Amends))
}

func compareHappenings(a, b archive.Happening) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Name, b.Name))
}

// leastAttachment is what a file counts at least in a bundle: there may be only so
// many in one.
const leastAttachment = 1 << 10

// freezer turns slices into lines. It keeps its buffers, so that it is for one
// goroutine.
type freezer struct{ line, listing []byte }

// roomFor is about what the line of a large slice takes, 0 for another: grown step
// by step, the memory would hold it twice.
func roomFor(s *archive.Slice) (n int) {
	for i := range s.Messages {
		n += messageWeight(&s.Messages[i])
	}
	if n < largeBytes {
		return 0
	}
	return n + n/16
}

// drop gives back what a large slice took.
func (f *freezer) drop() { f.line, f.listing = keep(f.line), keep(f.listing) }

func (f *freezer) freeze(p *packer, s *archive.Slice) (l checkpoint.Line, err error) {
	if f.line, err = archive.AppendLine(slices.Grow(f.line[:0], roomFor(s)), s); err != nil {
		return l, err
	}
	listing := archive.ListingOf(s)
	f.listing = listing.Append(f.listing[:0])
	counts := archive.CountsOf(s)
	size := len(f.line)
	for _, a := range s.Attachments() {
		size += int(min(max(a.Bytes, leastAttachment), 1<<40))
	}
	return checkpoint.Line{
		Conversation: s.Conversation, Messages: counts.Messages, Amendments: counts.Amendments, From: counts.From, To: counts.To,
		NewestAt: newestOf(s, 0), Bytes: size, Listing: slices.Clone(f.listing), Frame: p.pack(f.line),
	}, nil
}
