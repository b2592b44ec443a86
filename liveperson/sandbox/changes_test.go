package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/liveperson/sandbox"
)

// closedPlain is a conversation that has closed by then, whose message 0 has a
// digit in it, and which no seeded change has touched.
func closedPlain(t *testing.T, account *sandbox.Account, at time.Time) sandbox.Conversation {
	t.Helper()
	for c := range account.Truth(at) {
		if c.Status == "CLOSE" && strings.ContainsAny(c.Messages[0].Text, "0123456789") && len(c.Dialogs) == 1 {
			return c
		}
	}
	t.Fatal("no such conversation")
	return sandbox.Conversation{}
}

func TestChangesComeAtTheirTime(t *testing.T) {
	settings := small(later)
	settings.LateChanges = false
	c := closedPlain(t, sandbox.New(settings), later)
	written := c.Messages[0].Text
	at := func(minutes int) time.Time { return later.Add(time.Duration(minutes) * time.Minute) }
	settings.Changes = []sandbox.Change{ // out of order
		{At: at(3), Kind: sandbox.Erase, Conversation: c.Number, Message: sandbox.Whole},
		{At: at(1), Kind: sandbox.Edit, Conversation: c.Number, Message: 0, Text: "Card 42"},
		{At: at(2), Kind: sandbox.Mask, Conversation: c.Number, Message: 0},
	}
	clock := later
	settings.Now = func() time.Time { return clock }
	r := connect(t, settings)
	for minutes, want := range []string{written, "Card 42", "Card **", sandbox.Deleted} {
		clock = at(minutes)
		if got := textOf(r.byID(c.ID).Records[0], 0); got != want {
			t.Errorf("after %d minutes: %q, want %q", minutes, got, want)
		}
	}
	var versions []sandbox.Version
	for held := range r.account.Truth(clock) {
		if held.Number == c.Number {
			versions = held.Messages[0].Versions
		}
	}
	want := []sandbox.Version{
		{c.Messages[0].SentAt, written}, {at(1).UnixMilli(), "Card 42"}, {at(2).UnixMilli(), "Card **"}, {at(3).UnixMilli(), sandbox.Deleted},
	}
	if diff := cmp.Diff(want, versions); diff != "" {
		t.Error(diff)
	}
	filter := everythingSince(epoch)
	filter["latestUpdateTime"] = object{"from": later.Add(-10 * time.Minute).UnixMilli()}
	for _, record := range r.all(filter) {
		if idOf(record) == c.ID {
			t.Error("a change moved the update time")
		}
	}
}

// textOf is the text of the i-th message by time.
func textOf(record object, i int) string {
	messages := record["messageRecords"].([]any)
	if len(messages) > 1 && messages[0].(object)["timeL"].(interface{ String() string }).String() > messages[1].(object)["timeL"].(interface{ String() string }).String() {
		i ^= 1
	}
	return messages[i].(object)["messageData"].(object)["msg"].(object)["text"].(string)
}

func TestMetadataChangesNoMessage(t *testing.T) {
	settings := small(later)
	c := closedPlain(t, sandbox.New(settings), later)
	before := connect(t, settings).byID(c.ID).Records[0]
	settings.Changes = []sandbox.Change{{At: later, Kind: sandbox.Metadata, Conversation: c.Number}}
	after := connect(t, settings).byID(c.ID).Records[0]
	for _, section := range []string{"campaign", "messageScores", "messageStatuses"} {
		if cmp.Equal(before[section], after[section]) && before[section] != nil {
			t.Errorf("%s is as before", section)
		}
	}
	if diff := cmp.Diff(before["messageRecords"], after["messageRecords"]); diff != "" {
		t.Error(diff)
	}
}

func TestLateChanges(t *testing.T) {
	account := sandbox.New(small(later))
	masked, erased := 0, 0
	for c := range account.Truth(later.Add(4 * day)) {
		for _, m := range c.Messages {
			if m.Versions == nil {
				continue
			}
			if m.Versions[len(m.Versions)-1].Text != m.Text {
				t.Fatal("the last version is not the text")
			}
			if m.Text == sandbox.Deleted {
				erased++
			} else if strings.Contains(m.Text, "***") {
				masked++
			}
		}
	}
	if masked < 20 || erased < 20 {
		t.Errorf("%d texts masked, %d erased", masked, erased)
	}
}

// TestDefaultIsLively holds what a visitor of the demonstration should find. It
// begins a week ago only, to be quick.
func TestDefaultIsLively(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	settings := sandbox.Default()
	settings.Epoch = now.Add(-7 * day)
	account := sandbox.New(settings)
	began, minutesWithNews := 0, 0
	open := map[int]bool{}
	for c := range account.Truth(now) {
		if c.StartedAt > now.Add(-day).UnixMilli() {
			began++
		}
	}
	before := newest(account, now)
	for minute := 1; minute <= 30; minute++ {
		after := newest(account, now.Add(time.Duration(minute)*time.Minute))
		news := false
		for id, n := range after {
			if n > before[id] {
				news, open[id] = true, true
			}
		}
		if news {
			minutesWithNews++
		}
		before = after
	}
	if began < 10 || began > 20 || len(open) < 2 || minutesWithNews < 5 || minutesWithNews == 30 {
		t.Errorf("%d began in a day, %d grew in half an hour, in %d of 30 minutes", began, len(open), minutesWithNews)
	}
}

// newest counts the messages of each conversation of the last three days.
func newest(account *sandbox.Account, at time.Time) map[int]int {
	counts := map[int]int{}
	for c := range account.Truth(at) {
		if c.StartedAt > at.Add(-3*day).UnixMilli() {
			counts[c.Number] = len(c.Messages)
		}
	}
	return counts
}
