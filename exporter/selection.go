package exporter

import (
	"context"
	"errors"
	"fmt"
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

// begin prepares a run's capture: the directories of users and skills, the
// selection.
func (e *Exporter) begin(ctx context.Context, stored func()) (*capture, error) {
	if err := e.resume(ctx); err != nil {
		return nil, err
	}
	c := &capture{Exporter: e, stored: stored, room: newRoom(2 * e.Concurrency), counts: Counts{Excluded: map[string]int64{}}}
	if err := e.recallSkills(ctx); err != nil {
		return nil, err
	}
	noSkills, err := e.fetchDirectories(ctx)
	if err != nil {
		return nil, err
	}
	if c.norm, err = e.plainNames(ctx); err != nil {
		return nil, err
	}
	if c.chosen, err = e.chooseSkills(ctx, noSkills == nil); err != nil {
		var unknown *UnknownSkillError
		if noSkills != nil && errors.As(err, &unknown) {
			err = fmt.Errorf("fetch skills, which select.skills needs: %w", noSkills)
		}
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
