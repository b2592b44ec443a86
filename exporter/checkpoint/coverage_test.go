package checkpoint

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	hour = int64(3_600_000)
	day  = 24 * hour
)

// A state that was written before coverage was recorded covers what its windows
// and complete cycles prove, and says where there was a pause.
func TestCoverageOfAnOlderState(t *testing.T) {
	at := 20_000 * day
	c := opened(t, ofFirstSchema(t, []query{
		{`INSERT INTO account (one, account, origin, created_at, since, watermark) VALUES (1, 'a', 'o', ?, ?, ?)`, []any{at, at, at + 50*day}},
		{`INSERT INTO run (kind, started_at, complete) VALUES ('cycle', ?, 1), ('cycle', ?, 1), ('cycle', ?, 0), ('backfill', ?, 1), ('cycle', ?, 1), ('cycle', ?, 1)`,
			[]any{at + day, at + 2*day, at + 20*day, at + 30*day, at + 45*day, at + 46*day}},
		{`INSERT INTO backfill (id, from_at, asked_to, to_at, created_at, done_at) VALUES (1, ?, ?, ?, ?, ?), (2, ?, ?, ?, ?, null)`,
			[]any{at - 500*day, at, at, at, at, at - 9*day, at - 5*day, at - 5*day, at}}, // the second is open

		{`INSERT INTO window (backfill, from_at, to_at, filter, done_at) VALUES (1, ?, ?, '', 1), (1, ?, ?, '', 1), (2, ?, ?, 'x', 1), (2, ?, ?, 'y', null), (2, ?, ?, '', 1)`,
			[]any{at - 510*day, at - 450*day, at - 450*day, at, at - 9*day, at - 7*day, at - 9*day, at - 7*day, at - 7*day, at - 5*day}},
		{`INSERT INTO destination (id, name, archive, origin, from_at, registered_at) VALUES (1, 'all', 'g', 'o', null, 5), (2, 'new', 'g', 'o', null, 6), (3, 'date', 'g', 'o', 7, 8)`, nil},
		{`INSERT INTO conversation (id, source_id, revision, status, survey_open, partial, changed, seen) VALUES (1, 'c', 1, 'OPEN', 0, 0, 0, x'')`, nil},
		{`INSERT INTO given (destination, conversation, revision, floor, slices, newest_at, revisions) VALUES (1, 1, 1, 0, 1, 0, x''), (2, 1, 1, 1, 0, 0, x'')`, nil},
	}...))
	got, err := c.Coverage(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := []Coverage{
		{Reading: ByBackfill, From: at - 393*day, To: at, Selection: "?", ReadAt: at},
		{Reading: ByBackfill, From: at - 7*day, To: at - 5*day, Selection: "?", ReadAt: at},
		{Reading: ByCycles, From: at, To: at + 2*day, Selection: "?", ReadAt: at + 2*day},
		{Reading: ByCatchUp, From: at + 2*day, To: at + 45*day, Selection: "?", ReadAt: at + 45*day},
		{Reading: ByCycles, From: at + 45*day, To: at + 46*day, Selection: "?", ReadAt: at + 46*day},
		{Reading: ByCatchUp, From: at + 46*day, To: at + 50*day, Selection: "?", ReadAt: at + 50*day},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for id, want := range map[int64]int64{1: 0, 2: 6, 3: 7} {
		if from, err := c.GivenFrom(context.Background(), id); err != nil || from != want {
			t.Errorf("destination %d is given what came from %d on, want %d: %v", id, from, want, err)
		}
	}
}

// What several readings of one backfill cover joins where they touch, and cycles
// go on only where they ended, under the same selection.
func TestCoverageJoins(t *testing.T) {
	c := opened(t, t.TempDir())
	backfill := func(from, to, at int64) Coverage {
		return Coverage{Reading: ByBackfill, From: from, To: to, Selection: "1", ReadAt: at}
	}
	cycle := func(from, to int64, selection string) Coverage {
		return Coverage{Reading: ByCycles, From: from, To: to, Selection: selection, ReadAt: to}
	}
	err := c.Update(context.Background(), func(tx *Tx) error {
		for _, v := range []Coverage{backfill(10, 20, 105), backfill(30, 40, 100), backfill(20, 30, 102), backfill(40, 50, 200)} {
			if err := tx.JoinCoverage(v, 10); err != nil {
				return err
			}
		}
		for _, v := range []Coverage{cycle(60, 70, ""), cycle(70, 80, ""), cycle(80, 90, "1"), cycle(95, 99, "1")} {
			if err := tx.GoOnCovering(v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Coverage(context.Background())
	want := []Coverage{backfill(10, 40, 100), backfill(40, 50, 200), cycle(60, 80, ""), cycle(80, 90, "1"), cycle(95, 99, "1")}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
