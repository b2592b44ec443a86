package exporter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// raw puts a record of these messages, each a JSON value, under an id.
func (h *handmade) raw(id string, messages ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records[id] = fmt.Sprintf(`{"info":{"conversationId":"%s","startTimeL":%d,"status":"OPEN"},"messageRecords":[%s]}`, id, talkStart, strings.Join(messages, ","))
}

// msg is one message at a minute, with text and whatever else is in more.
func msg(minute int, text, more string) string {
	return fmt.Sprintf(`{"type":"TEXT_PLAIN","timeL":%d,"messageData":{"msg":{"text":%q}},"participantId":"c","sentBy":"Consumer"%s}`,
		talkStart+int64(minute)*60_000, text, more)
}

// names are dialog, sequence and variant of all messages that were delivered.
func (r *trial) names(conversation string) []string {
	list := []string{}
	for _, s := range r.delivered("local") {
		for _, m := range s.Messages {
			if s.Conversation == conversation {
				name := fmt.Sprintf("%s/%d", m.Dialog, m.Sequence)
				if m.Derived != "" {
					name = m.Dialog + "/derived"
				}
				if m.Variant != 0 {
					name += fmt.Sprintf("/%d", m.Variant)
				}
				list = append(list, name)
			}
		}
	}
	return list
}

func TestNamesOfMessages(t *testing.T) {
	for what, c := range map[string]struct {
		more, want string
	}{
		"number":             {`,"seq":7,"dialogId":"d"`, "d/7"},
		"string":             {`,"seq":"7","dialogId":"d"`, "d/7"},
		"fraction of zeros":  {`,"seq":7.0,"dialogId":"d"`, "d/7"},
		"sequence wins":      {`,"seq":1,"messageId":"ms::dialog:x::msg:0","dialogId":"d"`, "d/1"},
		"zero":               {`,"seq":0`, "a/0"},
		"in the id":          {`,"messageId":"ms::dialog:d::msg:4"`, "d/4"},
		"in an id of a conv": {`,"messageId":"ms::conv:other::msg:4"`, "a/4"},
		"null dialog":        {`,"seq":3,"dialogId":null`, "a/3"},
		"dialog null":        {`,"seq":3,"dialogId":"null"`, "a/3"},
		"undefined":          {`,"seq":3,"dialogId":"undefined","messageId":"ms::dialog:d::msg:9"`, "d/3"},
		"undefined twice":    {`,"seq":3,"dialogId":"undefined","messageId":"ms::dialog:undefined::msg:3"`, "a/3"},
		"empty":              {`,"seq":3,"dialogId":""`, "a/3"},
		"dialog is a number": {`,"seq":3,"dialogId":12`, "12/3"},
		"negative":           {`,"seq":-1,"messageId":"ms::dialog:d::msg:4","dialogId":"d"`, "d/4"},
		"largest":            {`,"seq":9007199254740991`, "a/9007199254740991"},
		"too large":          {`,"seq":9007199254740992`, "a/derived"},
		"huge":               {`,"seq":99999999999999999999999`, "a/derived"},
		"fraction":           {`,"seq":1.5`, "a/derived"},
		"object":             {`,"seq":{},"messageId":[]`, "a/derived"},
		"none":               {``, "a/derived"},
	} {
		r, h := handTrial(t, nil)
		h.raw("a", msg(0, "x", c.more))
		first := r.cycle()
		h.raw("a", msg(0, "x", c.more), msg(1, "y", `,"seq":100`))
		r.cycle()
		if got := r.names("a"); !slices.Equal(got, []string{c.want, "a/100"}) {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
		if first.Captured.Messages != 1 {
			t.Errorf("%s: captured %+v", what, first.Captured)
		}
		r.sound()
	}
}

func TestTwoMessagesUnderOneName(t *testing.T) {
	for _, drafted := range []bool{true, false} {
		r, h := handTrial(t, nil)
		if !drafted { // only a first cycle makes drafts
			r.cycle()
		}
		one, two, three := msg(0, "one", `,"seq":0`), msg(1, "two", `,"seq":0`), msg(2, "three", `,"seq":1`)
		again := msg(5, "one", `,"seq":0`) // the same words at another time
		h.raw("a", one, two, three, two, again)
		report := r.cycle()
		if report.Captured.Variants != 2 || report.Captured.Messages != 4 {
			t.Errorf("captured %+v", report.Captured)
		}
		want := []string{"0: one", "0/2: two", "1: three", "0/3: one"}
		r.holds("local", "a", want...)
		h.raw("a", again, two, three, one) // in any order they are the same
		if report := r.cycle(); report.Captured.Revisions != 0 {
			t.Errorf("captured %+v", report.Captured)
		}
		h.raw("a", one, msg(1, "two, changed", `,"seq":0`), three, again)
		r.cycle()
		r.holds("local", "a", append(want, "0/2 amends 1: two, changed")...)
	}
}

// A message without a number is named by what it is.
func TestDerivedNames(t *testing.T) {
	r, h := handTrial(t, nil)
	h.raw("a", msg(0, "x", ""), msg(0, "x", ""), msg(0, "y", ""), msg(1, "x", ""), msg(0, "x", `,"dialogId":"d"`))
	r.cycle()
	h.raw("a", msg(1, "x", ""), msg(0, "y", ""), msg(0, "x", `,"dialogId":"d"`), msg(0, "x", ""), msg(2, "z", ""))
	r.cycle()
	r.sound()
	got := r.lines("local", "a")
	slices.Sort(got)
	if !slices.Equal(got, []string{"derived: x", "derived: x", "derived: x", "derived: y", "derived: z"}) {
		t.Errorf("delivered %q", got)
	}
}

// What cannot be read waits for a person, the rest goes on, and a good record of
// the same conversation ends the waiting, also when it holds nothing new.
func TestQuarantine(t *testing.T) {
	bad := map[string]string{
		"no id":               `{"info":{"status":"OPEN"},"messageRecords":[]}`,
		"no object":           `[1,2]`,
		"null":                `null`,
		"messages no list":    `{"info":{"conversationId":"b"},"messageRecords":"none"}`,
		"message no object":   `{"info":{"conversationId":"b"},"messageRecords":[7]}`,
		"message null":        `{"info":{"conversationId":"b"},"messageRecords":[null]}`,
		"id with surrogate":   `{"info":{"conversationId":"\ud800"},"messageRecords":[]}`,
		"id of 1100 bytes":    `{"info":{"conversationId":"` + strings.Repeat("x", 1100) + `"},"messageRecords":[]}`,
		"id with nul":         `{"info":{"conversationId":"\u0000"},"messageRecords":[]}`,
		"message in a record": `{"info":{"conversationId":"b"},"messageRecords":{"0":{}}}`,
	}
	for what, record := range bad {
		r, h := handTrial(t, nil)
		h.put(talk{id: "a", said: []said{{0, "good"}}})
		h.put(talk{id: "b", said: []said{{0, "good too"}}})
		r.cycle()
		h.mu.Lock()
		h.records["b"] = record
		h.mu.Unlock()
		h.put(talk{id: "c", said: []said{{0, "after it"}}})
		for range 2 { // the same bad bytes wait once
			report, err := r.Cycle(context.Background(), nil)
			if !errors.Is(err, ErrQuarantine) || errors.Is(err, ErrIncomplete) || report.Quarantined != 1 {
				t.Errorf("%s: %+v, %v", what, report, err)
			}
		}
		r.holds("local", "a", "0: good")
		r.holds("local", "c", "0: after it")
		if retried, err := r.QuarantineRetry(context.Background()); err != nil || retried.Left != 1 {
			t.Errorf("%s: retry resolved what is bad: %+v, %v", what, retried, err)
		}
		list, err := r.QuarantineList(context.Background())
		if err != nil || len(list) != 1 {
			t.Fatalf("%s: %+v, %v", what, list, err)
		}
		shown, err := r.QuarantineShow(context.Background(), list[0].ID)
		if err != nil || string(shown.Record) != record {
			t.Errorf("%s: show %q, %v", what, shown.Record, err)
		}
		if list[0].Conversation != "b" {
			continue
		}
		h.put(talk{id: "b", said: []said{{0, "good too"}}})
		if report := r.cycle(); report.Quarantined != 0 || report.Captured.Revisions != 0 {
			t.Errorf("%s: a good record did not end the waiting: %+v", what, report)
		}
		r.holds("local", "b", "0: good too")
	}
}

// An oversized record without a usable id holds up nobody.
func TestOversizedRecordWithoutID(t *testing.T) {
	r, h := handTrial(t, nil)
	h.limit = 2000
	h.put(talk{id: "a", said: []said{{0, "good"}}})
	h.raw("b", msg(0, strings.Repeat("x", 4000), ""))
	h.records["b"] = strings.Replace(h.records["b"], `"conversationId":"b"`, `"conversationId":"null"`, 1)
	for range 2 {
		report, err := r.Cycle(context.Background(), nil)
		if !errors.Is(err, ErrQuarantine) || errors.Is(err, ErrIncomplete) || report.Quarantined != 1 {
			t.Errorf("%+v, %v", report, err)
		}
	}
	r.holds("local", "a", "0: good")
	report, err := r.Backfill(context.Background(), epoch, epoch.Add(20*time.Hour), nil)
	if !errors.Is(err, ErrQuarantine) || errors.Is(err, ErrIncomplete) {
		t.Errorf("backfill: %+v, %v", report, err)
	}
}

func TestQuarantineOfTheSandbox(t *testing.T) {
	fixed := epoch.Add(25 * time.Hour)
	set := sandbox.Settings{Seed: 8, Conversations: 30, Period: 20 * time.Hour, Messages: 6, Faults: []sandbox.Fault{
		{Kind: sandbox.NotArray, Numbers: []int{3, 4}, Until: fixed}, {Kind: sandbox.NoID, Numbers: []int{5}, Until: fixed}}}
	r := newTrial(t, set, 24*time.Hour, nil)
	if report, err := r.Cycle(context.Background(), nil); !errors.Is(err, ErrQuarantine) || report.Quarantined != 3 {
		t.Errorf("%+v, %v", report, err)
	}
	r.clock.Advance(26 * time.Hour)
	for range 3 {
		r.clock.Advance(25 * time.Hour)
		if _, err := r.Cycle(context.Background(), nil); err != nil && !errors.Is(err, ErrQuarantine) {
			t.Fatal(err)
		}
	}
	r.mustHoldTruth("local")
	left, err := r.QuarantineList(context.Background())
	if err != nil || len(left) != 1 || left[0].Conversation != "" {
		t.Errorf("left: %+v, %v", left, err)
	}
}

func TestPartialRecords(t *testing.T) {
	set := sandbox.Settings{Seed: 8, Conversations: 30, Period: 20 * time.Hour, Messages: 12, Faults: []sandbox.Fault{{Kind: sandbox.PartialRecord, Share: 0.5}}}
	r := newTrial(t, set, 24*time.Hour, nil)
	r.cycle()
	r.mustHoldTruth("local") // whole by id
	for _, s := range r.delivered("local") {
		if n := len(s.Messages); s.Partial && n > 3 {
			t.Errorf("%s: a whole slice of %d messages is marked as cut short", s.Conversation, n)
		}
	}
	if s, err := r.Status(context.Background()); err != nil || s.Partial != 0 {
		t.Errorf("status: %+v, %v", s, err)
	}
	again := r.cycle()
	if again.Captured.Revisions != 0 || again.Destinations[0].Bundles != 0 {
		t.Errorf("at rest: %+v", again)
	}
}

// What stays cut short is delivered, marked, counted and listed, keeps the run
// incomplete, and grows when more of it can be seen.
func TestRecordsThatStayPartial(t *testing.T) {
	r, h := handTrial(t, nil)
	k := talk{id: "a", said: []said{{0, "one"}}, more: `,"isPartial":true`}
	h.put(k)
	report, err := r.Cycle(context.Background(), nil)
	if slices := r.delivered("local"); !errors.Is(err, ErrIncomplete) || report.Captured.Partial != 1 || len(slices) != 1 || !slices[0].Partial {
		t.Errorf("%v, %+v: %+v", err, report.Captured, slices)
	}
	if list := r.all("cut", 10); len(list) != 1 || list[0].ID != "a" || !list[0].Since.Equal(r.clock.Now()) {
		t.Errorf("listed: %+v", list)
	}
	if s, err := r.Status(context.Background()); err != nil || s.Partial != 1 {
		t.Errorf("status: %+v, %v", s, err)
	}
	h.put(talk{id: "a", said: []said{{0, "one"}, {1, "two"}}})
	r.cycle()
	r.holds("local", "a", "0: one", "1: two")
	h.put(k) // less again: nothing is taken away, and what else it may lack is asked for
	if _, err := r.Cycle(context.Background(), nil); !errors.Is(err, ErrIncomplete) {
		t.Errorf("cut short again: %v", err)
	}
	r.holds("local", "a", "0: one", "1: two")
}

// A page with a partial result is a failed page: the watermark stays.
func TestPartialResultKeepsTheWatermark(t *testing.T) {
	until := epoch.Add(30 * time.Hour)
	set := sandbox.Settings{Seed: 8, Conversations: 30, Period: 20 * time.Hour, Messages: 4, Faults: []sandbox.Fault{{Kind: sandbox.PartialResult, Until: until}}}
	r := newTrial(t, set, 24*time.Hour, nil)
	report, err := r.Cycle(context.Background(), nil)
	if !errors.Is(err, ErrIncomplete) || !report.Watermark.IsZero() || report.Captured.Read != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	r.clock.Advance(7 * time.Hour)
	r.cycle()
	r.mustHoldTruth("local")
}

// An unknown type is delivered with its words, and its JSON kept.
func TestUnknownTypes(t *testing.T) {
	r, h := handTrial(t, nil)
	h.raw("a", `{"type":"HOLOGRAM","seq":0,"messageData":{"holo":{"caption":"look","more":["here",{"x":"there"}]}}}`, `{"seq":1,"messageData":{"msg":{"text":"typeless"}}}`, `{"seq":2}`, `{}`)
	report := r.cycle()
	if report.Captured.Unknown != 4 || report.Captured.Messages != 4 {
		t.Errorf("captured %+v", report.Captured)
	}
	r.sound()
	for _, s := range r.delivered("local") {
		for _, m := range s.Messages {
			switch {
			case m.Sequence == 0 && m.Derived == "":
				if m.Text != "[HOLOGRAM]\nlook\nhere\nthere" || !strings.Contains(string(m.Content), `"holo"`) {
					t.Errorf("message: %+v", m)
				}
			case m.Sequence == 1:
				if !strings.Contains(m.Text, "typeless") {
					t.Errorf("message: %+v", m)
				}
			}
		}
	}
}

func TestWhoSaysItAndToWhom(t *testing.T) {
	r, h := handTrial(t, nil)
	h.users = []liveperson.User{{ID: "u", Login: "u@x", FullName: "Uma", Type: "2"}}
	h.mu.Lock()
	h.records["a"] = fmt.Sprintf(`{"info":{"conversationId":"a","startTimeL":%d,"status":"OPEN"},
		"agentParticipants":[{"agentId":"p","agentFullName":"Pat","userType":"1"},{"agentId":"b","agentNickname":"Bot","userType":"2"},{"agentId":"m","agentFullName":"Max","userType":"1","role":"AGENT_MANAGER"}],
		"consumerParticipant":[{"participantId":"c","firstName":"Cleo","lastName":"undefined"}],
		"messageRecords":[%s]}`, talkStart, strings.Join([]string{
		msg(0, "c", `,"seq":0`),
		strings.Replace(msg(1, "b", `,"seq":1`), `"c","sentBy":"Consumer"`, `"b","sentBy":"Agent"`, 1),
		strings.Replace(msg(2, "p", `,"seq":2,"audience":"AGENTS_AND_MANAGERS"`), `"c","sentBy":"Consumer"`, `"p","sentBy":"Agent"`, 1),
		strings.Replace(msg(3, "m", `,"seq":3,"audience":"ALL"`), `"c","sentBy":"Consumer"`, `"m","sentBy":"Agent"`, 1),
		strings.Replace(msg(4, "u", `,"seq":4`), `"c","sentBy":"Consumer"`, `"u","sentBy":"Agent"`, 1),
		strings.Replace(msg(5, "s", `,"seq":5`), `"c","sentBy":"Consumer"`, `"0","sentBy":"System"`, 1),
		strings.Replace(msg(6, "?", `,"seq":6`), `"c","sentBy":"Consumer"`, `"x","sentBy":"agent"`, 1),
	}, ","))
	h.mu.Unlock()
	r.cycle()
	want := []string{"c consumer human Cleo all", "b agent bot Bot all", "p agent human Pat agents", "m manager human Max all",
		"u agent bot Uma all", "0 system system  all", "x agent unknown  all"}
	var got []string
	for _, s := range r.delivered("local") {
		for _, m := range s.Messages {
			got = append(got, fmt.Sprintf("%s %s %s %s %s", m.Sender.ID, m.Sender.Role, m.Sender.Kind, m.Sender.Name, m.Audience))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// Order within a slice is by time, dialog and sequence; what is older than
// something given before comes late.
func TestOrderAndLateEntries(t *testing.T) {
	r, h := handTrial(t, nil)
	h.raw("a", msg(9, "4", `,"seq":4`), msg(5, "2", `,"seq":9,"dialogId":"b"`), msg(5, "1", `,"seq":3`), msg(5, "3", `,"seq":2,"dialogId":"c"`), msg(1, "0", `,"seq":7`))
	r.cycle()
	h.raw("a", msg(9, "4", `,"seq":4`), msg(5, "2", `,"seq":9,"dialogId":"b"`), msg(5, "1", `,"seq":3`), msg(5, "3", `,"seq":2,"dialogId":"c"`), msg(1, "0", `,"seq":7`),
		msg(20, "7", `,"seq":5`), msg(8, "6", `,"seq":6`), msg(0, "5", `,"seq":8`))
	r.cycle()
	var texts, late []string
	for _, s := range r.delivered("local") {
		for _, m := range s.Messages {
			texts = append(texts, m.Text)
			if m.Late {
				late = append(late, m.Text)
			}
		}
	}
	if !slices.Equal(texts, []string{"0", "1", "2", "3", "4", "5", "6", "7"}) || !slices.Equal(late, []string{"5", "6"}) {
		t.Errorf("order %q, late %q", texts, late)
	}
	r.sound()
}
