package exporter

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// uttered is one message of a handmade record as it is spelt there.
type uttered struct {
	seq  int
	by   string // participantId; "": none
	text string // as in JSON, with its quotes
	at   int    // seconds after the start
}

func (u uttered) String() string {
	by := ""
	if u.by != "" {
		by = fmt.Sprintf(`"participantId":"%s",`, u.by)
	}
	return fmt.Sprintf(`{"type":"TEXT_PLAIN","messageData":{"msg":{"text":%s}},"messageId":"ms::dialog:a::msg:%d","seq":%d,"dialogId":"a",%s"sentBy":"Agent","timeL":%d}`,
		u.text, u.seq, u.seq, by, talkStart+int64(u.at)*1000)
}

// spelt is the record of conversation a with these messages, and more sections.
func spelt(sections string, messages ...uttered) string {
	list := make([]string, len(messages))
	for i, m := range messages {
		list[i] = m.String()
	}
	return recordOf("", strings.Join(list, ","), sections)
}

// recordOf is a record of conversation a: what stands in info, messageRecords and
// behind them, as JSON.
func recordOf(info, messages, sections string) string {
	return fmt.Sprintf(`{"info":{"conversationId":"a","startTimeL":%d,"status":"OPEN","endTimeL":-1%s},"messageRecords":[%s]%s}`, talkStart, info, messages, sections)
}

func (h *handmade) putRecord(record string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records["a"] = record
}

// senders are who sent the messages that a destination holds, with their names.
func (r *trial) senders(name string) []string {
	list := []string{}
	for _, s := range r.delivered(name) {
		for _, m := range s.Messages {
			list = append(list, m.Sender.ID+" "+brief(m))
		}
	}
	return list
}

func (r *trial) mustHaveSenders(name string, want ...string) {
	r.t.Helper()
	if got := r.senders(name); !slices.Equal(got, want) {
		r.t.Errorf("%s holds %q, want %q", name, got, want)
	}
	r.sound()
}

var (
	ann = uttered{0, "ann", `"hello"`, 0}
	bob = uttered{0, "bob", `"hello"`, 0}
	cid = uttered{0, "cid", `"hello"`, 0}
)

// lateTo adds a destination that is cut a day after the close or the last entry.
func lateTo(r **trial) func(*Settings) {
	return func(s *Settings) {
		late := (*r).destination("late")
		late.Cut = Cut{After: 24 * time.Hour}
		s.Destinations = append(s.Destinations, late)
	}
}

func twinTrial(t *testing.T) (*trial, *handmade) {
	t.Helper()
	r, h := handTrial(t, nil)
	r.edit = also(r.edit, lateTo(&r))
	r.reopenWith(func() {})
	return r, h
}

// Two people who say the same in the same millisecond, under one number: both are
// delivered, at once and a day later.
func TestWhatTwoSendersSayAlikeIsTwoMessages(t *testing.T) {
	for _, order := range [][]uttered{{ann, bob}, {bob, ann}, {ann, bob, cid}} {
		r, h := twinTrial(t)
		h.putRecord(spelt("", order...))
		r.cycle()
		r.cycle()
		r.clock.Advance(48 * time.Hour)
		r.cycle()
		want := []string{}
		for i, u := range order {
			name := "0"
			if i > 0 {
				name = fmt.Sprintf("0/%d", i+1)
			}
			want = append(want, u.by+" "+name+": hello")
		}
		r.mustHaveSenders("local", want...)
		r.mustHaveSenders("late", want...)
	}
}

// The second comes with a later record, before or behind the first: it is the second
// that is delivered, and the first is not again.
func TestWhatTheSecondSenderSaysLaterIsHis(t *testing.T) {
	for _, order := range [][]uttered{{ann, bob}, {bob, ann}} {
		r, h := twinTrial(t)
		h.putRecord(spelt("", ann))
		r.cycle()
		h.putRecord(spelt("", order...))
		r.cycle()
		h.putRecord(spelt("", order[1], order[0], uttered{1, "ann", `"more"`, 5}))
		r.cycle()
		r.clock.Advance(48 * time.Hour)
		r.cycle()
		r.mustHaveSenders("local", "ann 0: hello", "bob 0/2: hello", "ann 1: more")
		r.mustHaveSenders("late", "ann 0: hello", "bob 0/2: hello", "ann 1: more")
	}
}

// One of the two changes: his message is amended, from whichever revision a
// destination takes the rest.
func TestWhatOneOfTwoSendersChangesAmendsHisOwn(t *testing.T) {
	masked := uttered{0, "bob", `"h***o"`, 0}
	for _, order := range [][]uttered{{ann, masked}, {masked, ann}} {
		r, h := twinTrial(t)
		h.putRecord(spelt("", ann))
		r.cycle()
		h.putRecord(spelt("", bob, ann))
		r.cycle()
		h.putRecord(spelt("", order...))
		r.cycle()
		r.clock.Advance(48 * time.Hour)
		r.cycle()
		r.mustHaveSenders("local", "ann 0: hello", "bob 0/2: hello", "bob 0/2 amends 2: h***o")
		r.mustHaveSenders("late", "ann 0: hello", "bob 0/2: hello", "bob 0/2 amends 2: h***o")
	}
}

// The same message twice in one record is one, also where one of the two does not
// say who sent it; and another sender in the next record separates nothing.
func TestOneSenderSaysOneMessage(t *testing.T) {
	nobody := uttered{0, "", `"hello"`, 0}
	for what, records := range map[string][]string{
		"twice":          {spelt("", ann, ann)},
		"nobody":         {spelt("", ann, nobody)},
		"nobody first":   {spelt("", nobody, ann)},
		"erased":         {spelt("", ann), spelt("", bob)},
		"number, string": {spelt("", uttered{0, "1", `"hello"`, 0}), strings.Replace(spelt("", uttered{0, "1", `"hello"`, 0}, uttered{0, "1", `"hello"`, 0}), `"1"`, `1`, 1)},
	} {
		r, h := twinTrial(t)
		for _, record := range records {
			h.putRecord(record)
			r.cycle()
		}
		r.clock.Advance(48 * time.Hour)
		r.cycle()
		if got := r.lines("local", "a"); len(got) != 1 {
			t.Errorf("%s: %q", what, got)
		}
		r.sound()
	}
}

// An event told what one of the two said. History has both, in either order: the
// other one's is delivered, by whichever of them it was.
func TestTwoSendersOfWhomAnEventToldOne(t *testing.T) {
	for _, order := range [][]uttered{{{0, "c", `"hello"`, 0}, bob}, {bob, {0, "c", `"hello"`, 0}}} {
		r, h := handLive(t, nil)
		r.receive(hear(heard{"a", "a", 0, "hello", ""}))
		r.deliver()
		h.putRecord(spelt("", order...))
		r.settle()
		r.settle()
		r.mustHaveSenders("local", "c 0: hello", "bob 0/2: hello")
	}
}

// A long conversation comes in sections: the two are found there, too.
func TestTwoSendersInALongConversation(t *testing.T) {
	r, h := twinTrial(t)
	h.limit, h.alone = 100, 100
	h.putRecord(spelt("", ann))
	r.cycle()
	h.putRecord(spelt("", bob, ann))
	r.cycle()
	r.clock.Advance(48 * time.Hour)
	r.cycle()
	r.mustHaveSenders("local", "ann 0: hello", "bob 0/2: hello")
	r.mustHaveSenders("late", "ann 0: hello", "bob 0/2: hello")
}

// A backfill makes drafts: a record with two such messages has none.
func TestTwoSendersInABackfill(t *testing.T) {
	r, h := twinTrial(t)
	h.putRecord(spelt("", ann, bob))
	r.mustBackfill(0, 24*time.Hour)
	r.clock.Advance(48 * time.Hour)
	r.cycle()
	r.mustHaveSenders("local", "ann 0: hello", "bob 0/2: hello")
	r.mustHaveSenders("late", "ann 0: hello", "bob 0/2: hello")
}
