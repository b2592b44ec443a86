package sandbox_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/liveperson/sandbox"
)

// TestChangesTellWhatHappened: whenever something happens to a conversation
// there is a change of that moment, and it shows what the happening says.
func TestChangesTellWhatHappened(t *testing.T) {
	now := epoch.Add(6 * day)
	for name, s := range ways(now) {
		account := sandbox.New(s)
		pids := map[string]string{}
		for pid, id := range staffByPID(t, s) {
			pids[id] = pid
		}
		changes := map[int]map[int64]details{}
		for e := range account.Events(epoch.Add(-1), now) {
			if e.Kind != sandbox.ConversationChange {
				continue
			}
			if changes[e.Conversation] == nil {
				changes[e.Conversation] = map[int64]details{}
			}
			c := read(t, e)
			d := c.Result.Details
			if _, twice := changes[e.Conversation][e.At]; twice || c.Result.ConvID != account.ID(e.Conversation) || d.MetaDataLastUpdateTs != e.At {
				t.Fatalf("%s: conversation %d at %d: %s", name, e.Conversation, e.At, e.Body)
			}
			changes[e.Conversation][e.At] = d
		}
		for c := range account.Truth(now) {
			for _, h := range c.Happened {
				d, there := changes[c.Number][h.At]
				switch told := fmt.Sprintf("%s: conversation %d: %+v at %+v", name, c.Number, h, d); {
				case h.Kind == "survey", h.Kind == "summary", h.Kind == "joined" && pids[h.ID] == "": // as below; never; with the start
				case !there:
					t.Fatal("no change: " + told)
				case h.Kind == "joined" != present(d, pids[h.ID]) && (h.Kind == "joined" || h.Kind == "left"):
					t.Fatal("who is there: " + told)
				case h.Kind == "transferred" && d.Stage != "" && d.SkillID != h.ID[len(h.ID)-len(d.SkillID):]:
					t.Fatal("the skill: " + told)
				case h.Kind == "closed" && d.Stage != "" && !closedAt(d, h.ID, h.At):
					t.Fatal("not closed: " + told)
				}
			}
			compareLast(t, name, c, changes[c.Number])
		}
	}
}

func present(d details, id string) bool {
	return slices.ContainsFunc(d.Participants, func(p person) bool { return p.ID == id })
}

func closedAt(d details, dialog string, at int64) bool {
	for _, s := range d.Dialogs {
		if s.DialogID == dialog {
			return s.State == "CLOSE" && s.EndTs == at
		}
	}
	return false
}

// compareLast checks that the last change has the conversation as it is now.
func compareLast(t *testing.T, name string, c sandbox.Conversation, changes map[int64]details) {
	t.Helper()
	last := int64(0)
	for at := range changes {
		last = max(last, at)
	}
	d := changes[last]
	want := sandbox.Conversation{Status: c.Status, StartedAt: c.StartedAt, EndedAt: c.EndedAt, Dialogs: c.Dialogs}
	got := sandbox.Conversation{Status: d.State, StartedAt: d.StartTs, EndedAt: d.EndTs}
	surveyed := true
	for _, s := range d.Dialogs {
		got.Dialogs = append(got.Dialogs, sandbox.Dialog{ID: s.DialogID, Kind: s.DialogType, StartedAt: s.CreationTs, EndedAt: s.EndTs})
		surveyed = surveyed && s.State == "CLOSE"
	}
	if d.Stage == "" { // of 2018
		got.Dialogs = want.Dialogs
	} else if surveyed != (d.Stage == "CLOSE") {
		t.Fatalf("%s: conversation %d: stage %s of %+v", name, c.Number, d.Stage, d.Dialogs)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s: conversation %d (-truth +last change)\n%s", name, c.Number, diff)
	}
}

// TestStatusesTakeTheNumbersLeftOut: no number names two things, and between
// the messages of a dialog none is missing.
func TestStatusesTakeTheNumbersLeftOut(t *testing.T) {
	now := epoch.Add(6 * day)
	type dialog struct {
		messages, statuses map[int64]bool
	}
	dialogs, states := map[string]dialog{}, map[string]int{}
	for e := range sandbox.New(small(now)).Events(epoch.Add(-1), now) {
		c := read(t, e)
		d, ok := dialogs[c.DialogID]
		if !ok {
			d = dialog{map[int64]bool{}, map[int64]bool{}}
			dialogs[c.DialogID] = d
		}
		switch e.Kind {
		case sandbox.ContentEvent, sandbox.RichContentEvent:
			d.messages[*c.Sequence] = true
		case sandbox.AcceptStatusEvent:
			of := c.Event.SequenceList
			if len(of) != 1 || !d.messages[of[0]] || *c.Sequence != of[0]+1 || *c.ServerTimestamp != e.At {
				t.Fatalf("a status of what was not sent: %s", e.Body)
			}
			d.statuses[*c.Sequence] = true
			states[c.Event.Status]++
		case sandbox.ChatStateEvent:
			if c.Sequence != nil || c.ServerTimestamp != nil {
				t.Fatalf("a chat state has no number and no time: %s", e.Body)
			}
			states[c.Event.ChatState]++
		}
	}
	for id, d := range dialogs {
		for n := range d.messages {
			if d.statuses[n] || n > 1 && !d.messages[n-1] && !d.statuses[n-1] {
				t.Fatalf("dialog %s: messages %v, statuses %v", id, d.messages, d.statuses)
			}
		}
	}
	for _, state := range []string{"ACCEPT", "READ", "COMPOSING", "ACTIVE", "PAUSE"} {
		if states[state] < 50 {
			t.Errorf("%d times %s", states[state], state)
		}
	}
}
