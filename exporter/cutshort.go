package exporter

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"lpexport/exporter/checkpoint"
)

// A record may lack messages, and say so or not: LivePerson cuts some short, and
// statuses may be about messages that are not there. What is there is delivered at
// once. The conversation stays in the register of those that are looked at by id,
// open or closed, until a record of it is whole or LivePerson keeps it no longer.

// lookPlan is what a record that is stored makes of its conversation's looks by id.
type lookPlan struct {
	at       int64 // the next one; 0: none
	cutAt    int64 // since when it is cut short and asked for again; 0: it is not
	answered bool  // a look, or a record that makes one needless
	lost     bool  // it is asked for no more, and lacks messages
}

// planLook decides on a conversation's looks by id. fresh tells that its record
// brought something new.
func (c *capture) planLook(known *checkpoint.Conversation, r *captured, fresh bool, newest, now int64) lookPlan {
	p := lookPlan{at: c.nextLook(r, newest, now), answered: r.alone || !r.partial}
	if !r.partial {
		return p
	}
	p.cutAt = known.CutAt
	givenUp := known.Partial && known.CutAt == 0
	switch {
	case r.alone && expired(cmp.Or(r.startedAt, newest), now):
		p.cutAt, p.lost = 0, true
	case r.alone:
		p.cutAt = cmp.Or(p.cutAt, now)
		p.at = earlier(p.at, c.pause(now-p.cutAt, now))
	case fresh || p.cutAt == 0 && !givenUp:
		p.cutAt = cmp.Or(p.cutAt, now)
		p.at, r.due = now, true
	case !givenUp: // the look that is due will do
		p.at, r.due = known.RereadAt, known.RereadAt <= now
	}
	return p
}

// earlier is the earlier of two times, of which 0 is never.
func earlier(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// store writes what has changed of the looks at a conversation; with reread
// also the time of the next one.
func (p lookPlan) store(c *capture, tx *checkpoint.Tx, known *checkpoint.Conversation, reread bool) error {
	if reread && p.at != known.RereadAt {
		if err := tx.SetReread(known.ID, p.at); err != nil {
			return err
		}
	}
	if p.answered && known.FailedAt != 0 {
		if err := tx.SetFailed(known.ID, 0, ""); err != nil {
			return err
		}
	}
	if p.lost {
		return c.giveUp(tx, known, "its last record was cut short as well", c.millis())
	}
	if p.cutAt == known.CutAt {
		return nil
	}
	return tx.SetCut(known.ID, p.cutAt)
}

// pause is when to look again at what has been looked at in vain for that long.
func (c *capture) pause(vain, now int64) int64 {
	if c.Reread == 0 {
		return 1 // always due
	}
	return now + min(max(vain/silenceShare, c.Reread.Milliseconds()), longestReread.Milliseconds())
}

// expired reports whether LivePerson keeps a conversation of that start no longer.
// One of which the start is not known is kept.
func expired(startedAt, now int64) bool {
	return startedAt != 0 && startedAt < now-retention.Milliseconds()
}

// giveUp puts a conversation on record of which LivePerson has not given all for as
// long as it keeps it. It is no longer asked for. One that lacks nothing is not put
// on record.
func (c *capture) giveUp(tx *checkpoint.Tx, k *checkpoint.Conversation, why string, now int64) error {
	reason := "LivePerson named it, never gave its record, and keeps it no longer: nothing of it was captured"
	if k.Revision > 0 {
		if !k.Partial {
			return nil
		}
		reason = "LivePerson never gave its whole record, and keeps it no longer: what it gave is delivered, the rest is missing"
	}
	if k.CutAt != 0 {
		reason += fmt.Sprintf("; asked for again since %s", time.UnixMilli(k.CutAt).UTC().Format(time.RFC3339))
	}
	c.waiting = true
	if err := tx.SetCut(k.ID, 0); err != nil {
		return err
	}
	return tx.Quarantine(checkpoint.Quarantined{Kind: checkpoint.KindRecord, SourceID: k.SourceID,
		Reason: reason + "; at last: " + why, SHA256: []byte{}}, now)
}

// askAgain lets the next run look at a conversation that was given up.
func (c *capture) askAgain(tx *checkpoint.Tx, id string) error {
	known, err := tx.Conversation(id)
	if err != nil || known.ID == 0 {
		return err
	}
	if known.Partial {
		if err := tx.SetCut(known.ID, c.millis()); err != nil {
			return err
		}
	}
	return tx.SetReread(known.ID, c.millis())
}

// register lets a page's records be looked at by id that it could not give: those over
// the size limit. They are due whatever becomes of the page's window.
func (c *capture) register(tx *checkpoint.Tx, o oversized) error {
	known, err := tx.Conversation(o.id)
	if err != nil {
		return err
	}
	if known.ID != 0 {
		return tx.SetReread(known.ID, c.millis())
	}
	if !c.chosen.all() {
		if out, err := tx.IsLeftOut(o.id); err != nil || out {
			return err
		}
	}
	known.StartedAt, known.RereadAt, known.Seen = o.startedAt, c.millis(), []byte{}
	return tx.PutTold(&known)
}

// leaveOut takes a conversation off the register that the selection leaves out.
func leaveOut(tx *checkpoint.Tx, known *checkpoint.Conversation) error {
	if known.ID == 0 {
		return nil
	}
	if err := tx.SetFailed(known.ID, 0, ""); err != nil {
		return err
	}
	return tx.SetReread(known.ID, 0)
}

// lacks reports whether conversations are known not to be whole: their record is cut
// short, or the last look at them by id failed.
func (c *capture) lacks(ctx context.Context) (bool, error) {
	cut, failed, err := c.cp.Lacking(ctx)
	about := ""
	if cut+failed > 0 {
		about = fmt.Sprint(cut, failed)
	}
	if c.news.is("conversations that lack messages", about) && about != "" && err == nil {
		c.Log.Warn("conversations are not whole: LivePerson is asked for the rest again", "cut_short", cut, "could_not_be_read", failed,
			"hint", "lpexport status --list cut")
	}
	if cut+failed > 0 {
		c.lack(fmt.Errorf("conversations are not whole: %d cut short by LivePerson, %d not readable by id", cut, failed))
	}
	return cut+failed > 0, err
}

// unreadable lets a conversation in the register be looked at again in a day whose
// record waits in quarantine, since it cannot be read.
func (c *capture) unreadable(tx *checkpoint.Tx, id string, now int64) error {
	known, err := tx.Conversation(id)
	if err != nil || known.ID == 0 || known.RereadAt == 0 {
		return err
	}
	return tx.SetReread(known.ID, now+longestReread.Milliseconds())
}
