package exporter

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lpexport/exporter/checkpoint"
)

// Quarantined is something that waits for a person.
type Quarantined struct {
	ID           int64
	Kind         string // record, event: could not be read; conversation: could not be cut; item: was not taken
	Destination  string // whose; "": a record's
	Conversation string // "" when the record does not tell, and for an item
	Item         string // its bundle, and its file
	Reason       string
	Since        time.Time
	Bytes        int64
	SHA256       string
	Record       []byte // as received; only from QuarantineShow
}

func fromRow(q checkpoint.Quarantined) Quarantined {
	out := Quarantined{ID: q.ID, Kind: q.Kind, Destination: q.Name, Conversation: q.SourceID, Reason: q.Reason,
		Since: time.UnixMilli(q.CreatedAt).UTC(), Bytes: q.Bytes, SHA256: hexOf(q.SHA256)}
	if q.Kind == checkpoint.KindItem {
		out.Conversation, out.Item = "", q.SourceID
	}
	return out
}

// QuarantineList lists what waits, oldest first.
func (e *Exporter) QuarantineList(ctx context.Context) ([]Quarantined, error) {
	rows, err := e.cp.Quarantined(ctx)
	list := make([]Quarantined, len(rows))
	for i, q := range rows {
		list[i] = fromRow(q)
	}
	return list, err
}

// QuarantineShow is one entry with its bytes; found is false when none waits
// under that number.
func (e *Exporter) QuarantineShow(ctx context.Context, id int64) (q Quarantined, found bool, err error) {
	row, found, err := e.cp.QuarantinedByID(ctx, id)
	if err != nil || !found {
		return q, found, err
	}
	q = fromRow(row)
	if len(row.Frame) > 0 {
		q.Record, err = e.packer.unpack(nil, row.Frame)
	}
	return q, true, err
}

// Retried is what a retry came to.
type Retried struct {
	Tried, Resolved, Left int
}

// QuarantineRetry tries everything that waits again, as this program reads it.
// Records that can be read now are captured; events are settled, or stay under their
// number; with the next run, conversations that could not be cut are cut, items that
// were not taken are handed over, and LivePerson is asked once more for records that it
// has not given whole.
func (e *Exporter) QuarantineRetry(ctx context.Context) (r Retried, err error) {
	norm, err := e.plainNames(ctx)
	if err != nil {
		return r, err
	}
	c := &capture{Exporter: e, norm: norm, waiting: true, stored: func() {}, counts: Counts{Excluded: map[string]int64{}}}
	if c.chosen, err = e.chooseSkills(ctx, true); err != nil {
		return r, err
	}
	if c.held, err = e.cp.AnyHeld(ctx); err != nil {
		return r, err
	}
	c.events = e.NewEvents(EventSettings{Due: func() {}})
	c.events.asking.Store(true) // nobody is asked for senders now
	rows, err := e.cp.Quarantined(ctx)
	if err != nil {
		return r, err
	}
	for _, q := range rows {
		r.Tried++
		if err := c.retry(ctx, q); err != nil {
			return r, err
		}
	}
	r.Left, err = e.cp.CountQuarantined(ctx)
	r.Resolved = r.Tried - r.Left
	return r, err
}

func (c *capture) retry(ctx context.Context, q checkpoint.Quarantined) error {
	resolve := func(tx *checkpoint.Tx) error { return tx.Resolve(q.ID, c.millis()) }
	if q.Kind == checkpoint.KindItem {
		return c.retryItem(ctx, q)
	}
	if q.Kind == checkpoint.KindConversation {
		return c.cp.Update(ctx, resolve)
	}
	row, found, err := c.cp.QuarantinedByID(ctx, q.ID)
	if err != nil || !found {
		return err
	}
	if q.Kind == checkpoint.KindEvent {
		return c.events.judge(ctx, &row)
	}
	if len(row.Frame) == 0 { // LivePerson never gave it: the next run asks once more
		return c.cp.Update(ctx, func(tx *checkpoint.Tx) error {
			return errors.Join(c.askAgain(tx, q.SourceID), resolve(tx))
		})
	}
	raw, err := c.packer.unpack(nil, row.Frame)
	if err != nil {
		return err
	}
	p, err := c.page(ctx)
	if err != nil {
		return err
	}
	if err := p.Record(raw); err != nil {
		return err
	}
	if p.records[0].reason != "" {
		return nil
	}
	return c.store(ctx, p, func(tx *checkpoint.Tx) error {
		if len(p.overtaken) > 0 {
			return nil // nothing was stored: it waits on
		}
		return resolve(tx)
	})
}

// retryItem lets an item that was rejected be handed over again.
func (c *capture) retryItem(ctx context.Context, q checkpoint.Quarantined) error {
	bundle, file, _ := strings.Cut(q.SourceID, "/")
	_, serial, _ := cutLast(bundle, "-")
	n, err := strconv.Atoi(serial)
	if err != nil {
		return fmt.Errorf("quarantine %d: %q names no bundle", q.ID, q.SourceID)
	}
	b, found, err := c.cp.BundleBySerial(ctx, q.Destination, n)
	if err != nil {
		return err
	}
	return c.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		if found {
			if err := tx.Again(q.Destination, b.ID, file); err != nil {
				return err
			}
		}
		return tx.Resolve(q.ID, c.millis())
	})
}
