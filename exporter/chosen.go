package exporter

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"lpexport/exporter/checkpoint"
)

// An entry of select.skills is looked up in the account's list of skills once. From
// then on it stands for the ids that it was found to mean: people rename skills, and
// give the old name to a new one. An entry that is removed from the configuration is
// forgotten; whoever adds it again means the skill that bears the name then.

// chooseSkills gives the selection, and remembers what has changed. Only with lookUp
// are entries looked up that are not remembered: the list must be up to date then.
// It fails with an *UnknownSkillError where an entry stands for no skill.
func (e *Exporter) chooseSkills(ctx context.Context, lookUp bool) (selection, error) {
	listed, err := e.cp.Skills(ctx)
	if err != nil {
		return nil, err
	}
	known, err := e.cp.Selection(ctx)
	if err != nil {
		return nil, err
	}
	next, unknown := e.compareSkills(known, listed, lookUp)
	if !sameSelection(known, next) {
		if err := e.cp.Update(ctx, func(tx *checkpoint.Tx) (err error) {
			if known, err = tx.Selection(); err != nil { // another process may have been faster
				return err
			}
			next, unknown = e.compareSkills(known, listed, lookUp)
			return tx.PutSelection(next)
		}); err != nil {
			return nil, err
		}
		e.tellSkills(known, next)
	}
	return selectionOf(next, unknown, listed)
}

// presentSelection is what chooseSkills would give; it remembers nothing.
func (e *Exporter) presentSelection(ctx context.Context) (selection, error) {
	listed, err := e.cp.Skills(ctx)
	if err != nil {
		return nil, err
	}
	known, err := e.cp.Selection(ctx)
	if err != nil {
		return nil, err
	}
	next, unknown := e.compareSkills(known, listed, true)
	return selectionOf(next, unknown, listed)
}

// selectionOf is a selection by ids; listed are the account's skills, among which
// those are looked for that an unknown entry may have meant.
func selectionOf(s checkpoint.Selection, unknown string, listed map[string]string) (selection, error) {
	if unknown != "" {
		return nil, &UnknownSkillError{Name: unknown, Near: nearSkills(unknown, listed)}
	}
	chosen := selection{}
	for _, k := range s.Chosen {
		chosen[k.ID] = true
	}
	return chosen, nil
}

// recallSkills looks entries up in the list of skills that the last run has stored,
// where nothing is remembered: a state that an older program wrote knows by it what
// the names meant then.
func (e *Exporter) recallSkills(ctx context.Context) error {
	known, err := e.cp.Selection(ctx)
	if err != nil || len(e.Skills) == 0 || len(known.Chosen) > 0 {
		return err
	}
	_, err = e.chooseSkills(ctx, true)
	var unknown *UnknownSkillError
	if errors.As(err, &unknown) {
		return nil // it may be in the list that is fetched next
	}
	return err
}

// rememberedSkills is the selection without a look at what is new. Where an entry
// has not been looked up yet nothing is chosen: events wait for the cycle that does.
func (e *Exporter) rememberedSkills(ctx context.Context, listed map[string]string) (selection, error) {
	known, err := e.cp.Selection(ctx)
	if err != nil {
		return nil, err
	}
	chosen := selection{}
	later := false
	for _, entry := range e.Skills {
		ids := standsFor(known, entry)
		if len(ids) == 0 && len(listed) > 0 && len(findSkills(entry, listed)) == 0 {
			return nil, &UnknownSkillError{Name: entry, Near: nearSkills(entry, listed)}
		}
		later = later || len(ids) == 0
		for _, k := range ids {
			chosen[k.ID] = true
		}
	}
	if later {
		return selection{"": false}, nil
	}
	return chosen, nil
}

// lookedUp reports whether all entries have been looked up.
func (e *Exporter) lookedUp(ctx context.Context) (bool, error) {
	known, err := e.cp.Selection(ctx)
	return !slices.ContainsFunc(e.Skills, func(entry string) bool { return len(standsFor(known, entry)) == 0 }), err
}

// standsFor is what is remembered of an entry.
func standsFor(known checkpoint.Selection, entry string) (list []checkpoint.ChosenSkill) {
	for _, k := range known.Chosen {
		if strings.EqualFold(k.Entry, entry) {
			list = append(list, k)
		}
	}
	return list
}

// findSkills are the ids that an entry means by a list of skills: the skill of that
// id, else all that bear that name.
func findSkills(entry string, listed map[string]string) (ids []string) {
	if _, is := listed[entry]; is {
		return []string{entry}
	}
	for _, id := range slices.Sorted(maps.Keys(listed)) {
		if strings.EqualFold(listed[id], entry) {
			ids = append(ids, id)
		}
	}
	return ids
}

// compareSkills is what is to be remembered, and an entry that stands for no skill.
// While there is one nothing is forgotten: that would not undo a typing error.
func (e *Exporter) compareSkills(known checkpoint.Selection, listed map[string]string, lookUp bool) (next checkpoint.Selection, unknown string) {
	now := e.millis()
	for _, entry := range e.Skills {
		rows := standsFor(known, entry)
		if len(rows) == 0 && lookUp {
			for _, id := range findSkills(entry, listed) {
				rows = append(rows, checkpoint.ChosenSkill{Entry: entry, ID: id, Called: listed[id], Since: now})
			}
		}
		if len(rows) == 0 {
			unknown = cmp.Or(unknown, entry)
		}
		next.Chosen = append(next.Chosen, rows...)
	}
	if unknown != "" {
		next.Chosen = append(next.Chosen, known.Chosen...)
	}
	slices.SortFunc(next.Chosen, func(a, b checkpoint.ChosenSkill) int {
		return cmp.Or(cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.ID, b.ID))
	})
	next.Chosen = slices.CompactFunc(next.Chosen, func(a, b checkpoint.ChosenSkill) bool { return a.Entry == b.Entry && a.ID == b.ID })
	for i := range next.Chosen {
		if called, is := listed[next.Chosen[i].ID]; is {
			next.Chosen[i].Called = called
		}
	}
	next.Namesakes = namesakes(known, next.Chosen, listed, now)
	return next, unknown
}

// namesakes are the skills that bear the name of an entry and that no entry stands for.
func namesakes(known checkpoint.Selection, chosen []checkpoint.ChosenSkill, listed map[string]string, now int64) (list []checkpoint.Namesake) {
	taken := map[string]bool{}
	for _, k := range chosen {
		taken[k.ID] = true
	}
	for i, k := range chosen {
		if k.Entry == k.ID || i > 0 && k.Entry == chosen[i-1].Entry {
			continue
		}
		for _, id := range slices.Sorted(maps.Keys(listed)) {
			if taken[id] || !strings.EqualFold(listed[id], k.Entry) {
				continue
			}
			n := checkpoint.Namesake{Entry: k.Entry, ID: id, Since: now}
			if at := namesakeAt(known, n); at >= 0 {
				n.Since = known.Namesakes[at].Since
			}
			list = append(list, n)
		}
	}
	return list
}

func namesakeAt(in checkpoint.Selection, n checkpoint.Namesake) int {
	return slices.IndexFunc(in.Namesakes, func(k checkpoint.Namesake) bool { return k.Entry == n.Entry && k.ID == n.ID })
}

func sameSelection(a, b checkpoint.Selection) bool {
	return slices.Equal(a.Chosen, b.Chosen) && slices.Equal(a.Namesakes, b.Namesakes)
}

// tellSkills says what has changed, once: it is remembered with the rest.
func (e *Exporter) tellSkills(known, next checkpoint.Selection) {
	for _, k := range next.Chosen {
		at := slices.IndexFunc(known.Chosen, func(o checkpoint.ChosenSkill) bool { return o.Entry == k.Entry && o.ID == k.ID })
		about := []any{"entry", k.Entry, "skill", k.ID, "called", k.Called}
		switch {
		case at < 0:
			e.Log.Info("select.skills: the entry stands for this skill from now on", about...)
		case known.Chosen[at].Called == k.Called || k.Entry == k.ID:
		case strings.EqualFold(k.Called, k.Entry):
			e.Log.Info("a skill in select.skills bears its configured name again", about...)
		default:
			e.Log.Warn("a skill in select.skills was renamed at LivePerson: it is still captured, by its id",
				append(about, "remedy", "write the id into select.skills in place of the name")...)
		}
	}
	for _, n := range next.Namesakes {
		if namesakeAt(known, n) < 0 {
			e.Log.Error("another skill bears a name in select.skills: its conversations are not captured",
				"entry", n.Entry, "skill", n.ID, "captured", skillIDs(standsFor(next, n.Entry)), "remedy", "write the ids of the skills that are meant into select.skills")
		}
	}
	for _, n := range known.Namesakes {
		if namesakeAt(next, n) < 0 {
			e.Log.Info("no other skill bears the name in select.skills any more", "entry", n.Entry, "skill", n.ID)
		}
	}
}

func skillIDs(chosen []checkpoint.ChosenSkill) string {
	ids := make([]string, len(chosen))
	for i, k := range chosen {
		ids[i] = k.ID
	}
	return strings.Join(ids, " ")
}

// SelectionStatus is what select.skills leaves out.
type SelectionStatus struct {
	LeftOut   int64      // conversations
	Namesakes []Namesake // by entry and id
}

// Namesake is a skill that bears a name which stands for another in select.skills:
// nothing of it is captured.
type Namesake struct {
	Entry string // in select.skills
	ID    string
	Since time.Time
}

func (e *Exporter) selectionStatus(ctx context.Context) (s SelectionStatus, err error) {
	if s.LeftOut, err = e.cp.CountLeftOut(ctx); err != nil {
		return s, err
	}
	known, err := e.cp.Selection(ctx)
	for _, n := range known.Namesakes {
		s.Namesakes = append(s.Namesakes, Namesake{Entry: n.Entry, ID: n.ID, Since: timeOf(n.Since)})
	}
	return s, err
}
