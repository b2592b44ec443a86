package checkpoint

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// planOf is how SQLite goes about a query, a step a line.
func planOf(t *testing.T, c *Checkpoint, query string, args ...any) string {
	t.Helper()
	var plan strings.Builder
	err := c.list(context.Background(), func(s scanner) error {
		var id, parent, unused int
		var step string
		err := s.Scan(&id, &parent, &unused, &step)
		fmt.Fprintln(&plan, step)
		return err
	}, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

// With millions of files that wait, none of what is asked again and again reads them all.
func TestManyFilesAreNotReadForAFew(t *testing.T) {
	c := opened(t, t.TempDir())
	where, args := Cutting{Destination: 1, ClosedOnly: true, FilesNoted: 1, FilesUntil: 2}.where()
	for name, plan := range map[string]string{
		"wanting":  planOf(t, c, fmt.Sprintf(wantingFiles, "<="), 1, 64),
		"farthest": planOf(t, c, fmt.Sprintf(wantingFiles, ">"), 1, 64),
		"ready":    planOf(t, c, `SELECT due.conversation FROM due `+where, args...),
	} {
		if strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN f") || strings.Contains(plan, "INDEX file_state") {
			t.Errorf("%s:\n%s", name, plan)
		}
	}
}
