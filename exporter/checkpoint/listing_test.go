package checkpoint

import (
	"context"
	"strings"
	"testing"
)

// A page of a list must not cost a look at each row of a table with millions.
func TestNoListGoesThroughAWholeTable(t *testing.T) {
	c := opened(t, t.TempDir())
	for name, l := range map[string]List{
		"open": ListOpen, "cut": ListCut, "unconfirmed": ListUnconfirmed, "conversations": ListConversations, "quarantine": ListQuarantine,
		"left out": ListLeftOut, "events": ListEvents, "files": ListFiles, "backfills": ListBackfills, "windows": ListWindows, "due": ListDue, "bundles": ListBundles,
		"undelivered": ListUndelivered, "failed": ListFailed, "rejected": ListRejected, "uncertain": ListUncertain, "left": ListLeft,
	} {
		behind := l.keys + ` > 5`
		if strings.Contains(l.keys, ",") {
			behind = `(` + l.keys + `) > (5, 5)`
		}
		query := strings.ReplaceAll(`SELECT `+l.keys+`, `+l.row+` FROM `+l.from+` AND `+behind+` ORDER BY `+l.keys+` LIMIT 10`, "?", "1")
		err := c.list(context.Background(), func(s scanner) error {
			var a, b, x int
			var step string
			err := s.Scan(&a, &b, &x, &step)
			if strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "receipt_uncertain") { // which holds only the doubtful
				t.Errorf("%s: %s", name, step)
			}
			return err
		}, `EXPLAIN QUERY PLAN `+query)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
