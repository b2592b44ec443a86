package exporter

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"lpexport/liveperson"
)

// unruly is a history that gives less than it has: pages end early, records come
// with half of their messages unless they are asked for alone, and answers by id
// leave out what they were asked for.
type unruly struct {
	*handmade
	chance func(float64) bool
	calm   bool
}

func (u *unruly) Search(ctx context.Context, q liveperson.Query, sink liveperson.Sink) (liveperson.Page, error) {
	if !u.calm && u.chance(0.4) {
		q.Limit = min(q.Limit, 2)
	}
	return u.handmade.Search(ctx, q, &halving{sink, u})
}

func (u *unruly) Conversations(ctx context.Context, ids []string, sink liveperson.Sink) (liveperson.Page, error) {
	if !u.calm && len(ids) > 1 && u.chance(0.2) {
		ids = ids[1:]
	}
	return u.handmade.Conversations(ctx, ids, &halving{sink, u})
}

// halving is a sink that gets half of the messages of some records: with isPartial,
// or with statuses of all.
type halving struct {
	liveperson.Sink
	from *unruly
}

func (h *halving) Record(raw []byte) error {
	if !h.from.calm && h.from.chance(0.1) {
		raw = halved(raw, h.from.chance(0.5))
	}
	return h.Sink.Record(raw)
}

// halved is a record without the second half of its messages.
func halved(raw []byte, silent bool) []byte {
	var record map[string]json.RawMessage
	var info map[string]any
	var messages []json.RawMessage
	for _, err := range []error{json.Unmarshal(raw, &record), json.Unmarshal(record["info"], &info), json.Unmarshal(record["messageRecords"], &messages)} {
		if err != nil {
			panic(err) // it is handmade
		}
	}
	if len(messages) < 2 {
		return raw
	}
	statuses := []json.RawMessage{}
	for _, m := range messages {
		v := liveperson.Value(m)
		seq, _ := v.Get("seq").Int()
		statuses = append(statuses, fmt.Appendf(nil, `{"seq":%d,"dialogId":%q,"messageDeliveryStatus":"ACCEPT"}`, seq, v.Get("dialogId").Text()))
	}
	if silent {
		record["messageStatuses"] = json.RawMessage(worldJSON(statuses))
	} else {
		info["isPartial"] = true
	}
	record["info"] = json.RawMessage(worldJSON(info))
	record["messageRecords"] = json.RawMessage(worldJSON(messages[:len(messages)-len(messages)/2]))
	return []byte(worldJSON(record))
}

// vanish takes a conversation from history until it is published again: with pages
// that end early, also between two of them.
func (s *siege) vanish(k *worldTalk) {
	s.hand.mu.Lock()
	defer s.hand.mu.Unlock()
	if record, ok := s.hand.records[k.id]; ok {
		delete(s.hand.records, k.id)
		s.vanished[k.id] = record
	}
	s.note("vanish %s", k.id)
}

// renameSkills gives the skill that is selected another name, and its name to
// another one. What is selected stays so.
func (s *siege) renameSkills() {
	s.hand.mu.Lock()
	defer s.hand.mu.Unlock()
	s.hand.skills = slices.Clone(s.hand.skills)
	for i, name := range []string{fmt.Sprint("Billing ", s.world.random.IntN(3)), "Billing"} {
		s.hand.skills[i].Name = name
	}
	s.note("skills are renamed")
}
