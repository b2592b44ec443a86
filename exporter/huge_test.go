package exporter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// hugeTrial is a handmade account whose conversation "big" is too big for a
// page and too big to be fetched alone.
func hugeTrial(t *testing.T, messages int) (*trial, *handmade, talk) {
	r, h := handTrial(t, nil)
	h.limit, h.alone = 100_000, 200_000
	k := bigTalk(messages)
	h.put(k)
	h.put(talk{id: "small", said: []said{{0, "x"}}})
	return r, h, k
}

func bigTalk(messages int) talk {
	k := talk{id: "big", sections: `,"transfers":[],"campaign":{"campaignName":"x"},"messageStatuses":[{"seq":0}],"summary":{}`}
	for i := range messages {
		k.said = append(k.said, said{i, fmt.Sprint(i, strings.Repeat(" word", 60))})
	}
	return k
}

// holdsTalk makes sure that a destination holds every message of a talk once,
// in order, in slices that are not too long.
func (r *trial) holdsTalk(k talk) {
	r.t.Helper()
	next := 0
	for _, s := range r.delivered("local") {
		if s.Conversation != k.id {
			continue
		}
		if len(s.Messages) > sliceMessages {
			r.t.Errorf("slice %d holds %d messages", s.Number, len(s.Messages))
		}
		for _, m := range s.Messages {
			if next == len(k.said) || m.Sequence != int64(k.said[next].seq) || m.Text != k.said[next].text || m.Amends != 0 {
				r.t.Fatalf("message %d is %d, amends %d: %.20q", next, m.Sequence, m.Amends, m.Text)
			}
			next++
		}
	}
	if next != len(k.said) {
		r.t.Errorf("%d messages, want %d", next, len(k.said))
	}
	r.sound()
}

func TestHugeConversationGrowsAndChanges(t *testing.T) {
	r, h, k := hugeTrial(t, 5200)
	r.cycle()
	r.holdsTalk(k)
	if report := r.cycle(); report.Captured.Revisions != 0 || report.Destinations[0].Bundles != 0 {
		t.Errorf("at rest: %+v", report)
	}
	for i := range 10 {
		k.said = append(k.said, said{6000 + i, "more"})
	}
	h.put(k)
	if d := r.cycle().Destinations[0]; d.Messages != 10 || d.Slices != 1 {
		t.Errorf("growth: %+v", d)
	}
	r.holdsTalk(k)
	k.said[2600].text = "changed"
	h.put(k)
	if d := r.cycle().Destinations[0]; d.Messages != 1 || d.Amendments != 1 {
		t.Errorf("change: %+v", d)
	}
	r.sound()
}

func TestHugeConversationOfTheSandbox(t *testing.T) {
	set := sandbox.Settings{Seed: 2, Conversations: 3, Period: 1e12, Huge: 3000, Messages: 4}
	r := newTrial(t, set, 24*3600e9, func(s *Settings) {
		s.Source = &shortSight{Source: s.Source, limit: 300_000}
	})
	r.cycle()
	r.mustHoldTruth("local")
}

// shortSight lowers the limit of a record fetched alone.
type shortSight struct {
	Source
	limit int64
}

func (s *shortSight) Conversation(ctx context.Context, id string, _ int64, sink liveperson.Sink) (liveperson.Page, error) {
	return s.Source.Conversation(ctx, id, s.limit, sink)
}

var errGone = &liveperson.APIError{Op: "get section", Status: 503, Err: errors.New("unavailable")}

// An attempt that fails in the middle of a section is void.
func TestHugeConversationIsReadAgainFromTheSectionsStart(t *testing.T) {
	r, h, k := hugeTrial(t, 3000)
	failures := 3
	h.section = func(_, section string, element int) error {
		if section == "messageRecords" && element == 2900 && failures > 0 {
			failures--
			return errGone
		}
		return nil
	}
	r.cycle()
	if failures != 0 {
		t.Error("it was not read again")
	}
	r.holdsTalk(k)
}

// What a killed capture left is removed by the next, whichever way the
// conversation comes then.
func TestHugeConversationAfterAKill(t *testing.T) {
	for _, whole := range []bool{false, true} {
		r, h, k := hugeTrial(t, 3000)
		ctx, kill := context.WithCancel(context.Background())
		parts := 0
		r.Step = func(name string) {
			if name == "part stored" {
				if parts++; parts == 2 {
					kill()
				}
			}
		}
		if _, err := r.Cycle(ctx, nil); !errors.Is(err, context.Canceled) {
			t.Fatalf("killed: %v", err)
		}
		r.reopenWith(nil)
		if got := r.lines("local", "big"); len(got) != 0 {
			t.Errorf("%d messages of a half conversation were delivered", len(got))
		}
		if whole {
			k.said = k.said[:100]
			h.put(k)
		}
		r.cycle()
		r.holdsTalk(k)
		if whole {
			k = bigTalk(3000)
			h.put(k)
			r.cycle()
			r.holdsTalk(k)
		}
	}
}

// A section that stays bad leaves the rest captured and its own conversation due.
func TestHugeConversationThatCannotBeRead(t *testing.T) {
	r, h, k := hugeTrial(t, 3000)
	h.fail = func(op string) error {
		if op == "section" {
			return errGone
		}
		return nil
	}
	report, err := r.Cycle(context.Background(), nil)
	if !errors.Is(err, ErrIncomplete) || report.Watermark.IsZero() {
		t.Errorf("%+v, %v", report, err)
	}
	if list := r.all("failed-looks", 10); len(list) != 1 || list[0].ID != "big" || list[0].Why == "" {
		t.Errorf("listed: %+v", list)
	}
	r.holds("local", "small", "0: x")
	h.fail = nil
	r.cycle()
	r.holdsTalk(k)
	if list := r.all("failed-looks", 10); len(list) != 0 {
		t.Errorf("listed: %+v", list)
	}
}

func TestHugeConversationWithABadMessage(t *testing.T) {
	r, h, k := hugeTrial(t, 3000)
	good := h.records["big"]
	h.records["big"] = strings.Replace(good, `"messageRecords":[`, `"messageRecords":[null,`, 1)
	if report, err := r.Cycle(context.Background(), nil); !errors.Is(err, ErrQuarantine) || report.Quarantined != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	r.holds("local", "small", "0: x")
	h.records["big"] = good
	if report := r.cycle(); report.Quarantined != 0 {
		t.Errorf("%+v", report)
	}
	r.holdsTalk(k)
}

// Only one process at a time captures in sections: a second one would take the
// first one's half for a dead one's.
func TestHugeConversationWaitsForTheOther(t *testing.T) {
	r, h, _ := hugeTrial(t, 3000)
	release, err := r.leaseBig(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, stop := context.WithCancel(context.Background())
	r.Step = func(name string) {
		if name == "page stored" {
			stop()
		}
	}
	h.fail = func(op string) error {
		if op == "by id" || op == "section" {
			t.Error("it did not wait")
		}
		return nil
	}
	if _, err := r.Cycle(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cycle: %v", err)
	}
}

// What makes room for its parts is no record yet: a conversation that was closed
// when it was first met was closed once, and says so.
func TestHugeConversationThatIsClosedWhenFirstMet(t *testing.T) {
	set := sandbox.Settings{Seed: 11<<8 | 4, Conversations: 3, Period: 24 * time.Hour, Huge: 9000}
	r := newTrial(t, set, 48*time.Hour, nil)
	r.cycle()
	r.mustHoldTruth("local")
}
