package exporter

import (
	"context"
	"fmt"
	"strings"
)

// reasonSkill is why a conversation is left out.
const reasonSkill = "skill"

// selection is which conversations are captured: all, or those that any of the
// chosen skills was part of. A conversation that is in stays in.
type selection map[string]bool // by id; empty: all

func (s selection) all() bool { return len(s) == 0 }

func (s selection) has(ids []string) bool {
	for _, id := range ids {
		if s[id] {
			return true
		}
	}
	return false
}

// UnknownSkillError is a selection that names a skill the account does not have.
type UnknownSkillError struct{ Name string }

func (e *UnknownSkillError) Error() string {
	return fmt.Sprintf("select.skills: the account has no skill with the id or name %q", e.Name)
}

// choose turns ids and names into ids. A name that no skill has is an error,
// since it would leave conversations out in silence.
func choose(wanted []string, skills map[string]string) (selection, error) {
	chosen := selection{}
	for _, w := range wanted {
		found := false
		for id, name := range skills {
			if id == w || strings.EqualFold(name, w) {
				chosen[id], found = true, true
			}
		}
		if !found {
			return nil, &UnknownSkillError{Name: w}
		}
	}
	return chosen, nil
}

// begin prepares a run's capture: the directories of users and skills, the
// selection.
func (e *Exporter) begin(ctx context.Context, stored func()) (*capture, error) {
	c := &capture{Exporter: e, stored: stored, room: newRoom(2 * e.Concurrency), counts: Counts{Excluded: map[string]int64{}}}
	if err := e.refreshDirectories(ctx); err != nil {
		return nil, err
	}
	var err error
	if c.norm, err = e.plainNames(ctx); err != nil {
		return nil, err
	}
	if c.chosen, err = choose(e.Skills, c.norm.skills); err != nil {
		return nil, err
	}
	if err := c.settleSelection(ctx); err != nil {
		return nil, err
	}
	if c.held, err = e.cp.AnyHeld(ctx); err != nil {
		return nil, err
	}
	waiting, err := e.cp.CountQuarantined(ctx)
	c.waiting = waiting > 0
	return c, err
}
