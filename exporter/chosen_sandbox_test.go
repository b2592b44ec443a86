package exporter

import (
	"context"
	"slices"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/liveperson/sandbox"
)

// The simulated account renames a chosen skill, and gives its name to a new one.
func TestSelectionOutlivesARenameAndANewSkillOfThatName(t *testing.T) {
	const fresh = 6 // the new skill
	change := 10 * 24 * time.Hour
	set := sandbox.Settings{Conversations: 120, Period: 20 * 24 * time.Hour, Messages: 4, Changes: []sandbox.Change{
		{At: epoch.Add(change), Kind: sandbox.RenameSkill, Skill: 1, Text: "Accounts"},
		{At: epoch.Add(change), Kind: sandbox.NewSkill, Skill: fresh, Text: chosenSkill},
	}}
	r := newTrial(t, set, change-time.Hour, selectBilling)
	r.cycle()
	known, err := r.cp.Selection(context.Background())
	if err != nil || len(known.Chosen) != 1 {
		t.Fatalf("remembered: %+v, %v", known, err)
	}
	r.clock.Advance(11 * 24 * time.Hour)
	r.reopenWith(nil)
	r.cycle()
	captured := map[string]bool{}
	for _, s := range r.delivered("local") {
		captured[s.Conversation] = true
	}
	whole := &trial{t: t, clock: r.clock, account: r.account, state: t.TempDir(), root: t.TempDir()}
	whole.open()
	whole.cycle()
	var before, after, others int
	for _, s := range whole.delivered("local") {
		of := func(name string) bool {
			return slices.ContainsFunc(s.Skills, func(k archive.Skill) bool { return k.Name == name })
		}
		in := slices.ContainsFunc(s.Skills, func(k archive.Skill) bool { return k.ID == known.Chosen[0].ID })
		switch {
		case in != captured[s.Conversation]:
			t.Errorf("conversation %s with skills %v is captured: %v", s.Conversation, s.Skills, captured[s.Conversation])
		case in && s.StartedAt >= epoch.Add(change).UnixMilli():
			after++
		case in:
			before++
		case of(chosenSkill):
			others++
		}
	}
	if before < 5 || after < 5 || others < 5 {
		t.Errorf("%d conversations of the skill before, %d after, %d of the new one", before, after, others)
	}
	status, err := r.Status(context.Background())
	if err != nil || len(status.Selection.Namesakes) != 1 || status.Selection.Namesakes[0].Entry != chosenSkill {
		t.Errorf("the status tells %+v, %v", status.Selection, err)
	}
}
