package exporter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// byIDRequests counts the requests by id of a sandbox.
func byIDRequests(set *sandbox.Settings) *int {
	n := new(int)
	set.Observe = func(r sandbox.Request) {
		if r.Route == sandbox.ByID {
			*n++
		}
	}
	return n
}

func TestACutConversationIsAskedForLessAndLess(t *testing.T) {
	set := sandbox.Settings{Seed: 8, Conversations: 60, Period: 20 * time.Hour, Messages: 12, Faults: []sandbox.Fault{{Kind: sandbox.PartialAlways, Numbers: []int{3}}}}
	requests := byIDRequests(&set)
	r := newTrial(t, set, 40*time.Hour, nil)
	for range 3 * 24 * 4 {
		if _, err := r.Cycle(context.Background(), nil); !errors.Is(err, ErrIncomplete) {
			t.Fatal(err)
		}
		r.clock.Advance(15 * time.Minute)
	}
	// Eighths of the time since: 8 looks in the first two hours, then 8 for each
	// multiplication of it by e.
	if *requests < 20 || *requests > 45 {
		t.Errorf("%d requests by id in 288 cycles of three days", *requests)
	}
	if list := r.all("cut", 10); len(list) != 1 || list[0].ID != r.account.ID(3) || !list[0].Since.Equal(epoch.Add(40*time.Hour)) || list[0].Next.Before(r.clock.Now()) {
		t.Errorf("%+v", list)
	}
}

// One id that LivePerson does not know, or a record that breaks every answer, costs a
// few requests. A service that is down is soon left alone, and nothing is forgotten.
func TestWhatFailedLooksCost(t *testing.T) {
	healed := epoch.Add(3 * day)
	for name, c := range map[string]struct {
		fault sandbox.Fault
		most  int
	}{
		"nothing":            {sandbox.Fault{Kind: sandbox.Twice}, 1},
		"one is not found":   {sandbox.Fault{Kind: sandbox.NotFound, Numbers: []int{40}, Until: healed}, 2 * 8},
		"one breaks answers": {sandbox.Fault{Kind: sandbox.NotFound, Code: 500, Numbers: []int{40}, Until: healed}, 4 * 2 * 8}, // each is sent four times
		"service is down":    {sandbox.Fault{Kind: sandbox.Status, Route: sandbox.ByID, Until: healed}, 4 * 4 * rowMost},
	} {
		t.Run(name, func(t *testing.T) {
			set := cutAccount(c.fault)
			requests := byIDRequests(&set)
			r := newTrial(t, set, 40*time.Hour, nil)
			_, err := r.Cycle(context.Background(), nil)
			if c.fault.Until.IsZero() != (err == nil) || err != nil && !errors.Is(err, ErrIncomplete) {
				t.Errorf("cycle: %v", err)
			}
			if *requests > c.most {
				t.Errorf("%d requests by id, at most %d are enough", *requests, c.most)
			}
			for range 4 {
				r.clock.Advance(25 * time.Hour)
				_, _ = r.Cycle(context.Background(), nil)
			}
			r.mustHoldTruth("local")
		})
	}
}

// A capture that is killed before it could look by id at what a page gave cut short,
// or told of only, has made it due with the page.
func TestAKillBeforeTheLookForgetsNothing(t *testing.T) {
	r, h := handTrial(t, func(s *Settings) { s.Reread = 5 * time.Minute })
	h.limit, h.alone = 100_000, 200_000
	h.put(talk{id: "cut", closed: true, said: []said{{0, "one"}}, more: `,"isPartial":true`})
	h.put(bigTalk(3000))
	h.put(talk{id: "whole", closed: true, said: []said{{0, "x"}}})
	ctx, kill := context.WithCancel(context.Background())
	r.Step = func(name string) {
		if cut, _, err := r.cp.Lacking(context.Background()); err != nil || name == "page stored" && cut > 0 {
			kill()
		}
	}
	if _, err := r.Cycle(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	r.reopenWith(nil)
	due, err := r.cp.Reread(context.Background(), r.millis(), checkpoint.OpenConversation{}, 10)
	ids := []string{}
	for _, o := range due {
		ids = append(ids, o.SourceID)
	}
	if slices.Sort(ids); err != nil || !slices.Equal(ids, []string{"big", "cut"}) {
		t.Errorf("due: %v, %v", ids, err)
	}
	h.rests = true // no search for updates tells of them any more
	h.byID = map[string]string{"big": bigTalk(3000).record(), "cut": talk{id: "cut", closed: true, said: []said{{0, "one"}, {1, "two"}}}.record()}
	r.cycle()
	r.holdsTalk(bigTalk(3000))
	r.holds("local", "cut", "0: one", "1: two")
}

// A conversation whose record was cut short may be deleted before the rest was to be
// had. For two weeks that may be a fault; then it goes to quarantine, once.
func TestWhatWasCutAndIsGoneWaitsForAPerson(t *testing.T) {
	r, h := handTrial(t, nil)
	h.put(talk{id: "a", closed: true, said: []said{{0, "one"}}, more: `,"isPartial":true`})
	h.put(talk{id: "b", closed: true, said: []said{{0, "x"}}})
	if _, err := r.Cycle(context.Background(), nil); !errors.Is(err, ErrIncomplete) {
		t.Fatal(err)
	}
	delete(h.records, "a")
	for n := range 17 {
		_, err := r.Cycle(context.Background(), nil)
		if waits := n >= 14; errors.Is(err, ErrQuarantine) != waits || errors.Is(err, ErrIncomplete) == waits {
			t.Errorf("after %d days: %v", n, err)
		}
		r.clock.Advance(day)
	}
	r.holds("local", "a", "0: one")
	if list := slices.Concat(r.all("cut", 10), r.all("failed-looks", 10)); len(list) != 0 {
		t.Errorf("still asked for: %+v", list)
	}
}

// LivePerson keeps a conversation for thirteen months. What it has not given by then
// goes to quarantine, and is asked for no more until a person says so. What cannot
// be had by its id at all waits from the look on that finds so after two weeks.
func TestWhatStaysCutWaitsForAPersonInTheEnd(t *testing.T) {
	for name, alter := range map[string]func(h *handmade){
		"cut to the last": func(*handmade) {},
		"gone": func(h *handmade) {
			h.fail = func(op string) error {
				if op == "by id" {
					return &liveperson.APIError{Op: "get conversations", Status: 404}
				}
				return nil
			}
		},
		"failing": func(h *handmade) {
			h.fail = func(op string) error {
				if op == "by id" {
					return &liveperson.APIError{Op: "get conversations", Status: 500}
				}
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, h := handTrial(t, func(s *Settings) { s.Reread = 5 * time.Minute })
			ctx := context.Background()
			h.put(talk{id: "a", closed: true, said: []said{{0, "one"}, {5, "six"}}, more: `,"isPartial":true`})
			if _, err := r.Cycle(ctx, nil); !errors.Is(err, ErrIncomplete) || errors.Is(err, ErrQuarantine) {
				t.Fatal(err)
			}
			r.holds("local", "a", "0: one", "5: six")
			alter(h)
			looks := 10
			if name == "gone" {
				looks = 1
			}
			for range looks {
				r.clock.Advance(39 * day)
				if _, err := r.Cycle(ctx, nil); !errors.Is(err, ErrIncomplete) || errors.Is(err, ErrQuarantine) {
					t.Fatal(r.clock.Now(), err)
				}
			}
			r.clock.Advance(20 * day)
			report, err := r.Cycle(ctx, nil)
			if !errors.Is(err, ErrQuarantine) || errors.Is(err, ErrIncomplete) || report.Quarantined != 1 {
				t.Fatalf("at the end: %v, %+v", err, report)
			}
			waiting, err := r.QuarantineList(ctx)
			if err != nil || len(waiting) != 1 || waiting[0].Kind != "record" || waiting[0].Conversation != "a" || !strings.Contains(waiting[0].Reason, "never gave its whole record") {
				t.Errorf("%+v, %v", waiting, err)
			}
			if s, err := r.Status(ctx); err != nil || s.Partial != 0 || s.FailedLooks != 0 || s.OpenConversations != 0 {
				t.Errorf("%+v, %v", s, err)
			}
			h.fail = func(op string) error {
				if op == "by id" {
					t.Error("it is still asked for")
				}
				return nil
			}
			r.clock.Advance(2 * day)
			if _, err := r.Cycle(ctx, nil); errors.Is(err, ErrIncomplete) {
				t.Error(err)
			}
			h.fail = nil
			h.records = map[string]string{"a": talk{id: "a", closed: true, said: []said{{0, "one"}, {1, "two"}, {5, "six"}}}.record()}
			if got, err := r.QuarantineRetry(ctx); err != nil || got.Resolved != 1 {
				t.Errorf("%+v, %v", got, err)
			}
			r.cycle()
			r.holds("local", "a", "0: one", "5: six", "1: two")
			if last := r.delivered("local"); !last[len(last)-1].Messages[0].Late {
				t.Error("what came late is not marked so")
			}
		})
	}
}

// A conversation that the selection leaves out is not made due by being too big for a
// page, and its window is read again when it could not be looked at.
func TestABigConversationThatIsLeftOut(t *testing.T) {
	r, h := handTrial(t, func(s *Settings) { s.Skills = []string{"Billing"}; s.Reread = 5 * time.Minute })
	h.skills = []liveperson.Skill{billing, orders}
	h.limit, h.alone = 100_000, 200_000
	k := bigTalk(3000)
	k.more = `,"latestSkillId":2`
	h.put(k)
	for range 2 {
		r.cycle()
		r.clock.Advance(time.Hour)
	}
	if due, err := r.cp.Reread(context.Background(), r.millis(), checkpoint.OpenConversation{}, 10); err != nil || len(due) != 0 {
		t.Errorf("due: %+v, %v", due, err)
	}
	h.fail = func(op string) error {
		if op == "section" {
			return errGone
		}
		return nil
	}
	if _, err := r.Cycle(context.Background(), nil); !errors.Is(err, ErrIncomplete) {
		t.Error(err)
	}
	h.fail = nil
	k.more = `,"latestSkillId":1`
	h.put(k)
	r.cycle()
	r.holdsTalk(k)
}

func TestHugeConversationThatIsCutShort(t *testing.T) {
	statuses := `,"messageStatuses":[{"seq":0},{"seq":2999},{"seq":3000},{"seq":3001}]`
	for name, k := range map[string]talk{
		"by its own word": {more: `,"isPartial":true`},
		"by its statuses": {sections: statuses},
	} {
		t.Run(name, func(t *testing.T) {
			r, h, _ := hugeTrial(t, 0)
			k.id, k.said = "big", bigTalk(3000).said
			h.put(k)
			if _, err := r.Cycle(context.Background(), nil); !errors.Is(err, ErrIncomplete) {
				t.Error(err)
			}
			r.holdsTalk(k)
			if list := r.all("cut", 10); len(list) != 1 || list[0].ID != "big" {
				t.Errorf("%+v", list)
			}
			k.more, k.said = "", append(k.said, said{3000, "more"}, said{3001, "still more"})
			h.put(k)
			r.cycle()
			r.holdsTalk(k)
		})
	}
}

// An event may tell of a conversation before a record does that is cut short.
func TestAConversationOfEventsThatIsCutShort(t *testing.T) {
	r, h := handLive(t, nil)
	r.receive(hear(heard{"a", "a", 0, "one", ""}))
	r.digestAll()
	h.put(talk{id: "a", said: []said{{0, "one"}}, more: `,"isPartial":true`})
	if _, err := r.Cycle(context.Background(), nil); !errors.Is(err, ErrIncomplete) {
		t.Error(err)
	}
	r.receive(hear(heard{"a", "a", 2, "three", ""}))
	r.digestAll()
	if list := r.all("cut", 10); len(list) != 1 || list[0].ID != "a" {
		t.Errorf("%+v", list)
	}
	h.put(talk{id: "a", closed: true, said: []said{{0, "one"}, {1, "two"}, {2, "three"}}})
	r.cycle()
	r.holds("local", "a", "0: one", "1: two", "2: three")
}

// bent gives what a test makes of answers by id.
type bent struct {
	*handmade
	answer func(ids []string, alone bool) []string
}

func (b *bent) give(ids []string, alone bool, sink liveperson.Sink) (liveperson.Page, error) {
	sink.Reset()
	records := b.answer(ids, alone)
	for _, r := range records {
		if err := sink.Record([]byte(r)); err != nil {
			return liveperson.Page{}, err
		}
	}
	return liveperson.Page{Count: len(records), Records: len(records)}, nil
}

func (b *bent) Conversations(_ context.Context, ids []string, sink liveperson.Sink) (liveperson.Page, error) {
	return b.give(ids, false, sink)
}

func (b *bent) Conversation(_ context.Context, id string, _ int64, sink liveperson.Sink) (liveperson.Page, error) {
	return b.give([]string{id}, true, sink)
}

func TestAnswersByIDThatContradictThemselves(t *testing.T) {
	b := &bent{}
	r, h := handTrial(t, func(s *Settings) { b.handmade = s.Source.(*handmade); s.Source = b; s.Reread = 5 * time.Minute })
	one, two := talk{id: "a", said: []said{{0, "one"}}}, talk{id: "a", said: []said{{0, "one"}, {1, "two"}}}
	other := talk{id: "b", said: []said{{0, "not asked for"}}}
	nameless := strings.Replace(two.record(), "conversationId", "idOfConversation", 1)
	h.put(talk{id: "a", said: []said{{0, "one"}}, more: `,"isPartial":true`})
	for _, step := range []struct {
		name, failed string
		answer       []string
		quarantined  int
	}{
		{"two that differ", errContrary.Error(), []string{one.record(), two.record()}, 0},
		{"somebody else", errOther.Error(), []string{other.record()}, 0},
		{"without a name", errOther.Error(), []string{nameless}, 1},
	} {
		b.answer = func(ids []string, alone bool) []string {
			if !alone || !slices.Equal(ids, []string{"a"}) {
				t.Errorf("asked for %v", ids)
			}
			return step.answer
		}
		report, err := r.Cycle(context.Background(), nil)
		if !errors.Is(err, ErrIncomplete) || report.Quarantined != step.quarantined {
			t.Errorf("%s: %v, %+v", step.name, err, report)
		}
		if list := r.all("failed-looks", 10); len(list) != 1 || !strings.Contains(list[0].Why, step.failed) {
			t.Errorf("%s: %+v", step.name, list)
		}
		r.clock.Advance(25 * time.Hour)
	}
	b.answer = func([]string, bool) []string { return []string{other.record(), two.record(), two.record()} }
	r.clock.Advance(25 * time.Hour)
	r.cycle()
	r.holds("local", "a", "0: one", "1: two")
	r.holds("local", "b")
}

func TestStatusesBeyondTheMessages(t *testing.T) {
	in := func(dialog string, sequences ...int64) (list []capturedMessage) {
		for _, n := range sequences {
			list = append(list, capturedMessage{dialog: dialog, sequence: n})
		}
		return list
	}
	about := func(dialog string, sequences ...int64) string {
		var list []string
		for _, n := range sequences {
			list = append(list, fmt.Sprintf(`{"seq":%d,"dialogId":%q}`, n, dialog))
		}
		return strings.Join(list, ",")
	}
	list := func(parts ...string) liveperson.Value { return []byte("[" + strings.Join(parts, ",") + "]") }
	for name, c := range map[string]struct {
		messages []capturedMessage
		dialogs  int
		statuses liveperson.Value
		want     []statusName
	}{
		"none":                        {in("a", 0, 1), 1, nil, nil},
		"all there, with gaps":        {in("a", 0, 4, 9), 1, list(about("a", 0, 9, 4, 0)), nil},
		"beyond":                      {in("a", 0, 1), 1, list(about("a", 0, 1, 2, 2)), []statusName{{"a", 2}}},
		"in a gap":                    {in("a", 0, 3), 1, list(about("a", 2)), []statusName{{"a", 2}}},
		"another dialog's id":         {in("a", 0, 1, 2), 1, list(about("x", 0, 2, 0)), nil},
		"another dialog's id, beyond": {in("a", 0, 1, 2), 1, list(about("x", 0, 3)), []statusName{{"", 3}}},
		"without a dialog":            {in("a", 0, 1), 0, list(`{"seq":1}`, `{"seq":"5"}`), []statusName{{"", 5}}},
		"one of two dialogs":          {append(in("a", 0, 1, 2), in("b", 0)...), 2, list(about("a", 2), about("b", 0, 1)), []statusName{{"b", 1}}},
		"a dialog without messages":   {in("a", 0, 1, 2), 2, list(about("a", 2), about("b", 0, 1)), []statusName{{"b", 0}, {"b", 1}}},
		"no messages":                 {nil, 1, list(about("a", 0)), []statusName{{"", 0}}},
		"messages without numbers":    {append(in("a", 0), capturedMessage{derived: 1}, capturedMessage{derived: 2}), 1, list(about("a", 0, 1, 2, 2)), nil},
		"too few without numbers":     {append(in("a", 0), capturedMessage{derived: 1}), 1, list(about("a", 0, 1, 2)), []statusName{{"a", 1}, {"a", 2}}},
		"not in order":                {in("a", 7, 3, 5, 4, 6, 0), 1, list(about("a", 0, 3, 4, 5, 6, 7, 1)), []statusName{{"a", 1}}},
		"unreadable":                  {in("a", 0), 1, list(`{"x":1}`, `7`, `null`), nil},
	} {
		d := &numbered{}
		d.beyond(in("z", 5, 8, 1), 1, nil) // what an earlier record left must not count
		if got := d.beyond(c.messages, c.dialogs, c.statuses); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A message that was captured before and is gone now is missing nowhere.
func TestStatusesOfMessagesThatWereCapturedBefore(t *testing.T) {
	r, h := handTrial(t, nil)
	k := talk{id: "a", said: []said{{0, "one"}, {1, "two"}}, sections: `,"messageStatuses":[{"seq":0,"dialogId":"a"},{"seq":1,"dialogId":"a"}]`}
	h.put(k)
	r.cycle()
	k.said = k.said[:1]
	h.put(k)
	r.cycle()
	k.sections = `,"messageStatuses":[{"seq":0,"dialogId":"a"},{"seq":2,"dialogId":"a"}]`
	h.put(k)
	if _, err := r.Cycle(context.Background(), nil); !errors.Is(err, ErrIncomplete) {
		t.Error(err)
	}
	r.holds("local", "a", "0: one", "1: two")
}
