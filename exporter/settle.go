package exporter

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// told is a stored event being digested.
type told struct {
	row     checkpoint.Event
	raw     []byte
	changes []toldChange
	waits   string // for what any of its changes waits; "": it is settled
	reason  string // why it goes to quarantine; "": it does not
	strange string // its type, where nobody knows what it tells; "": somebody does
	unknown string // its type, where only the notification's is known

	entry *checkpoint.Quarantined // that it is in quarantine by; nil: it is not
}

// toldChange is one change of it: a message, or a state of a conversation.
type toldChange struct {
	event        *told
	value        liveperson.Value
	conversation string
	dialog       string
	state        *liveperson.ConversationChange // nil: a message
}

// read takes an event apart.
func (v *Events) read(row checkpoint.Event) *told {
	e := &told{row: row}
	if row.Frame == nil {
		return e // another process has settled it
	}
	raw, err := v.packer.unpack(nil, row.Frame)
	if err != nil {
		e.reason = err.Error()
		return e
	}
	e.raw = raw
	n, err := liveperson.ReadNotification(raw)
	switch n.Type {
	case liveperson.MessagingNotification, liveperson.ConversationNotification, "":
	default:
		v.warnOnce("notification type is not known: events of it are kept", n.Type)
		e.strange = typeOf(n.Type, "")
		return e
	}
	if err == nil && n.Type == "" {
		err = errNoType
	}
	if err != nil {
		e.reason = err.Error()
		return e
	}
	for _, value := range n.Changes {
		c := toldChange{event: e, value: value}
		switch n.Type {
		case liveperson.MessagingNotification:
			v.readMessage(&c)
		case liveperson.ConversationNotification:
			state := liveperson.ReadConversationChange(value)
			c.state, c.conversation = &state, state.ID
			if state.ID == "" {
				e.reason = "it names no conversation"
			}
			if state.Account != "" && state.Account != v.Account {
				e.reason = "it is of another account"
			}
		}
		if c.conversation != "" && !liveperson.UsableID(c.conversation) {
			e.reason = "its conversation's id is none that can be asked for"
		}
		e.changes = append(e.changes, c)
	}
	return e
}

var errNoType = errors.New("it does not say of which type it is")

func (v *Events) readMessage(c *toldChange) {
	m := liveperson.ReadMessagingChange(c.value)
	c.conversation, c.dialog = m.Conversation.ID(), m.Dialog.ID()
	switch m.EventType {
	case liveperson.ContentEvent, liveperson.RichContentEvent, liveperson.AcceptStatusEvent, liveperson.ChatStateEvent:
	default:
		v.warnOnce("event type is not known: what it tells waits for history", m.EventType)
		c.event.unknown = typeOf(liveperson.MessagingNotification, m.EventType)
	}
	if c.conversation == "" && c.dialog == "" {
		c.event.reason = "it names neither a conversation nor a dialog"
	}
}

// mostWarned bounds what is remembered of types that somebody may invent.
const mostWarned = 100

func (v *Events) warnOnce(what, kind string) {
	if !v.warned[kind] && len(v.warned) < mostWarned {
		v.warned[kind] = true
		v.Log.Warn(what, "type", kind)
	}
}

// settle merges what events tell into what is known, conversation by conversation.
func (v *Events) settle(ctx context.Context, tx *checkpoint.Tx, events []*told, counts *tally) (due bool, err error) {
	byConversation, days := map[string][]*toldChange{}, &Counts{}
	var order []string
	here := map[string]bool{} // the conversations that these events name
	for _, e := range events {
		for i := range e.changes {
			here[e.changes[i].conversation] = true
		}
	}
	for _, e := range events {
		for i := range e.changes {
			c := &e.changes[i]
			if e.reason != "" {
				continue
			}
			if err := v.name(tx, c, here); err != nil {
				return false, err
			}
			if c.conversation == "" {
				e.waits = waitsConversation
				continue
			}
			if byConversation[c.conversation] == nil {
				order = append(order, c.conversation)
			}
			byConversation[c.conversation] = append(byConversation[c.conversation], c)
		}
	}
	for _, id := range order {
		made, err := v.settleOne(ctx, tx, id, byConversation[id], counts, days)
		if err != nil {
			return false, fmt.Errorf("conversation %s: %w", id, err)
		}
		due = due || made
	}
	if err := days.addDays(tx); err != nil {
		return false, err
	}
	for _, e := range events {
		if err := v.close(tx, e, counts); err != nil {
			return false, err
		}
	}
	return due, nil
}

// name finds out of which conversation a change is, and notes which dialogs are its.
func (v *Events) name(tx *checkpoint.Tx, c *toldChange, here map[string]bool) (err error) {
	if c.conversation == "" && here[c.dialog] {
		c.conversation = c.dialog // its main dialog
	}
	if c.conversation == "" {
		c.conversation, err = tx.ConversationOf(c.dialog)
		return err
	}
	dialogs := []string{c.dialog}
	if c.state != nil {
		for _, d := range c.state.Dialogs {
			dialogs = append(dialogs, d.ID)
		}
	}
	for _, d := range dialogs {
		if d == "" || d == c.conversation || here[d] {
			continue
		}
		if err := tx.NameDialog(d, c.conversation); err != nil {
			return err
		}
	}
	return nil
}

// close removes an event that is settled, and keeps one that is not.
func (v *Events) close(tx *checkpoint.Tx, e *told, counts *tally) error {
	if e.entry != nil {
		return v.closeEntry(tx, e)
	}
	switch {
	case e.reason != "" || e.waits == "" || !v.overdue(e):
	case e.unknown != "":
		e.waits, e.strange = "", e.unknown
	default:
		e.reason = untold(e.waits)
	}
	switch {
	case e.reason != "":
		sum := sha256.Sum256(e.raw)
		if err := tx.Quarantine(checkpoint.Quarantined{Kind: checkpoint.KindEvent, SourceID: e.about(), Reason: e.reason, Bytes: e.row.Bytes, SHA256: sum[:],
			Frame: e.row.Frame}, v.millis()); err != nil {
			return err
		}
		counts.add(CounterChanges, "unreadable", "", 1)
		return tx.DropEvent(e.row.ID)
	case e.waits == "" && e.strange != "":
		return v.keepForType(tx, e, counts)
	case e.waits == "":
		return tx.DropEvent(e.row.ID)
	}
	row := e.row
	row.Waits, row.Conversation, row.Dialog = e.waits, e.changes[0].conversation, e.changes[0].dialog
	if row.Waits == e.row.Waits && row.Conversation == e.row.Conversation && row.Dialog == e.row.Dialog {
		return nil
	}
	return tx.LetWait(row)
}

// about is of which conversation an event is, else of which dialog; "" where it names
// none that can be asked for.
func (e *told) about() string {
	for _, c := range e.changes {
		if id := cmp.Or(c.conversation, c.dialog); liveperson.UsableID(id) {
			return id
		}
	}
	return ""
}

// settleOne merges what events tell of one conversation, and tells whether that
// made anything due.
func (v *Events) settleOne(ctx context.Context, tx *checkpoint.Tx, id string, changes []*toldChange, counts *tally, days *Counts) (due bool, err error) {
	known, err := tx.Conversation(id)
	if err != nil {
		return false, err
	}
	half := false
	if known.ID != 0 {
		if half, err = tx.AnyPartsAfter(known.ID, known.Revision); err != nil {
			return false, err
		}
	}
	if half && v.sectionsInWork() {
		letWait(changes, waitsSections)
		return false, nil
	}
	waits, out, err := v.admit(tx, &known, changes)
	if err != nil || out {
		return false, err // left out for now: if it is ever taken in, history tells all of it
	}
	if waits != "" {
		letWait(changes, waits)
		return false, nil
	}
	s, err := decodeSeen(known.Seen, id)
	if err != nil {
		return false, v.damaged(id, changes, err)
	}
	m, err := newMerger(tx, s, &known, v.held)
	if err != nil {
		return false, err
	}
	if known.Revision > 0 {
		m.past = &past{v.Exporter, ctx, v.norm, known.ID, id}
	}
	t := &telling{Events: v, tx: tx, ctx: ctx, known: &known, before: known.Revision, half: half, counts: counts, days: days, merger: m}
	for _, c := range changes {
		if err := t.take(c); errors.Is(err, errFrame) || errors.Is(err, liveperson.ErrNotification) {
			return false, v.damaged(id, changes, err)
		} else if err != nil {
			return false, err
		}
	}
	return t.store()
}

// damaged lets the events of a conversation wait whose own record cannot be read:
// those of others go on.
func (v *Events) damaged(id string, changes []*toldChange, err error) error {
	if v.news.is("events of "+id, err.Error()) {
		v.Log.Error("a stored conversation cannot be read: its events wait", "conversation_id", id, "error", err)
	}
	letWait(changes, waitsHistory)
	return nil
}

func letWait(changes []*toldChange, waits string) {
	for _, c := range changes {
		c.event.waits = waits
	}
}

// admit tells whether events of a conversation may be merged now: what they wait
// for, or that they are out.
func (v *Events) admit(tx *checkpoint.Tx, known *checkpoint.Conversation, changes []*toldChange) (waits string, out bool, err error) {
	if known.Revision > 0 || v.chosen.all() {
		return "", false, nil
	}
	for _, c := range changes {
		if c.state != nil && c.state.Skill != "" && v.chosen[c.state.Skill] {
			return "", false, tx.Include(known.SourceID)
		}
	}
	out, err = tx.IsLeftOut(known.SourceID)
	return waitsSkill, out, err
}

// sectionsInWork tells whether somebody is capturing a conversation in sections;
// if nobody is, half of one is what a process that died has left.
func (e *Exporter) sectionsInWork() bool {
	release, free, err := e.tryLease("big")
	if free {
		release()
	}
	return err != nil || !free
}
