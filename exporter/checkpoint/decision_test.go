package checkpoint

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecisionsAreKeptInTheirOrder(t *testing.T) {
	c := opened(t, t.TempDir())
	made := []Decision{
		{ID: 1, At: 5, Person: "ann", Kind: DecidedBundle, Subject: "local-000000001", Reason: "re-encrypted", Was: "aa", Found: "bb", Facts: `{"path":"x"}`},
		{ID: 2, At: 6, Person: "ann", Kind: DecidedHole, Subject: "2026-01-01/2026-01-02", Reason: "test chats", Facts: "{}"},
		{ID: 3, At: 4, Person: "bob", Kind: DecidedBundle, Subject: "local-000000001", Reason: "again", Facts: "{}"},
	}
	for _, d := range made {
		id := d.ID
		if d.Facts == "{}" {
			d.Facts = ""
		}
		err := c.Update(context.Background(), func(tx *Tx) error {
			got, err := tx.Decide(d)
			if got != id {
				t.Errorf("decision %d is number %d", id, got)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Decisions(context.Background(), DecidedBundle)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Decision{made[0], made[2]}, got); diff != "" {
		t.Errorf("decisions on bundles (-want +got):\n%s", diff)
	}
}
