package exporter

import (
	"strings"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// What is about the conversation, its people or its numbers amends nothing.
func TestMetadataAmendsNothing(t *testing.T) {
	r, h := handTrial(t, nil)
	k := talk{id: "a", said: []said{{0, "hello"}, {1, "world"}}, closed: true,
		more:     `,"duration":1,"mcs":50,"csatRate":3,"latestSkillId":7,"latestSkillName":"Old name"`,
		sections: `,"agentParticipants":[{"agentId":"g","agentFullName":"Ann","userType":"1"}],"campaign":{"campaignName":"x"},"dialogs":[{"dialogId":"a","dialogType":"MAIN","skillId":7,"skillName":"Old name"}]`}
	h.put(k)
	r.cycle()
	first := r.delivered("local")
	changes := map[string]talk{
		"duration": {more: strings.Replace(k.more, `"duration":1`, `"duration":99`, 1)},
		"scores":   {more: strings.Replace(k.more, `"mcs":50,"csatRate":3`, `"mcs":10,"csatRate":5`, 1)},
		"skill":    {more: strings.Replace(k.more, "Old name", "New name", 1)},
		"statuses": {sections: k.sections + `,"messageStatuses":[{"messageId":"ms::dialog:a::msg:0","seq":0,"messageDeliveryStatus":"READ"}]`},
		"score":    {sections: k.sections + `,"messageScores":[{"messageId":"ms::dialog:a::msg:0","messageRawScore":9}]`},
		"campaign": {sections: strings.Replace(k.sections, `"campaignName":"x"`, `"campaignName":"y"`, 1)},
		"agent":    {sections: strings.Replace(k.sections, "Ann", "Anna Smith", 1)},
	}
	for what, change := range changes {
		changed := k
		if change.more != "" {
			changed.more = change.more
		}
		if change.sections != "" {
			changed.sections = change.sections
		}
		h.put(changed)
		if report := r.cycle(); report.Captured.Revisions != 0 || report.Destinations[0].Bundles != 0 {
			t.Errorf("a change of %s made a revision: %+v", what, report)
		}
	}
	if got := r.delivered("local"); len(got) != len(first) {
		t.Errorf("%d slices, want %d", len(got), len(first))
	}
}

func TestRenameAndMetadataOfTheSandboxAmendNothing(t *testing.T) {
	changed := epoch.Add(40 * time.Hour)
	set := sandbox.Settings{Seed: 9, Conversations: 20, Period: 24 * time.Hour, Messages: 6}
	for n := range 20 {
		set.Changes = append(set.Changes, sandbox.Change{At: changed, Kind: sandbox.Metadata, Conversation: n},
			sandbox.Change{At: changed, Kind: sandbox.Rename, Agent: n, Text: "Somebody Else"})
	}
	r := newTrial(t, set, 39*time.Hour, func(s *Settings) { s.Reread = 0 })
	r.cycle()
	r.clock.Advance(26 * time.Hour)
	for range 3 {
		r.clock.Advance(24 * time.Hour)
		if d := r.cycle().Destinations[0]; d.Amendments != 0 {
			t.Errorf("amended: %+v", d)
		}
	}
}

func TestChangesAmendExactlyTheirMessages(t *testing.T) {
	r, h := handTrial(t, nil)
	put := func(texts ...string) {
		k := talk{id: "a"}
		for i, text := range texts {
			k.said = append(k.said, said{i, text})
		}
		h.put(k)
	}
	put("card 4111", "b", "c")
	r.cycle() // revision 1
	put("card 4111", "b", "c", "d")
	r.cycle() // 2
	put("card ****", "b", "c", "d")
	r.cycle() // 3
	put("** LP deleted data **", "b", "c", "** LP deleted data **")
	r.cycle() // 4
	r.holds("local", "a", "0: card 4111", "1: b", "2: c", "3: d", "0 amends 1: card ****",
		"0 amends 3: ** LP deleted data **", "3 amends 2: ** LP deleted data **")
}

// later is a destination that waits a day before it cuts an open conversation.
func later(s *Settings) { s.Destinations[0].Cut = Cut{After: 24 * time.Hour} }

func TestChangesBetweenTwoCuts(t *testing.T) {
	r, h := handTrial(t, later)
	put := func(text, other string) {
		h.put(talk{id: "a", said: []said{{0, text}, {1, other}}})
		r.cycle()
	}
	r.clock.Advance(-20 * time.Hour)
	put("one", "x")
	put("two", "x")
	put("three", "x")
	if got := r.delivered("local"); len(got) != 0 {
		t.Fatalf("cut too early: %+v", got)
	}
	r.clock.Advance(48 * time.Hour)
	r.cycle()
	slices := r.delivered("local")
	if len(slices) != 1 {
		t.Fatalf("%d slices, want first and last version in one", len(slices))
	}
	r.holds("local", "a", "0: one", "0 amends 1: three", "1: x")
}

// What comes back to what the destination has amends nothing, and what it has
// then was given under the first of the revisions that said so.
func TestThereAndBackAgain(t *testing.T) {
	r, h := handTrial(t, later)
	put := func(text, other string) {
		h.put(talk{id: "a", said: []said{{0, text}, {1, other}}})
		r.cycle()
	}
	r.clock.Advance(22 * time.Hour)
	put("A", "x") // old enough to be cut: revision 1
	r.clock.Advance(-22 * time.Hour)
	put("B", "x") // 2: too young
	put("A", "x") // 3: the destination has just that
	r.clock.Advance(22 * time.Hour)
	r.cycle()
	put("A", "y") // 4
	put("C", "y") // 5
	put("A", "y") // 6
	put("A", "x") // 7
	r.holds("local", "a", "0: A", "1: x", "1 amends 1: y", "0 amends 1: C", "0 amends 5: A", "1 amends 4: x")
}
