package exporter

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// lookup is one look by id at some conversations. Each of them ends in one of three
// ways: it was given; it is absent, which is known only from a request for it alone;
// or its look failed. Only what ends the capture ends a lookup.
//
// An answer by id proves nothing about what it does not hold: it may leave out what
// was asked for, hold others in its place or one twice, cut a record short that comes
// whole alone, or be refused for the sake of a single id.
type lookup struct {
	*capture
	row    int   // requests in a row that LivePerson has not answered
	down   error // why no more are sent; nil: they are
	absent []string
	failed []failedLook
}

type failedLook struct {
	id  string
	err error
}

// rowMost is how many requests in a row may go unanswered, each repeated for half a
// minute: then larger ones give way to requests for single conversations, since a few
// may break every answer that they are in, and those to the next lookup.
const rowMost = 4

// goneAfter is for how long looks at a conversation that was not captured whole must
// have failed until one that finds it absent is believed: then it goes to quarantine.
const goneAfter = 14 * 24 * time.Hour

// What may be wrong with an answer by id.
var (
	errOther    = errors.New("the answer is about other conversations than asked for")
	errContrary = errors.New("the answer holds several records of the conversation that differ")
	errMissing  = errors.New("LivePerson does not answer for the conversation")
)

// look asks for some conversations in as few requests as may be, and for others
// each alone. No id is in both. When LivePerson is down, what was not asked for stays
// due.
func (l *lookup) look(ctx context.Context, together, alone []string) error {
	again, err := l.together(ctx, together)
	if err != nil {
		return err
	}
	for _, id := range append(again, alone...) {
		if l.down != nil {
			break
		}
		if err := l.ended(ctx, id, l.lookAlone(ctx, id)); err != nil {
			return err
		}
	}
	return l.settle(ctx)
}

// together asks for conversations in one request, in smaller ones when that fails,
// and returns those that have to be asked for alone. Halves are taken in turn: with
// one conversation that breaks every answer, no two requests fail in a row.
func (l *lookup) together(ctx context.Context, ids []string) (alone []string, err error) {
	for queue := [][]string{ids}; len(queue) > 0; queue = queue[1:] {
		batch := queue[0]
		if len(batch) < 2 || l.down != nil || l.row >= rowMost {
			alone = append(alone, batch...)
			continue
		}
		rest, err := l.batch(ctx, batch)
		switch {
		case err == nil:
			alone = append(alone, rest...)
		case l.ofItsOwn(ctx, err):
			half := (len(batch) + 1) / 2
			queue = append(queue, batch[:half], batch[half:])
		default:
			return nil, err
		}
	}
	l.row = 0
	return alone, nil
}

// batch captures what one request gives of several conversations, and returns those
// that it does not give for sure.
func (l *lookup) batch(ctx context.Context, ids []string) (alone []string, err error) {
	p, err := l.page(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := l.Source.Conversations(ctx, ids, p); err != nil {
		return nil, err
	}
	l.row = 0
	kept := p.only(ids)
	if err := l.store(ctx, p, nil); err != nil {
		return nil, err
	}
	sure := map[string]bool{}
	for i := range p.records {
		r := &p.records[i]
		sure[r.id] = !r.due && r.reason == "" && !kept.contrary[r.id]
	}
	for _, id := range p.overtaken {
		sure[id] = false
	}
	for _, id := range ids {
		if !sure[id] {
			alone = append(alone, id)
		}
	}
	return alone, nil
}

// lookAlone looks at one conversation in a request of its own, and in sections when
// its record is too big to be held. It fails with errMissing when the answer holds
// no record.
func (l *lookup) lookAlone(ctx context.Context, id string) error {
	oversized, err := l.one(ctx, id, 0)
	if err != nil || !oversized {
		return err
	}
	l.big.Lock() // one at a time, so that two of them do not add up in memory
	defer l.big.Unlock()
	release, err := l.leaseBig(ctx)
	if err != nil {
		return err
	}
	defer release()
	oversized, err = l.one(ctx, id, aloneLimit)
	if err != nil || !oversized {
		return err
	}
	return l.inSections(ctx, id)
}

// one captures a conversation from an answer about it alone. limit is of its record's
// bytes; 0 is that of a page.
func (l *lookup) one(ctx context.Context, id string, limit int64) (oversized bool, err error) {
	p, err := l.page(ctx)
	if err != nil {
		return false, err
	}
	p.alone = true
	if _, err := l.Source.Conversation(ctx, id, limit, p); err != nil {
		return false, err
	}
	l.row = 0
	kept := p.only([]string{id})
	switch {
	case len(p.oversized) > 0:
		return true, nil
	case len(p.records) == 0 && kept.others:
		return false, faulty(id, errOther)
	case len(p.records) == 0:
		return false, errMissing
	}
	if err := l.store(ctx, p, nil); err != nil {
		return false, err
	}
	switch {
	case len(p.overtaken) > 0:
		return false, faulty(id, errOvertaken)
	case kept.contrary[id]:
		return false, faulty(id, errContrary)
	}
	return false, nil
}

// faulty is an answer about a conversation that cannot be used.
func faulty(id string, err error) error {
	return &liveperson.APIError{Op: "get conversation " + id, Status: http.StatusOK, Err: err}
}

// ended notes how a look ended. It returns an error that ends the capture.
func (l *lookup) ended(ctx context.Context, id string, err error) error {
	var api *liveperson.APIError
	switch {
	case err == nil:
	case errors.Is(err, errMissing), ctx.Err() == nil && errors.As(err, &api) && api.Status == http.StatusNotFound:
		l.absent = append(l.absent, id)
		l.row = 0
	case l.ofItsOwn(ctx, err):
		l.failed = append(l.failed, failedLook{id, err})
		if l.row >= rowMost {
			l.down = err
		}
	default:
		return err
	}
	return nil
}

// ofItsOwn reports whether an error is one of its request alone: a signal, refused
// credentials and our own state are not. It counts those that nobody answered for.
func (l *lookup) ofItsOwn(ctx context.Context, err error) bool {
	var api *liveperson.APIError
	var auth *liveperson.AuthError
	if ctx.Err() != nil || errors.As(err, &auth) || !errors.As(err, &api) {
		return false
	}
	switch {
	case api.Status == http.StatusTooManyRequests:
		l.down = err
	case api.Status/100 == 4 && !api.Timeout, wasAnswer(err):
		l.row = 0
	default:
		l.row++
	}
	return true
}

// wasAnswer reports whether LivePerson gave an answer that could be read, if not the
// one that was asked for.
func wasAnswer(err error) bool {
	for _, fault := range []error{errOther, errContrary, errOvertaken, liveperson.ErrTooLarge, liveperson.ErrNoRecord} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}

// settle notes in the register what was not given. It fails with the error of a look
// at a conversation that cannot be registered.
func (l *lookup) settle(ctx context.Context) error {
	if len(l.absent)+len(l.failed) == 0 {
		return nil
	}
	var lost error
	err := l.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		for _, id := range l.absent {
			if _, err := l.missed(tx, id, nil); err != nil {
				return err
			}
		}
		for _, f := range l.failed {
			known, err := l.missed(tx, f.id, f.err)
			if err != nil {
				return err
			}
			if !known {
				lost = f.err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return lost
}

// missed notes when a conversation is looked at again that a look did not give:
// failed is why not, nil when it is absent. known is false for one that is not in
// the state, as the selection left it out when it was read last.
func (l *lookup) missed(tx *checkpoint.Tx, id string, failed error) (known bool, err error) {
	now := l.millis()
	k, err := tx.Conversation(id)
	if err != nil || k.ID == 0 {
		return false, err
	}
	absent := failed == nil
	if absent && (k.Revision == 0 || k.CutAt != 0) {
		failed = errMissing // an answer named it, and not all of it has been captured
	}
	since, with, next := int64(0), "", now+longestReread.Milliseconds()
	if failed != nil {
		if since = k.FailedAt; since == 0 {
			since = now
			l.Log.Warn("a conversation could not be read by its id: it is tried again later", "conversation_id", id, "error", failed)
		}
		with, next = failed.Error(), l.pause(now-since, now)
	}
	gone := absent && since != 0 && now-since >= goneAfter.Milliseconds()
	if gone || expired(cmp.Or(k.StartedAt, k.EntryAt), now) {
		since, with, next = 0, "", 0
		if err := l.giveUp(tx, &k, cmp.Or(failed, errMissing).Error(), now); err != nil {
			return true, err
		}
	}
	if err := tx.SetReread(k.ID, next); err != nil {
		return true, err
	}
	if since == 0 && k.FailedAt == 0 {
		return true, nil
	}
	return true, tx.SetFailed(k.ID, since, with)
}
