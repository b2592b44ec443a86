package checkpoint

import (
	"context"
	"testing"
)

// What was cut short counted as final under the first schema: it is due at once, and
// what was whole is not touched.
func TestCutRecordsOfTheFirstSchemaAreDue(t *testing.T) {
	ctx, c := context.Background(), opened(t, ofFirstSchema(t,
		query{sql: `INSERT INTO account (one, account, origin, created_at) VALUES (1, 'a', 'o', 0)`},
		query{sql: `INSERT INTO conversation (id, source_id, revision, recorded, status, started_at, closed_at, survey_open, partial, reread_at, changed, seen) VALUES
			(1, 'cut', 2, 2, 'CLOSE', 50, 90, 0, 1, NULL, 1, x''), (2, 'whole', 1, 1, 'CLOSE', 50, 90, 0, 0, NULL, 1, x''), (3, 'open', 1, 1, 'OPEN', 50, NULL, 0, 0, 7000, 1, x'')`},
		query{sql: `INSERT INTO record (conversation, revision, part, section, captured_at, bytes, sha256, frame) VALUES
			(1, 1, 0, '', 100, 0, x'', x''), (1, 2, 0, '', 200, 0, x'', x'')`},
	))
	due, err := c.Reread(ctx, 5000, OpenConversation{}, 10)
	if err != nil || len(due) != 1 || due[0].SourceID != "cut" || !due[0].Alone {
		t.Errorf("due: %+v, %v", due, err)
	}
	list, err := c.List(ctx, ListCut, [2]int64{}, 10)
	if err != nil || len(list) != 1 || list[0].ID != "cut" || list[0].Since != 200 {
		t.Errorf("cut short: %+v, %v", list, err)
	}
	if n, err := c.OpenConversations(ctx); n != 1 || err != nil {
		t.Errorf("%d open, %v", n, err)
	}
}
