package checkpoint

import (
	"context"
	"errors"
	"testing"
)

func TestConversationLeftOutIsKeptAsItWasSeenLast(t *testing.T) {
	c := opened(t, t.TempDir())
	for i, skills := range []string{`["2"]`, `["2","3"]`} {
		err := c.Update(context.Background(), func(tx *Tx) error {
			first, err := tx.LeaveOut(LeftOut{SourceID: "x", Skills: skills, Reason: "skill", SHA256: []byte{byte(i)}}, int64(1000+i))
			if first != (i == 0) {
				t.Errorf("record %d is the first: %v", i, first)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var skills string
	var sum []byte
	var first, last int64
	if _, err := c.get(context.Background(), []any{&skills, &sum, &first, &last}, `SELECT skills, sha256, first_at, last_at FROM left_out`); err != nil {
		t.Fatal(err)
	}
	if skills != `["2","3"]` || sum[0] != 1 || first != 1000 || last != 1001 {
		t.Errorf("kept: %s, %x, first %d, last %d", skills, sum, first, last)
	}
}

// In an upsert, "excluded" is the row that could not be inserted. A table of that
// name would silently be taken for it.
func TestNoTableHasTheNameOfAnUpsertsRow(t *testing.T) {
	c := opened(t, t.TempDir())
	n := 0
	if _, err := c.get(context.Background(), []any{&n}, `SELECT count(*) FROM sqlite_master WHERE lower(name) = 'excluded'`); err != nil || n != 0 {
		t.Errorf("%d such tables, %v", n, err)
	}
}

// What an older program left out stays left out, and is not counted again.
func TestWhatWasLeftOutBeforeTheMigrationStaysSo(t *testing.T) {
	dir := ofFirstSchema(t, query{sql: `INSERT INTO excluded VALUES ('x', '["2"]', 'skill', x'01', 7, 8)`})
	err := opened(t, dir).Update(context.Background(), func(tx *Tx) error {
		first, err := tx.LeaveOut(LeftOut{SourceID: "x", Skills: `[]`, Reason: "skill", SHA256: []byte{2}}, 9)
		var at int64
		err = errors.Join(err, tx.row(`SELECT first_at FROM left_out WHERE source_id = 'x' AND last_at = 9`).Scan(&at))
		if first || at != 7 {
			t.Errorf("it is the first: %v, of %d", first, at)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
