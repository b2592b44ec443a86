package exporter

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// skillLog is what the log says of a trial.
type skillLog struct{ bytes.Buffer }

func (l *skillLog) take() string {
	text := l.String()
	l.Reset()
	return text
}

// chooser is a handmade account with a selection of the skill Billing, which one
// cycle has found, and the log of what follows.
func chooser(t *testing.T) (*liveTrial, *handmade, *skillLog) {
	t.Helper()
	l := new(skillLog)
	r, h := handLive(t, func(s *Settings) {
		selectBilling(s)
		s.Log = slog.New(slog.NewTextHandler(l, nil))
	})
	r.settle()
	l.take()
	return r, h, l
}

// next lets a cycle of a new process capture.
func (r *liveTrial) next() {
	r.t.Helper()
	r.again()
	r.settle()
}

func (r *liveTrial) again() {
	r.t.Helper()
	r.clock.Advance(5 * time.Minute)
	r.reopenWith(nil)
	r.listen()
}

func ofSkill(id, skill string, lines ...said) talk {
	return talk{id: id, said: lines, more: `,"latestSkillId":"` + skill + `"`}
}

func TestRenamedSkillIsCapturedByItsIDAndToldOnce(t *testing.T) {
	r, h, l := chooser(t)
	h.skills = []liveperson.Skill{{ID: "1", Name: "Billing and more"}, orders}
	h.put(ofSkill("a", "1", said{0, "x"}))
	h.put(ofSkill("b", "2", said{0, "of another skill"}))
	r.next()
	r.receive(stateOf("c", "1", 0, ""), hear(heard{"c", "c", 0, "z", ""}), stateOf("d", "2", 0, ""))
	r.deliver()
	r.holds("local", "a", "0: x")
	r.holds("local", "b")
	r.holds("local", "c", "0: z")
	if told := l.take(); strings.Count(told, "was renamed at LivePerson") != 1 || !strings.Contains(told, "level=WARN") || !strings.Contains(told, `called="Billing and more"`) {
		t.Errorf("the first cycle told:\n%s", told)
	}
	h.put(ofSkill("c", "1", said{0, "z"}))
	h.put(ofSkill("d", "2", said{0, "of another skill"})) // else its events would wait
	r.next()
	if told := l.take(); strings.Contains(told, "select.skills") {
		t.Errorf("the next cycle told:\n%s", told)
	}
	h.skills[0].Name = "Payments"
	r.next()
	if told := l.take(); strings.Count(told, "was renamed at LivePerson") != 1 {
		t.Errorf("after another rename:\n%s", told)
	}
	h.skills[0].Name = "BILLING"
	r.next()
	if told := l.take(); strings.Contains(told, "level=WARN") || !strings.Contains(told, "bears its configured name again") {
		t.Errorf("after the rename back:\n%s", told)
	}
}

func TestNewSkillUnderAChosenNameAlarmsAndIsNotCaptured(t *testing.T) {
	r, h, l := chooser(t)
	h.skills = []liveperson.Skill{{ID: "1", Name: "Old billing"}, orders, {ID: "9", Name: "billing"}}
	h.put(ofSkill("a", "1", said{0, "x"}))
	h.put(ofSkill("b", "9", said{0, "of the new one"}))
	r.next()
	began := r.clock.Now()
	r.receive(stateOf("c", "9", 0, ""), hear(heard{"c", "c", 0, "z", ""}))
	r.deliver()
	r.holds("local", "a", "0: x")
	r.holds("local", "b")
	r.holds("local", "c")
	if told := l.take(); strings.Count(told, "another skill bears a name in select.skills") != 1 || !strings.Contains(told, "level=ERROR") ||
		!strings.Contains(told, "skill=9 captured=1") {
		t.Errorf("told:\n%s", told)
	}
	h.put(ofSkill("c", "9", said{0, "z"}))
	r.next()
	if told := l.take(); strings.Contains(told, "select.skills") {
		t.Errorf("the next cycle told:\n%s", told)
	}
	status, err := r.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	got := status.Selection.Namesakes
	if len(got) != 1 || got[0] != (Namesake{Entry: "Billing", ID: "9", Since: began}) || status.Selection.LeftOut != 2 {
		t.Errorf("the status tells %+v", status.Selection)
	}
	// A person writes its id beside the name.
	r.edit = func(s *Settings) { s.Source, s.Reread, s.Skills = h, 0, []string{"Billing", "9"} }
	r.again()
	r.cycleWithGap() // of what was left out until now
	r.holds("local", "b", "0: of the new one")
	r.holds("local", "a", "0: x")
	if status, err := r.Status(context.Background()); err != nil || len(status.Selection.Namesakes) != 0 {
		t.Errorf("it still alarms: %+v, %v", status.Selection, err)
	}
}

// What was chosen is known though the list cannot be had, or has nothing in it.
func TestSelectionGoesOnWithoutTheListOfSkills(t *testing.T) {
	for what, lose := range map[string]func(*handmade){
		"refused": func(h *handmade) {
			h.fail = func(op string) error {
				if op == "skills" {
					return &liveperson.APIError{Op: "list skills", Status: 503}
				}
				return nil
			}
		},
		"empty":           func(h *handmade) { h.skills = nil },
		"without the one": func(h *handmade) { h.skills = []liveperson.Skill{orders} },
	} {
		r, h, _ := chooser(t)
		lose(h)
		h.put(ofSkill("a", "1", said{0, "x"}))
		h.put(ofSkill("b", "2", said{0, "of another skill"}))
		r.next()
		r.holds("local", "a", "0: x")
		r.holds("local", "b")
		if t.Failed() {
			t.Fatal(what)
		}
	}
}

// A name that nobody could look up is not called wrong.
func TestNewEntryWaitsForTheListOfSkills(t *testing.T) {
	r, h, _ := chooser(t)
	r.edit = func(s *Settings) { s.Source, s.Reread, s.Skills = h, 0, []string{"Billing", "Brand new"} }
	r.reopenWith(nil)
	h.fail = func(op string) error {
		if op == "skills" {
			return &liveperson.APIError{Op: "list skills", Status: 503}
		}
		return nil
	}
	_, err := r.Cycle(context.Background(), nil)
	var unknown *UnknownSkillError
	if err == nil || errors.As(err, &unknown) {
		t.Errorf("without the list: %v", err)
	}
	h.fail = nil
	if _, err = r.Cycle(context.Background(), nil); !errors.As(err, &unknown) || unknown.Name != "Brand new" {
		t.Errorf("with a list that lacks it: %v", err)
	}
	if known, err := r.cp.Selection(context.Background()); err != nil || len(known.Chosen) != 1 {
		t.Errorf("remembered: %+v, %v", known, err)
	}
}

func TestEntryThatWasRemovedIsLookedUpAnew(t *testing.T) {
	r, h, _ := chooser(t)
	for _, entries := range [][]string{{"Orders"}, {"Orders", "Billing"}} {
		r.edit = func(s *Settings) { s.Source, s.Reread, s.Skills = h, 0, entries }
		r.again()
		r.cycleWithGap() // of what another selection left out
		h.skills = []liveperson.Skill{{ID: "1", Name: "Old billing"}, orders, {ID: "9", Name: "Billing"}}
	}
	h.put(ofSkill("a", "9", said{0, "x"}))
	h.put(ofSkill("b", "1", said{0, "of the old one"}))
	r.again()
	r.cycleWithGap() // the entry was not there for a while
	r.holds("local", "a", "0: x")
	r.holds("local", "b")
	// A typing error forgets nothing.
	before, err := r.cp.Selection(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r.edit = func(s *Settings) { s.Source, s.Reread, s.Skills = h, 0, []string{"Orders", "Biling"} }
	r.reopenWith(nil)
	var unknown *UnknownSkillError
	if _, err := r.Cycle(context.Background(), nil); !errors.As(err, &unknown) {
		t.Errorf("with a typing error: %v", err)
	}
	if after, err := r.cp.Selection(context.Background()); err != nil || !sameSelection(before, after) {
		t.Errorf("remembered %+v, before the error %+v, %v", after, before, err)
	}
}

func TestEverySkillOfANameIsChosenAtFirst(t *testing.T) {
	r, h := handLive(t, selectBilling)
	h.skills = append(h.skills, liveperson.Skill{ID: "5", Name: "billing", Deleted: true}, liveperson.Skill{ID: "Billing2", Name: "x"})
	h.put(ofSkill("a", "1", said{0, "x"}))
	h.put(ofSkill("b", "5", said{0, "y"}))
	r.settle()
	r.holds("local", "a", "0: x")
	r.holds("local", "b", "0: y")
	if status, err := r.Status(context.Background()); err != nil || len(status.Selection.Namesakes) != 0 {
		t.Errorf("the status tells %+v, %v", status.Selection, err)
	}
}

// An older program has stored the list of skills, and not what a name meant by it.
func TestNamesMeanWhatTheyMeantToAnOlderProgram(t *testing.T) {
	r, h, l := chooser(t)
	if err := r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error { return tx.PutSelection(checkpoint.Selection{}) }); err != nil {
		t.Fatal(err)
	}
	h.skills = []liveperson.Skill{{ID: "1", Name: "Old billing"}, orders, {ID: "9", Name: "Billing"}}
	h.put(ofSkill("a", "1", said{0, "x"}))
	h.put(ofSkill("b", "9", said{0, "of the new one"}))
	r.next()
	r.holds("local", "a", "0: x")
	r.holds("local", "b")
	if told := l.take(); !strings.Contains(told, "was renamed at LivePerson") || !strings.Contains(told, "another skill bears a name") {
		t.Errorf("told:\n%s", told)
	}
}

// Only the start of a service may find fault with its configuration: later on,
// ending it would end the webhook.
func TestRunningServiceDoesNotEndForASkill(t *testing.T) {
	r, h, _ := chooser(t)
	h.skills = []liveperson.Skill{{ID: "1", Name: "Old billing"}, orders}
	s := r.NewService(ServeSettings{})
	if fatal := s.cycleEnded(s.cycle(context.Background()), false); fatal != nil {
		t.Errorf("after a rename the service ends: %v", fatal)
	}
	s.Skills = []string{"Biling"}
	err := s.cycle(context.Background())
	if fatal := s.cycleEnded(err, false); fatal != nil {
		t.Errorf("a running service ends: %v", fatal)
	}
	var unknown *UnknownSkillError
	if fatal := s.cycleEnded(err, true); !errors.As(fatal, &unknown) {
		t.Errorf("a service begins with a name that no skill has: %v", fatal)
	}
	known, err := s.lookedUp(context.Background())
	if err != nil || known {
		t.Errorf("its entry is known: %v, %v", known, err)
	}
}
