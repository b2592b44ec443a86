package exporter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"lpexport/liveperson"
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
type UnknownSkillError struct {
	Name string
	Near []string // names in the account that differ in case, spaces or marks only, sorted
}

func (e *UnknownSkillError) Error() string {
	return fmt.Sprintf("select.skills: the account has no skill with the id or name %q", e.Name)
}

// Hint is what to do about it.
func (e *UnknownSkillError) Hint() string {
	if len(e.Near) > 0 {
		return fmt.Sprintf("did you mean %q?", e.Near[0])
	}
	return "copy the skill's name, or its id, from LivePerson's Users and Skills page into select.skills"
}

// CheckSelection finds out whether a run could tell what select.skills means, by the
// account's skills as they are now. It fails with an *UnknownSkillError where an entry
// stands for no skill. It stores nothing.
func (e *Exporter) CheckSelection(ctx context.Context, skills []liveperson.Skill) error {
	known, err := e.cp.Selection(ctx)
	if err != nil {
		return err
	}
	listed := skillNames(skills)
	if _, unknown := e.compareSkills(known, listed, true); unknown != "" {
		return &UnknownSkillError{Name: unknown, Near: nearSkills(unknown, listed)}
	}
	return nil
}

// nearSkills are the names that differ from an entry in case, spaces or marks only.
func nearSkills(entry string, listed map[string]string) (near []string) {
	for _, name := range listed {
		if bare(name) != "" && bare(name) == bare(entry) {
			near = append(near, name)
		}
	}
	slices.Sort(near)
	return slices.Compact(near)
}

// bare is a name's letters and digits, in lower case.
func bare(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
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
