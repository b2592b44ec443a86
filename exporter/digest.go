package exporter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lpexport/exporter/checkpoint"
)

// What an event waits for. It stays in the checkpoint until then.
const (
	waitsConversation = "conversation" // nobody has named the conversation of its dialog
	waitsSkill        = "skill"        // whether the selection takes its conversation is not known
	waitsSender       = "sender"       // no user has the id of who sent it
	waitsHistory      = "history"      // only history can tell what it is
	waitsSections     = "sections"     // a long conversation is being captured in sections
)

const (
	digestBatch = 50              // events in one transaction: the sender of the next one waits for it
	digestBytes = 8 << 20         // of those
	lookAgain   = 5 * time.Second // at events that wait
	lookMost    = 2000            // waiting events in one look
	askAgain    = time.Minute     // for a user whom the directory did not have
)

// Digest makes revisions of stored events until ctx ends. Whatever else is
// captured of the same conversations, by this process or another, each message is
// known by its name and its words.
func (v *Events) Digest(ctx context.Context) error {
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	defer v.tasks.Wait()
	if err := v.knowTypes(ctx); err != nil {
		return err
	}
	after := int64(0)
	for {
		if err := v.digestNew(ctx); err != nil {
			return err
		}
		select {
		case <-v.stored:
			continue
		case <-look.C:
		case <-v.again:
			after = 0
		case <-ctx.Done():
			return nil
		}
		var err error
		if after, err = v.digestWaiting(ctx, after); err != nil {
			return err
		}
	}
}

// digestLeft digests what a service that ended has left. Two processes that digest
// the same events find the same.
func (e *Exporter) digestLeft(ctx context.Context, due func()) error {
	_, any, err := e.cp.Changes(ctx)
	if err != nil || !any {
		return err
	}
	v := e.NewEvents(EventSettings{Due: due})
	v.asking.Store(true) // the run that follows fetches the directories anyway
	if err := v.knowTypes(ctx); err != nil {
		return err
	}
	err = v.digestNew(ctx)
	if err == nil {
		_, err = v.digestWaiting(ctx, 0)
	}
	var unknown *UnknownSkillError
	if errors.As(err, &unknown) {
		return nil // the run says so, if it is still so when it has fetched the skills
	}
	return err
}

// digestNew digests all that was not looked at yet.
func (v *Events) digestNew(ctx context.Context) error {
	for ctx.Err() == nil {
		events, err := v.cp.NewEvents(ctx, digestBatch)
		if err != nil || len(events) == 0 {
			return err
		}
		for _, batch := range batches(events) {
			if err := v.digest(ctx, batch); err != nil {
				return err
			}
		}
	}
	return nil
}

// batches splits events into what is digested in one transaction: bounded in
// number, so that nobody waits for long, and in bytes, as all are in memory.
func batches(events []checkpoint.Event) (list [][]checkpoint.Event) {
	from, size := 0, int64(0)
	for i := range events {
		if i > from && (i-from == digestBatch || size+events[i].Bytes > digestBytes) {
			list = append(list, events[from:i])
			from, size = i, 0
		}
		size += events[i].Bytes
	}
	if from < len(events) {
		list = append(list, events[from:])
	}
	return list
}

// digestWaiting looks again at events that wait, some of them after the given
// one, and returns after which to go on.
func (v *Events) digestWaiting(ctx context.Context, after int64) (int64, error) {
	young, err := v.cp.YoungEvents(ctx, v.Now().Add(-v.resolveWithin).UnixMilli(), after, lookMost)
	if err != nil {
		return after, err
	}
	settled, err := v.cp.SettledEvents(ctx, after, lookMost)
	if err != nil {
		return after, err
	}
	again := slices.Concat(young, settled)
	slices.SortFunc(again, func(a, b checkpoint.Event) int { return int(a.ID - b.ID) })
	again = slices.CompactFunc(again, func(a, b checkpoint.Event) bool { return a.ID == b.ID })
	for _, batch := range batches(again) {
		if err := v.digest(ctx, batch); err != nil {
			return after, err
		}
	}
	if err := errors.Join(v.digestOverdue(ctx), v.judgeAgain(ctx)); err != nil {
		return after, err
	}
	if len(young) < lookMost && len(settled) < lookMost {
		return 0, nil
	}
	return again[min(len(again), lookMost)-1].ID, nil
}

// digest settles events in one transaction, or lets them wait.
func (v *Events) digest(ctx context.Context, rows []checkpoint.Event) error {
	if len(rows) == 0 {
		return nil
	}
	err := v.learn(ctx)
	if err != nil {
		return err
	}
	events := make([]*told, len(rows))
	for i, row := range rows {
		if row.Frame, err = v.cp.EventFrame(ctx, row.ID); err != nil {
			return err
		}
		events[i] = v.read(row)
	}
	v.askForSenders(ctx, events)
	return v.settleAll(ctx, events)
}

// settleAll settles events that were read in one transaction, or lets them wait.
func (v *Events) settleAll(ctx context.Context, events []*told) error {
	counts := &tally{}
	due := false
	v.Step("events read")
	err := v.cp.Update(ctx, func(tx *checkpoint.Tx) (err error) {
		if due, err = v.settle(ctx, tx, events, counts); err == nil {
			err = tx.AddCounts(counts.take())
		}
		v.Step("digest in transaction")
		return err
	})
	v.Step("events digested")
	if err != nil {
		return fmt.Errorf("digest events: %w", err)
	}
	if due {
		v.due()
	}
	return nil
}
