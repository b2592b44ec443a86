package exporter

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// What becomes of events that cannot be settled: they wait for history; when it has
// not told for too long, for a person; and what is of a type that nobody knows is
// kept, and one entry in quarantine stands for all of the type.

// digestOverdue looks at events that have waited too long for history.
func (v *Events) digestOverdue(ctx context.Context) error {
	if v.ConfirmWithin <= 0 {
		return nil
	}
	events, err := v.cp.OverdueEvents(ctx, v.Now().Add(-v.ConfirmWithin).UnixMilli(), lookMost)
	if err != nil {
		return err
	}
	for _, batch := range batches(events) {
		if err := v.digest(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// judgeAgain looks again at events in quarantine of whose conversations history has
// told something since.
func (v *Events) judgeAgain(ctx context.Context) error {
	rows, err := v.cp.ToJudge(ctx, digestBatch)
	if err != nil {
		return err
	}
	for i := range rows { // each alone: they are few, and may be 8 MiB each
		if err := v.judge(ctx, &rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// judge settles an event in quarantine, or leaves it there, under the same number.
func (v *Events) judge(ctx context.Context, q *checkpoint.Quarantined) error {
	if err := v.learn(ctx); err != nil {
		return err
	}
	e := v.read(checkpoint.Event{ReceivedAt: q.CreatedAt - v.resolveWithin.Milliseconds(), Bytes: q.Bytes, Frame: q.Frame})
	e.entry = q
	return v.settleAll(ctx, []*told{e})
}

// closeEntry removes an entry of the quarantine whose event is settled.
func (v *Events) closeEntry(tx *checkpoint.Tx, e *told) error {
	q, name := e.entry, cmp.Or(e.strange, e.unknown)
	if sum := sha256.Sum256([]byte(name)); name != "" && bytes.Equal(sum[:], q.SHA256) {
		return tx.JudgedEvent(q.ID, q.Reason) // it stands for all of the type
	}
	switch {
	case e.reason != "":
		return tx.JudgedEvent(q.ID, e.reason)
	case e.waits != "":
		return tx.JudgedEvent(q.ID, untold(e.waits))
	case e.strange == "":
		return tx.Resolve(q.ID, v.millis())
	}
	if err := tx.KeepForType(e.row, e.strange); err != nil {
		return err
	}
	if err := tx.Resolve(q.ID, v.millis()); err != nil {
		return err
	}
	return v.quarantineType(tx, e)
}

// untold is why an event is in quarantine for which history has had time enough.
func untold(waits string) string {
	return "history has not told of it within webhook.confirm_within: " + waitsFor[waits]
}

// overdue reports whether an event has waited so long that a person has to know.
func (v *Events) overdue(e *told) bool {
	return e.entry == nil && e.row.Waits != "" && v.ConfirmWithin > 0 && v.millis()-e.row.ReceivedAt >= v.ConfirmWithin.Milliseconds()
}

// keepForType keeps an event of a type that nobody knows, until a version does.
func (v *Events) keepForType(tx *checkpoint.Tx, e *told, counts *tally) error {
	row := e.row
	row.Waits, row.Conversation, row.Dialog = checkpoint.WaitsType, "", e.strange
	if err := tx.LetWait(row); err != nil {
		return err
	}
	counts.add(CounterChanges, "unknown", "", 1)
	return v.quarantineType(tx, e)
}

// quarantineType tells a person of a type, once: the entry is known by the type.
func (v *Events) quarantineType(tx *checkpoint.Tx, e *told) error {
	sum := sha256.Sum256([]byte(e.strange))
	return tx.Quarantine(checkpoint.Quarantined{Kind: checkpoint.KindEvent, Bytes: e.row.Bytes, SHA256: sum[:], Frame: e.row.Frame,
		Reason: "this version does not know events of the type " + e.strange + ": all of them are kept, and history tells the messages; this is the first one"}, v.millis())
}

// longestType bounds the name of a type.
const longestType = 200

// typeOf is what an event is called whose type nobody knows: event is "" where the
// notification's own type is unknown.
func typeOf(notification, event string) string {
	name := notification
	if event != "" {
		name += "/" + event
	}
	return cmp.Or(name[:min(len(name), longestType)], "(none)")
}

// knowTypes has those events looked at whose types this version knows, and the one
// that kept them did not.
func (v *Events) knowTypes(ctx context.Context) error {
	unknown, err := v.cp.UnknownEvents(ctx)
	if err != nil {
		return err
	}
	for _, u := range unknown {
		if !knownEvents[u.Type] {
			continue
		}
		if err := v.cp.Update(ctx, func(tx *checkpoint.Tx) error { return tx.KnowType(u.Type) }); err != nil {
			return err
		}
	}
	return nil
}

// knownEvents are the types that this version knows, by typeOf.
var knownEvents = map[string]bool{
	liveperson.MessagingNotification: true, liveperson.ConversationNotification: true,
	typeOf(liveperson.MessagingNotification, liveperson.ContentEvent):      true,
	typeOf(liveperson.MessagingNotification, liveperson.RichContentEvent):  true,
	typeOf(liveperson.MessagingNotification, liveperson.AcceptStatusEvent): true,
	typeOf(liveperson.MessagingNotification, liveperson.ChatStateEvent):    true,
}

// waitNameless finds out whether the newest record has a message without a usable
// sequence: by its time, and by its words where an event spells them as records do.
// If not, the message waits for history.
func (t *telling) waitNameless(c *toldChange, m *liveperson.MessagingChange) error {
	c.event.waits = waitsHistory
	at := m.Time.Millis()
	if at == 0 || t.known.Recorded == 0 || c.event.row.ID != 0 && t.looked[c.event.row.ID] == t.known.Recorded {
		return nil
	}
	words, spelt := uint64(0), toldType(m) != ""
	if spelt {
		told := newToldContent(m)
		words = told.WordsHash()
	}
	has, h := false, header{}
	err := t.scan(t.ctx, t.known.ID, t.known.Recorded, visit{
		head: func(r *liveperson.Record) { h = t.norm.header(r) },
		message: func(_ place, v liveperson.Value) {
			r := t.norm.message(&h, liveperson.ReadMessage(v))
			near := apart(r.SentAt, at)
			has = has || near == 0 && !spelt || spelt && near <= namelessSlack && r.WordsHash() == words
		},
	})
	switch {
	case err != nil:
		return err
	case has:
		c.event.waits = ""
	case c.event.row.ID != 0:
		if len(t.looked) > mostLooked {
			clear(t.looked)
		}
		t.looked[c.event.row.ID] = t.known.Recorded
	}
	return nil
}

// mostLooked bounds what is remembered of events that no record has.
const mostLooked = 10_000

// namelessSlack is how far apart an event and a record may time the same message, in
// milliseconds.
const namelessSlack = 2000
