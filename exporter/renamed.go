package exporter

import (
	"context"
	"fmt"
	"slices"
)

// RenamedError is a destination that is new to the state while another one, that may
// be the same under its former name, is not in the configuration any more: it would be
// given everything a second time.
type RenamedError struct {
	Destination string // the new name
	Former      string
	Place       bool // both are at one place
}

func (e *RenamedError) Error() string {
	why := "is of the same archive"
	if e.Place {
		why = "was in the same place"
	}
	return fmt.Sprintf("destination %s is new, and would be given everything; %s, which is no longer configured, %s: is it the same one?", e.Destination, e.Former, why)
}

// Hint is what to do about it.
func (e *RenamedError) Hint() string {
	return fmt.Sprintf("if it is, add `renamed_from: %s` to destination %s, and it goes on where it was. If it is not, end the former one: lpexport retire %s",
		e.Former, e.Destination, e.Former)
}

// askRenamed questions a destination that is to be registered after a run has
// finished, and that may be one the state knows under another name. One that is given
// nothing of the past doubles nothing.
func (e *Exporter) askRenamed(ctx context.Context, d Destination, finished bool) error {
	if !finished || d.From != nil && d.From.New {
		return nil
	}
	rows, err := e.cp.Destinations(ctx)
	if err != nil {
		return err
	}
	var alike *RenamedError
	for _, row := range rows {
		configured := slices.ContainsFunc(e.Destinations, func(o Destination) bool { return o.Name == row.Name })
		if configured || row.Retired || row.Serial == 0 {
			continue
		}
		switch {
		case row.Target != "" && row.Target == d.Where:
			return &RenamedError{Destination: d.Name, Former: row.Name, Place: true}
		case row.Archive == d.Archive && alike == nil:
			alike = &RenamedError{Destination: d.Name, Former: row.Name}
		}
	}
	if alike != nil {
		return alike
	}
	return nil
}
