package exporter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// bundleMessages bounds a bundle, in which each of them may be a file.
const bundleMessages = 40_000

// batchBytes of compressed slices are stored in one transaction.
const batchBytes = 1 << 20

// batchSlices is the same by number while a service runs: a sender of events waits
// for the transaction.
const batchSlices = 100

// cut freezes what is due and ready for the destination into one bundle, within
// its bounds, and tells whether there was anything to cut.
//
// The slices are stored under a bundle that does not exist for anybody until
// the last transaction, which gives it its serial and takes the conversations
// off the due list.
func (w *worker) cut(ctx context.Context) (bool, error) {
	limit := w.dest.Bounds.Conversations + len(w.refused)
	due, err := w.cp.ReadyToCut(ctx, w.cutting(), limit)
	if err != nil {
		return false, err
	}
	all := len(due) < limit
	due = slices.DeleteFunc(due, func(d checkpoint.Due) bool { return w.refused[d.Conversation] })
	if len(due) == 0 {
		return false, nil
	}
	if err := w.askSize(ctx); err != nil {
		return false, err
	}
	b, err := w.prepare(ctx)
	if err != nil {
		return false, err
	}
	if b.all, err = b.addAll(ctx, due); err != nil {
		return false, err
	}
	b.all = b.all && all
	return true, b.freeze(ctx)
}

// addAll cuts one conversation after the other until the bundle is full, and
// reports whether all of them are in it.
func (b *cutBundle) addAll(ctx context.Context, due []checkpoint.Due) (all bool, err error) {
	for i, d := range due {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if err := b.add(ctx, d); err != nil {
			return false, err
		}
		if b.bytes >= b.dest.Bounds.Bytes || b.row.Messages >= bundleMessages {
			return i == len(due)-1, nil
		}
	}
	return true, nil
}

// cutting says what is ready for the destination now. Who is known by an address
// must not leave under another one before history has told his own.
func (w *worker) cutting() checkpoint.Cutting {
	now := w.Now()
	q := checkpoint.Cutting{Destination: w.row.ID, ClosedOnly: !w.dest.Cut.Immediately, Recorded: w.dest.Addresses != nil,
		OpenBefore: now.Add(-w.dest.Cut.After).UnixMilli(), SurveyUntil: now.Add(-surveyGrace).UnixMilli()}
	if q.ClosedOnly && w.Files.Fetch && !w.noFiles.Load() {
		q.FilesNoted, q.FilesUntil = now.Add(-filesHold).UnixMilli(), now.UnixMilli()
	}
	return q
}

// cutBundle is a bundle while it is being cut.
type cutBundle struct {
	*worker
	head     frozenHead
	row      checkpoint.Bundle
	all      bool  // it takes all that is ready
	bytes    int64 // rendered
	position int
	batch    []checkpoint.Line
	held     int // bytes in batch
	given    []givenTo
	freezer  freezer
	turn     *largeTurn      // of the conversation that is read
	format   archive.Format  // once a slice was tried
	again    *recut          // not nil: it replaces files of others
	dry      *archive.Writer // not nil: nothing is stored, slices are rendered at once
}

type givenTo struct {
	conversation int64
	sourceID     string
	given        checkpoint.Given
}

// prepare makes room for a bundle under the next serial.
func (w *worker) prepare(ctx context.Context) (*cutBundle, error) {
	created := w.Now().UTC().Truncate(time.Millisecond)
	head, err := w.freezeHead(w.head(created))
	if err != nil {
		return nil, err
	}
	frozen, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	b := &cutBundle{worker: w, head: head, row: checkpoint.Bundle{
		Serial: head.Serial, Head: frozen, CreatedAt: created.UnixMilli(),
		Path: archive.BundlePath(w.Account, w.dest.Name, head.Serial, created),
	}}
	err = w.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		b.row.ID, err = tx.PrepareBundle(w.row.ID, b.row.Serial, b.row.Path, b.row.Head, b.row.CreatedAt)
		return err
	})
	w.Step("bundle prepared")
	return b, err
}

// head is what the next bundle says of itself.
func (w *worker) head(created time.Time) archive.Head {
	head := archive.Head{
		Serial: w.row.Serial + 1, Account: w.Account, Destination: w.dest.Name, Archive: w.dest.Archive,
		SettingsSHA256: w.dest.SettingsSHA256, Generator: w.Generator, Origin: w.row.Origin, Created: created,
	}
	if w.row.PreviousBundle != "" {
		head.Previous = &archive.Previous{Bundle: w.row.PreviousBundle, SHA256: w.row.PreviousSHA256}
	}
	return head
}

// add cuts one conversation. One that cannot be cut waits for a person, and the
// others go on.
func (b *cutBundle) add(ctx context.Context, d checkpoint.Due) error {
	owed, found, err := b.cp.Owed(ctx, b.worker.row.ID, d.Conversation)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("conversation row %d is due and not there", d.Conversation)
	}
	given, before := owed.Given, b.position
	drawn, err := b.draws(&owed)
	if err != nil {
		return err
	}
	if drawn {
		given.NewestAt = owed.Draft.NewestAt
		if err := b.put(ctx, owed.Draft); err != nil {
			return err
		}
	} else if given, err = b.read(ctx, owed); err != nil || given.Revision == 0 {
		return err
	}
	given.Revision = owed.Conversation.Revision
	if n := b.position - before; n > 0 {
		given.Slices += n
		given.Revisions = addRevision(given.Revisions, given.Revision)
	}
	b.given = append(b.given, givenTo{owed.Conversation.ID, owed.Conversation.SourceID, given})
	return nil
}

// draws reports whether the draft is the destination's slice: drafts know no
// addresses, no format has seen them, and they hold private messages.
func (b *cutBundle) draws(owed *checkpoint.Owed) (bool, error) {
	if b.dry != nil || b.dest.Shape != nil || b.norm.identity != nil || !serves(owed, b.worker.row.FromAt, b.recovered) {
		return false, nil
	}
	if !b.dest.Withhold {
		return true, nil
	}
	s, err := decodeSeen(owed.Conversation.Seen, owed.Conversation.SourceID)
	if err != nil {
		return false, fmt.Errorf("conversation %s: %w", owed.Conversation.SourceID, err)
	}
	return !s.anyWithheld(), nil
}

// read cuts a conversation from its stored records. The result's revision is 0
// when the conversation had to be refused.
func (b *cutBundle) read(ctx context.Context, owed checkpoint.Owed) (given checkpoint.Given, err error) {
	b.turn = &largeTurn{Exporter: b.Exporter}
	defer b.turn.end()
	s, err := b.slicer(ctx, owed)
	if err != nil {
		return given, err
	}
	if err := s.collect(ctx); err != nil {
		// An event may be from somebody who has become known since the names were read.
		if b.worker.norm, err = b.names(ctx, b.dest); err != nil {
			return given, err
		}
		if s, err = b.slicer(ctx, owed); err != nil {
			return given, err
		}
		if err := s.collect(ctx); err != nil {
			return given, b.refuse(ctx, s, err)
		}
	}
	if len(s.unknown) > 0 {
		b.report.UnknownAgents = append(b.report.UnknownAgents, s.unknown...)
		return given, b.refuse(ctx, s, s.unknown[0])
	}
	given = s.debt.given
	for i := range s.items {
		given.NewestAt = max(given.NewestAt, s.items[i].at)
	}
	for i := range s.happened {
		given.NewestAt = max(given.NewestAt, s.happened[i].At)
	}
	given.Revision = owed.Conversation.Revision
	lines, err := b.lines(ctx, s)
	if unfit, ok := errors.AsType[*unfitError](err); ok {
		return checkpoint.Given{}, b.refuse(ctx, s, unfit.err)
	}
	if err != nil {
		return given, err
	}
	b.withheld(s, &given)
	for _, line := range lines {
		if err := b.put(ctx, line); err != nil {
			return given, err
		}
	}
	return given, nil
}

// slicer reads what the destination is due of a conversation.
func (b *cutBundle) slicer(ctx context.Context, owed checkpoint.Owed) (*slicer, error) {
	known, given := owed.Conversation, owed.Given
	have, err := decodeSeen(known.Seen, known.SourceID)
	if err != nil {
		return nil, fmt.Errorf("conversation %s: %w", known.SourceID, err)
	}
	var names *seen
	if b.recovered {
		held, found, err := b.cp.Held(ctx, b.worker.row.ID, known.SourceID)
		if err != nil {
			return nil, err
		}
		if found {
			if names, err = decodeSeen(held.Names, known.SourceID); err != nil {
				return nil, fmt.Errorf("conversation %s: %w", known.SourceID, err)
			}
			given.Slices, given.NewestAt = max(given.Slices, held.Slices), max(given.NewestAt, held.NewestAt)
		}
	}
	if b.dest.Withhold {
		if err := b.learn(ctx, have, &known); err != nil {
			return nil, err
		}
	}
	return &slicer{Exporter: b.Exporter, turn: b.turn, norm: b.norm, account: b.Account, fromAt: b.worker.row.FromAt,
		known: known, debt: newDebt(have, names, given, b.dest.Withhold)}, nil
}

// refuse puts a conversation that cannot be cut before a person. It stays due.
func (b *cutBundle) refuse(ctx context.Context, s *slicer, cause error) error {
	if ctx.Err() != nil {
		return cause
	}
	b.refused[s.known.ID], b.holding = true, true
	if b.news.is("cut of "+s.known.SourceID+" for "+b.dest.Name, cause.Error()) {
		b.Log.Error("a conversation cannot be cut", "destination", b.dest.Name, "conversation_id", s.known.SourceID, "error", cause)
	}
	if b.dry != nil {
		return nil
	}
	return b.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		return tx.Quarantine(checkpoint.Quarantined{Kind: checkpoint.KindConversation, Destination: b.worker.row.ID, SourceID: s.known.SourceID, Reason: cause.Error()}, b.millis())
	})
}

// put freezes one slice. It is stored with others in one transaction.
func (b *cutBundle) put(ctx context.Context, l checkpoint.Line) error {
	b.bytes += int64(l.Bytes)
	b.row.Slices++
	b.row.Messages += l.Messages
	b.row.Amendments += l.Amendments
	b.position++
	if b.dry != nil {
		return b.putDry(&l)
	}
	b.batch = append(b.batch, l)
	b.held += len(l.Frame) + len(l.Listing) + 100
	if b.held < batchBytes && (!b.lasts || len(b.batch) < batchSlices) {
		return nil
	}
	return b.cp.Update(ctx, b.flush)
}

func (b *cutBundle) flush(tx *checkpoint.Tx) error {
	for i := range b.batch {
		if err := tx.PutSlice(b.row.ID, b.position-len(b.batch)+i, &b.batch[i]); err != nil {
			return err
		}
	}
	b.batch, b.held = b.batch[:0], 0
	return nil
}

// freeze makes the bundle exist. Without slices none comes of it, but what was
// looked at is no longer due.
func (b *cutBundle) freeze(ctx context.Context) error {
	b.Step("slices prepared")
	err := b.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		if err := b.flush(tx); err != nil {
			return err
		}
		for _, g := range b.given {
			if err := tx.PutGiven(b.worker.row.ID, g.conversation, g.given); err != nil {
				return err
			}
			if !b.holding {
				continue
			}
			if err := tx.ResolveCut(b.worker.row.ID, g.sourceID, b.millis()); err != nil {
				return err
			}
		}
		if b.position == 0 {
			return tx.DropPrepared(b.row.ID)
		}
		if err := b.freezeCoverage(tx); err != nil {
			return err
		}
		if b.again != nil {
			if err := b.again.withdraw(tx); err != nil {
				return err
			}
		}
		amended := checkpoint.Count{Name: CounterAmendments, Second: b.dest.Name, Value: int64(b.row.Amendments)}
		return errors.Join(tx.AddCounts([]checkpoint.Count{amended}), tx.FinishCut(b.worker.row.ID, b.row))
	})
	b.Step("bundle cut")
	if err != nil || b.position == 0 {
		return err
	}
	b.worker.row.Serial = b.row.Serial
	b.report.Bundles++
	if b.again != nil {
		return nil // its slices have been counted
	}
	b.report.Slices += b.row.Slices
	b.report.Messages += b.row.Messages
	b.report.Amendments += b.row.Amendments
	return nil
}
