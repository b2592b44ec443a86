package filedump_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/filedump"
)

// faults are the fields that New complains of.
func faults(t *testing.T, s filedump.Settings) []string {
	t.Helper()
	_, err := filedump.New(s)
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%T", err)
	}
	var fields []string
	for _, one := range joined.Unwrap() {
		fault, ok := errors.AsType[*archive.SettingError](one)
		if !ok || !strings.HasPrefix(one.Error(), "filedump."+fault.Field+": ") {
			t.Fatalf("%T: %v", one, one)
		}
		fields = append(fields, fault.Field)
	}
	return fields
}

func TestNewTellsEveryFault(t *testing.T) {
	got := faults(t, filedump.Settings{
		Perspective: "{name}", Internal: []string{"Firm.example"}, Separator: "|", System: strings.Repeat("x", 255),
	})
	want := []string{"file", "time_unit", "order", "status", "perspective", "internal", "separator", "system"}
	if !slices.Equal(got, want) {
		t.Errorf("found %q", got)
	}
}

func TestNewRefuses(t *testing.T) {
	for field, changes := range map[string][]func(*filedump.Settings){
		"file": {
			func(s *filedump.Settings) { s.File = "../a.xml" }, func(s *filedump.Settings) { s.File = "a.txt" },
			func(s *filedump.Settings) { s.File = ".xml" }, func(s *filedump.Settings) { s.File = ".a.xml" },
			func(s *filedump.Settings) { s.File = "-a.xml" }, func(s *filedump.Settings) { s.File = "a b.xml" },
			func(s *filedump.Settings) { s.File = strings.Repeat("a", 101) + ".xml" },
		},
		"time_unit": {func(s *filedump.Settings) { s.TimeUnit = "us" }},
		"order":     {func(s *filedump.Settings) { s.Order = "" }},
		"status":    {func(s *filedump.Settings) { s.Status = "COMPLETED" }},
		"perspective": {
			func(s *filedump.Settings) { s.Perspective = "{" }, func(s *filedump.Settings) { s.Perspective = "{Skill}" },
			func(s *filedump.Settings) { s.Perspective = "\xff" }, func(s *filedump.Settings) { s.Perspective = strings.Repeat("a", 1001) },
		},
		"internal": {
			func(s *filedump.Settings) { s.Internal = nil }, func(s *filedump.Settings) { s.Internal = []string{"a..b"} },
			func(s *filedump.Settings) { s.Internal = []string{"@firm.example"} },
		},
		"system": {func(s *filedump.Settings) { s.System = "\xff" }},
	} {
		for i, change := range changes {
			s := settings("microsoft")
			change(&s)
			if got := faults(t, s); !slices.Equal(got, []string{field}) {
				t.Errorf("%s, change %d: found %q", field, i, got)
			}
		}
	}
	s := settings("mattermost")
	s.Internal = nil // it has no InternalFlag
	if got := faults(t, s); got != nil {
		t.Errorf("without domains: found %q", got)
	}
}

func TestPerspective(t *testing.T) {
	for template, want := range map[string]string{
		"": "",
		"{account}/{conversation}/{slice}: {skill} ({skill_id})": "12345678/6f0d8b1c-0001/1: Loans (12)",
		"LivePerson & \"friends\"":                               "LivePerson & \"friends\"",
	} {
		set := settings("mattermost")
		set.Perspective = template
		if got := read(t, dump(t, set, first()))[0].Perspective; got != want {
			t.Errorf("%q gave %q", template, got)
		}
	}
	s := first()
	s.Skill.Name, s.Skill.ID = "{skill_id}", ""
	if got := read(t, dump(t, settings("mattermost"), s))[0].Perspective; got != "LivePerson {skill_id}" {
		t.Errorf("a skill's name was taken for a placeholder: %q", got)
	}
	s.Skill.Name = ""
	if got := read(t, dump(t, settings("mattermost"), s))[0].Perspective; got != "LivePerson" {
		t.Errorf("without a skill: %q", got)
	}
}
