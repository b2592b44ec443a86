package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/liveperson/sandbox"
)

// notified is an event as a receiver reads it.
type notified struct {
	Kind, Type string
	Body       struct{ Changes []change }
}

type change struct {
	Sequence        *int64
	OriginatorID    string
	Originator      person `json:"originatorMetadata"`
	ServerTimestamp *int64
	Event           struct {
		Type, ContentType, Status, ChatState string
		Message, Content, QuickReplies       json.RawMessage
		SequenceList                         []int64
	}
	ConversationID, DialogID, MessageAudience string
	Result                                    struct {
		ConvID  string
		Details details `json:"conversationDetails"`
	}
}

type person struct{ ID, Role string }

type details struct {
	SkillID, BrandID, State, Stage string
	Participants                   []person
	Dialogs                        []struct {
		DialogID, DialogType, State string
		CreationTs, EndTs           int64
	}
	StartTs, EndTs, MetaDataLastUpdateTs int64
}

func read(t *testing.T, e sandbox.Event) change {
	t.Helper()
	var n notified
	if err := json.Unmarshal(e.Body, &n); err != nil {
		t.Fatalf("an event is not JSON: %v", err)
	}
	kind, _, _ := strings.Cut(string(e.Kind), "Notification")
	if n.Kind != "notification" || n.Type != kind+"Notification" || len(n.Body.Changes) != 1 {
		t.Fatalf("the envelope of %s: %.200s", e.Kind, e.Body)
	}
	return n.Body.Changes[0]
}

// told is a message as an event tells it, in the words of Truth.
func told(t *testing.T, c change, ids map[string]string) sandbox.Message {
	t.Helper()
	m := sandbox.Message{
		Dialog: c.DialogID, Sequence: *c.Sequence, SentAt: *c.ServerTimestamp, Sender: c.OriginatorID, Audience: c.MessageAudience,
		Type: map[string]string{
			"": "RICH_CONTENT", "text/plain": "TEXT_PLAIN", "text/html": "TEXT_HTML", "hosted/file": "HOSTED_FILE", "external/file": "LINK",
			"forms/secure-invitation": "SECURE_FORM_INVITATION", "forms/secure-submission": "SECURE_FORM_SUBMIT", "voice/note": "VOICE_NOTE",
		}[c.Event.ContentType],
	}
	role := "CONSUMER"
	if id, staff := ids[m.Sender]; staff {
		m.Sender = id
		switch id {
		case sandbox.AgentID(13):
			role = "MANAGER"
		case sandbox.AgentID(14):
			role = "CONTROLLER"
		default:
			role = "ASSIGNED_AGENT"
		}
	}
	if c.Originator != (person{c.OriginatorID, role}) {
		t.Fatalf("the originator is %q, %+v, want %s", c.OriginatorID, c.Originator, role)
	}
	if m.Audience == "" {
		m.Audience = "ALL"
	}
	switch m.Type {
	case "TEXT_PLAIN":
		m.Text = unquoted(t, c.Event.Message)
		if c.Event.QuickReplies != nil {
			m.Words = append([]string{m.Text}, members(t, c.Event.QuickReplies, "title")...)
		}
	case "TEXT_HTML":
		text := unquoted(t, c.Event.Message)
		m.Words = []string{strings.TrimSuffix(strings.TrimPrefix(text, "<p>"), "</p>")}
	case "RICH_CONTENT":
		m.Words = append(members(t, c.Event.Content, "text"), members(t, c.Event.Content, "title")...)
	default:
		var message struct{ Caption, RelativePath, Transcript, Title, InvitationID string }
		if err := json.Unmarshal(c.Event.Message, &message); err != nil {
			t.Fatal(err)
		}
		m.Path = message.RelativePath
		if word := message.Caption + message.Transcript + message.Title; word != "" {
			m.Words = []string{word}
		} else if message.InvitationID == "" {
			t.Fatalf("no words: %.200s", c.Event.Message)
		}
	}
	return m
}

func unquoted(t *testing.T, raw json.RawMessage) (s string) {
	t.Helper()
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// members are the strings of that name in rich content, in its order.
func members(t *testing.T, raw json.RawMessage, name string) (list []string) {
	t.Helper()
	type node struct {
		Text, Title       string
		Elements, Replies []json.RawMessage
	}
	var n node
	if err := json.Unmarshal(raw, &n); err != nil {
		t.Fatal(err)
	}
	if s := map[string]string{"text": n.Text, "title": n.Title}[name]; s != "" {
		list = append(list, s)
	}
	for _, child := range append(n.Elements, n.Replies...) {
		list = append(list, members(t, child, name)...)
	}
	return list
}

// staffByPID asks the Users API for who is meant by a pid.
func staffByPID(t *testing.T, s sandbox.Settings) map[string]string {
	t.Helper()
	var users []struct {
		ID  any // a number, or now and then a string
		PID string
	}
	w := connect(t, s).do("GET", "/api/account/sandbox/configuration/le-users/users?include_deleted=true", "")
	d := json.NewDecoder(w.Body)
	d.UseNumber()
	if err := d.Decode(&users); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, u := range users {
		ids[u.PID] = fmt.Sprint(u.ID)
	}
	if len(ids) != 15 {
		t.Fatalf("%d pids of 15 users", len(ids))
	}
	return ids
}

// ways are accounts whose events differ.
func ways(now time.Time) map[string]sandbox.Settings {
	list := map[string]sandbox.Settings{}
	for _, seed := range []uint64{1, 7, 42} {
		s := small(now)
		s.Seed = seed
		list[fmt.Sprint("seed ", seed)] = s
	}
	hostile, lively, plain := small(now), small(now), small(now)
	hostile.Hostile = true
	lively.Lively, lively.AgentNewline = 0.3, true
	plain.Plain = true
	list["hostile"], list["lively"], list["plain"] = hostile, lively, plain
	return list
}

// TestEventsTellEveryMessageOnce compares what events tell, read as a receiver
// does, with the truth before anything was masked or erased.
func TestEventsTellEveryMessageOnce(t *testing.T) {
	now := epoch.Add(6 * day)
	for name, s := range ways(now) {
		t.Run(name, func(t *testing.T) {
			account := sandbox.New(s)
			ids := staffByPID(t, s)
			got := map[int][]sandbox.Message{}
			for e := range account.Events(epoch.Add(-1), now) {
				if e.Message < 0 {
					continue
				}
				c := read(t, e)
				if id := account.ID(e.Conversation); c.ConversationID != id && (c.ConversationID != "" || c.DialogID != id) {
					t.Fatalf("conversation %d is called %q, its dialog %q", e.Conversation, c.ConversationID, c.DialogID)
				}
				if rich := c.Event.Type == "RichContentEvent"; rich != (e.Kind == sandbox.RichContentEvent) || e.Message != len(got[e.Conversation]) {
					t.Fatalf("%s, message %d of %d, of type %s", e.Kind, e.Message, len(got[e.Conversation]), c.Event.Type)
				}
				got[e.Conversation] = append(got[e.Conversation], told(t, c, ids))
			}
			unchanged := s
			unchanged.LateChanges = false
			messages := 0
			for c := range sandbox.New(unchanged).Truth(now) {
				messages += len(c.Messages)
				if diff := cmp.Diff(inEvents(c.Messages, s.AgentNewline), got[c.Number]); diff != "" {
					t.Fatalf("conversation %d (-truth +events)\n%s", c.Number, diff)
				}
				delete(got, c.Number)
			}
			if len(got) > 0 || messages < 4000 {
				t.Errorf("%d messages; of %d conversations that nobody knows there are events", messages, len(got))
			}
		})
	}
}

// inEvents is what of the truth events can tell: not the messageId, not which
// form was submitted.
func inEvents(truth []sandbox.Message, newline bool) []sandbox.Message {
	list := slices.Clone(truth)
	for i := range list {
		m := &list[i]
		m.ID = ""
		if m.Type == "SECURE_FORM_SUBMIT" {
			m.Words = nil
		}
		if staff := len(m.Sender) < 36 && m.Sender != sandbox.AgentID(14); newline && staff && m.Type == "TEXT_PLAIN" {
			m.Text += "\n"
			if len(m.Words) > 0 {
				m.Words = append([]string{m.Text}, m.Words[1:]...)
			}
		}
	}
	return list
}

// TestEventsTellTheTextOfThen: an edit before a message is sent is in its
// event, one after it is not.
func TestEventsTellTheTextOfThen(t *testing.T) {
	now := epoch.Add(6 * day)
	s := small(now)
	chosen := closedPlain(t, sandbox.New(s), now)
	sent := func(i int) time.Time { return time.UnixMilli(chosen.Messages[i].SentAt) }
	s.Changes = []sandbox.Change{
		{Kind: sandbox.Edit, Conversation: chosen.Number, Message: 0, At: sent(0).Add(time.Millisecond), Text: "after"},
		{Kind: sandbox.Edit, Conversation: chosen.Number, Message: 1, At: sent(1), Text: "at once"},
	}
	var texts []string
	for e := range sandbox.New(s).Events(sent(0).Add(-1), sent(1)) {
		if e.Conversation == chosen.Number && e.Message >= 0 {
			texts = append(texts, unquoted(t, read(t, e).Event.Message))
		}
	}
	if want := []string{chosen.Messages[0].Text, "at once"}; !slices.Equal(texts, want) {
		t.Errorf("got %q, want %q", texts, want)
	}
}

// TestPeriodsMeet: cut anywhere, also at the very moment of an event, the
// events are the same ones in the same order.
func TestPeriodsMeet(t *testing.T) {
	now := epoch.Add(6 * day)
	for name, s := range ways(now) {
		account := sandbox.New(s)
		whole := slices.Collect(account.Events(epoch.Add(-1), now))
		if !slices.IsSortedFunc(whole, func(x, y sandbox.Event) int { return int(x.At - y.At) }) {
			t.Errorf("%s: not in order of time", name)
		}
		random := rand.New(rand.NewPCG(3, 4))
		for range 30 {
			first := random.IntN(len(whole))
			last := first + random.IntN(min(len(whole)-first, 500))
			from, to := time.UnixMilli(whole[first].At), time.UnixMilli(whole[last].At)
			mid := from.Add(time.Duration(random.Int64N(int64(to.Sub(from)) + 1)))
			if random.IntN(2) == 0 {
				mid = time.UnixMilli(whole[first+(last-first)/2].At)
			}
			got := slices.AppendSeq(slices.Collect(account.Events(from, mid)), account.Events(mid, to))
			var want []sandbox.Event
			for _, e := range whole {
				if e.At > from.UnixMilli() && e.At <= to.UnixMilli() {
					want = append(want, e)
				}
			}
			if !slices.EqualFunc(want, got, sameEvent) {
				t.Fatalf("%s: from %v by %v to %v: %d events in all, %d in two parts", name, from, mid, to, len(want), len(got))
			}
		}
	}
}

func sameEvent(x, y sandbox.Event) bool {
	return x.At == y.At && x.Conversation == y.Conversation && x.Message == y.Message && x.Kind == y.Kind && bytes.Equal(x.Body, y.Body)
}

// TestLiveIsLive: who watches it sees a message every second or two.
func TestLiveIsLive(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	s := sandbox.Live()
	s.Now = func() time.Time { return now }
	messages := 0
	for e := range sandbox.New(s).Events(now.Add(-time.Hour), now) {
		if e.Message >= 0 {
			messages++
		}
	}
	if every := time.Hour / time.Duration(max(messages, 1)); every < time.Second || every > 2*time.Second {
		t.Errorf("a message every %v", every)
	}
}

func TestEventsWaitForTheirTime(t *testing.T) {
	now := epoch.Add(2 * day)
	s := small(now)
	s.Freshness = time.Hour
	last := int64(0)
	for e := range sandbox.New(s).Events(now.Add(-time.Hour), now.Add(time.Hour)) {
		last = e.At
	}
	if late := now.Sub(time.UnixMilli(last)); late < 0 || late > 10*time.Minute {
		t.Errorf("the newest event is %v old", late)
	}
	for range sandbox.New(s).Events(now, now.Add(time.Hour)) {
		t.Fatal("an event of the future")
	}
	next, stop := iter.Pull(sandbox.New(s).Events(epoch.Add(-1), now))
	if e, ok := next(); !ok || e.Kind != sandbox.ConversationChange {
		t.Errorf("the first event is %+v", e)
	}
	stop()
}
