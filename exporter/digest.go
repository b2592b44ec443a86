package exporter

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
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
	digestBytes = 8 << 20         // of those
	digestBatch = 100             // events in one transaction: the sender of the next one waits for it
	lookAgain   = 5 * time.Second // at events that wait
	lookMost    = 2000            // waiting events in one look
	askAgain    = time.Minute     // for a user whom the directory did not have
)

// told is a stored event being digested.
type told struct {
	row     checkpoint.Event
	raw     []byte
	changes []toldChange
	waits   string // for what any of its changes waits; "": it is settled
	reason  string // why it goes to quarantine; "": it does not
}

// toldChange is one change of it: a message, or a state of a conversation.
type toldChange struct {
	event        *told
	value        liveperson.Value
	conversation string
	dialog       string
	state        *liveperson.ConversationChange // nil: a message
}

// Digest makes revisions of stored events until ctx ends. Whatever else is
// captured of the same conversations, by this process or another, each message is
// known by its name and its words.
func (v *Events) Digest(ctx context.Context) error {
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	defer v.tasks.Wait()
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
func (e *Exporter) digestLeft(ctx context.Context) error {
	_, any, err := e.cp.Changes(ctx)
	if err != nil || !any {
		return err
	}
	v := e.NewEvents(EventSettings{Due: func() {}})
	v.asking.Store(true) // the run that follows fetches the directories anyway
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
	counts := &tally{}
	due := false
	v.Step("events read")
	err = v.cp.Update(ctx, func(tx *checkpoint.Tx) (err error) {
		due, err = v.settle(ctx, tx, events, counts)
		v.Step("digest in transaction")
		return err
	})
	v.Step("events digested")
	if err != nil {
		return fmt.Errorf("digest events: %w", err)
	}
	for _, c := range counts.take() {
		v.tally.add(c.Name, c.Label, c.Second, c.Value)
	}
	if due {
		v.due()
	}
	return nil
}

// learn reads the directories that name senders and skills, when they have changed.
// Until that has gone well, what was known before counts; at first nothing is.
func (v *Events) learn(ctx context.Context) error {
	if !v.relearn.Swap(false) {
		return nil
	}
	norm, held, chosen, err := v.knowledge(ctx)
	if err != nil {
		v.relearn.Store(true)
		return err
	}
	v.norm, v.held, v.chosen = norm, held, chosen
	return nil
}

func (v *Events) knowledge(ctx context.Context) (norm *normaliser, held bool, chosen selection, err error) {
	if norm, err = v.plainNames(ctx); err != nil {
		return nil, false, nil, err
	}
	norm.unlisted = map[string]bool{}
	for id := range v.missed {
		norm.unlisted[id] = len(norm.users) > 0 && norm.pids[id] == ""
	}
	if held, err = v.cp.AnyHeld(ctx); err != nil {
		return nil, false, nil, err
	}
	chosen, err = choose(v.Skills, norm.skills)
	var unknown *UnknownSkillError
	if errors.As(err, &unknown) && len(norm.skills) == 0 {
		return norm, held, selection{"": false}, nil // before the first cycle: nothing is known to be chosen
	}
	return norm, held, chosen, err
}

// Learned is to be called when more is known: the directories have been fetched,
// records captured. Events that wait are looked at again.
func (v *Events) Learned() {
	v.relearn.Store(true)
	wakeOne(v.again)
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
		default:
			e.reason = "its type is not known"
			v.warnOnce("notification type is not known: kept in quarantine", n.Type)
		}
		if c.conversation != "" && !liveperson.UsableID(c.conversation) {
			e.reason = "its conversation's id is none that can be asked for"
		}
		e.changes = append(e.changes, c)
	}
	return e
}

func (v *Events) readMessage(c *toldChange) {
	m := liveperson.ReadMessagingChange(c.value)
	c.conversation, c.dialog = m.Conversation.ID(), m.Dialog.ID()
	switch m.EventType {
	case liveperson.ContentEvent, liveperson.RichContentEvent, liveperson.AcceptStatusEvent, liveperson.ChatStateEvent:
	default:
		v.warnOnce("event type is not known: what it tells waits for history", m.EventType)
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

// askForSenders has the directory of users fetched when an event is from somebody
// whom it does not have; for the same one again after a while.
func (v *Events) askForSenders(ctx context.Context, events []*told) {
	now, ask := v.millis(), false
	for _, e := range events {
		for i := range e.changes {
			id := v.strangerIn(&e.changes[i])
			if last, asked := v.missed[id]; id == "" || asked && now-last < askAgain.Milliseconds() {
				continue
			}
			if len(v.missed) > 10_000 {
				clear(v.missed)
			}
			v.missed[id], ask = now, true
		}
	}
	if !ask || v.Source == nil || !v.asking.CompareAndSwap(false, true) {
		return
	}
	v.tasks.Go(func() {
		defer v.asking.Store(false)
		if err := v.refreshDirectories(ctx); err != nil {
			v.Log.Warn("users could not be fetched: events from somebody new wait", "error", err)
			return
		}
		v.Learned()
	})
}

// strangerIn is the id of an agent whom no user is known to be, or "".
func (v *Events) strangerIn(c *toldChange) string {
	if c.state != nil {
		return ""
	}
	m := liveperson.ReadMessagingChange(c.value)
	id, role := m.Originator.ID(), m.Role.Name()
	if toldType(&m) == "" || role == "CONSUMER" {
		return ""
	}
	if _, known := v.norm.toldSender(&header{}, id, role); known {
		return ""
	}
	return id
}

// settle merges what events tell into what is known, conversation by conversation.
func (v *Events) settle(ctx context.Context, tx *checkpoint.Tx, events []*told, counts *tally) (due bool, err error) {
	byConversation, days := map[string][]*toldChange{}, &Counts{}
	var order []string
	for _, e := range events {
		for i := range e.changes {
			c := &e.changes[i]
			if e.reason != "" {
				continue
			}
			if err := v.name(tx, c); err != nil {
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
func (v *Events) name(tx *checkpoint.Tx, c *toldChange) (err error) {
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
		if d == "" || d == c.conversation {
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
	if e.reason != "" {
		sum := sha256.Sum256(e.raw)
		if err := tx.Quarantine(checkpoint.Quarantined{Kind: checkpoint.KindEvent, Reason: e.reason, Bytes: e.row.Bytes, SHA256: sum[:], Frame: e.row.Frame}, v.millis()); err != nil {
			return err
		}
		counts.add(CounterChanges, "unreadable", "", 1)
		return tx.DropEvent(e.row.ID)
	}
	if e.waits == "" {
		return tx.DropEvent(e.row.ID)
	}
	row := e.row
	row.Waits, row.Conversation, row.Dialog = e.waits, e.changes[0].conversation, e.changes[0].dialog
	if row.Waits == e.row.Waits && row.Conversation == e.row.Conversation && row.Dialog == e.row.Dialog {
		return nil
	}
	return tx.LetWait(row)
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
	t := &telling{Events: v, tx: tx, ctx: ctx, known: &known, before: known.Revision, half: half, counts: counts, days: days, merger: &merger{seen: s, revision: known.Revision + 1}}
	if v.held {
		held, err := tx.HeldRevision(id)
		if err != nil {
			return false, err
		}
		t.revision, t.heldBefore = max(t.revision, held+1), held > 0
	}
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
	out, err = tx.IsExcluded(known.SourceID)
	return waitsSkill, out, err
}

// sectionsInWork tells whether somebody is capturing a conversation in sections;
// if nobody is, half of one is what a process that died has left.
func (v *Events) sectionsInWork() bool {
	l := flock.New(v.leasePath("big"), flock.SetPermissions(0o600))
	defer l.Close()
	free, err := l.TryLock()
	return err != nil || !free
}

// telling is one conversation while events are merged into it.
type telling struct {
	*Events
	*merger
	tx         *checkpoint.Tx
	ctx        context.Context
	known      *checkpoint.Conversation
	before     int  // its revision
	heldBefore bool // an archive that was recovered from holds some of it
	half       bool // what is left of a capture in sections lies behind it
	counts     *tally
	days       *Counts  // of days only
	parts      [][]byte // notifications with something new
	happened   []archive.Happening
	stated     bool
}

func (t *telling) take(c *toldChange) error {
	if c.state != nil {
		t.counts.add(CounterChanges, "conversation", "", 1)
		return t.takeState(c)
	}
	h := header{}
	m, ok := t.norm.toldMessage(&h, t.known.SourceID, c.value)
	if !ok {
		t.wait(c)
		return nil
	}
	kind := "content"
	if m.Type == "RICH_CONTENT" {
		kind = "rich"
	}
	switch t.tell(&m) {
	case tellsNew:
		t.counts.add(CounterChanges, kind, "", 1)
		t.parts = append(t.parts, c.event.raw)
	case tellsOther:
		c.event.reason = "another event of the same name says something else: history decides"
	default:
		t.counts.add(CounterChanges, "known", "", 1)
	}
	return nil
}

// wait finds out for what a change waits that cannot be read as a message. If a
// record has a message of its name, for nothing any more.
func (t *telling) wait(c *toldChange) {
	m := liveperson.ReadMessagingChange(c.value)
	switch m.EventType {
	case liveperson.AcceptStatusEvent, liveperson.ChatStateEvent:
		return
	}
	sequence, named := m.Sequence.Int()
	if !named || sequence < 0 || sequence > archive.MaxSequence {
		if m.EventType == liveperson.ContentEvent || m.EventType == liveperson.RichContentEvent {
			c.event.reason = "it has no usable sequence: only history can name it"
		} else {
			t.counts.add(CounterChanges, "unknown", "", 1)
		}
		return
	}
	dialog := c.dialog
	if dialog == "" {
		dialog = t.known.SourceID
	}
	if d := t.seen.find(dialog); d != nil {
		if from, to := d.group(sequence); from != to {
			return
		}
	}
	c.event.waits = waitsHistory
	if toldType(&m) != "" && m.Time.Millis() != 0 && t.millis()-c.event.row.ReceivedAt < t.resolveWithin.Milliseconds() {
		c.event.waits = waitsSender
	}
}

// takeState takes in a state of the conversation. What records have told already
// is told no more.
func (t *telling) takeState(c *toldChange) error {
	before := t.seen.live
	happened := t.norm.turn(&t.seen.live, c.state, t.known.Recorded > 0 || t.heldBefore)
	t.stated = t.stated || t.seen.live.updatedAt != before.updatedAt
	if len(happened) == 0 {
		return nil
	}
	recorded, err := t.recorded()
	if err != nil {
		return err
	}
	for _, e := range happened {
		k := lateTold(&e, e.At)
		if e.At == c.state.UpdatedAt {
			k.after = max(before.updatedAt, t.seen.live.startedAt)
		}
		if recorded.meet(k) || !addName(&t.seen.happened, k.name, t.revision) {
			continue
		}
		t.seen.live.told = append(t.seen.live.told, k)
		t.merger.happened++
		t.entry(e.At)
		t.happened = append(t.happened, e)
	}
	t.parts = append(t.parts, c.event.raw)
	return nil
}

// recorded are the happenings that the newest record tells, to be met.
func (t *telling) recorded() (*live, error) {
	l := &live{}
	if t.known.Recorded == 0 {
		return l, nil
	}
	err := t.scan(t.ctx, t.known.ID, t.known.Recorded, visit{
		head: func(r *liveperson.Record) {
			h := t.norm.header(r)
			for _, e := range t.norm.happenings(&h, r) {
				l.told = append(l.told, lateTold(&e, e.At))
			}
		},
	})
	return l, err
}

// store makes a revision of what is new.
func (t *telling) store() (due bool, err error) {
	now, known := t.millis(), t.known
	if !t.deliver() && (!t.stated || known.Revision == 0) {
		return false, nil
	}
	if known.Revision == 0 {
		known.Status = openStatus
	}
	if t.deliver() {
		known.Revision = t.revision
	}
	if t.messages > 0 && known.Unconfirmed == 0 {
		known.Unconfirmed = now
	}
	if known.StartedAt == 0 {
		known.StartedAt = t.seen.live.startedAt
		if known.StartedAt == 0 {
			known.StartedAt = t.oldest
		}
	}
	if known.Recorded == 0 && known.RereadAt == 0 {
		known.RereadAt = now + max(t.Reread, time.Minute).Milliseconds()
	}
	known.EntryAt = max(known.EntryAt, t.newest)
	fresh := int64(0)
	if known.ID == 0 {
		fresh = 1
	}
	known.Seen = t.seen.encode(known.Seen[:0], known.SourceID)
	if err := t.tx.PutTold(known); err != nil || !t.deliver() {
		return false, err
	}
	if err := t.storeParts(now); err != nil {
		return false, err
	}
	t.days.addDay(known.StartedAt, fresh, int64(t.messages))
	t.counts.add(CounterMessages, sourceWebhook, "", int64(t.messages))
	return true, t.tx.MakeDue(known.ID, known.Revision, t.oldest, now)
}

// storeParts keeps the events as they came, each once.
func (t *telling) storeParts(now int64) error {
	if t.half {
		if err := t.tx.DropPartsAfter(t.known.ID, t.before); err != nil {
			return err
		}
	}
	n := 0
	put := func(section string, raw []byte) error {
		sum := sha256.Sum256(raw)
		n++
		return t.tx.PutPart(t.known.ID, t.known.Revision, n-1,
			checkpoint.Part{Section: section, Bytes: int64(len(raw)), SHA256: sum[:], Frame: t.packer.pack(raw)}, now)
	}
	last := []byte(nil)
	for _, raw := range t.parts {
		if len(last) > 0 && &raw[0] == &last[0] {
			continue // several changes of one notification
		}
		last = raw
		if err := put(sectionEvent, raw); err != nil {
			return err
		}
	}
	if len(t.happened) == 0 {
		return nil
	}
	raw, err := encodeHappened(t.happened)
	if err != nil {
		return err
	}
	return put(sectionHappened, raw)
}
