package checkpoint

import (
	"context"
	"testing"
)

func TestOutageIsKept(t *testing.T) {
	c := opened(t, t.TempDir())
	ctx := context.Background()
	for _, want := range []Outage{{}, {Since: 1, Until: 2, Tries: 3, Cause: "down"}, {}} {
		if err := c.Update(ctx, func(tx *Tx) error { return tx.SetOutage(want) }); err != nil {
			t.Fatal(err)
		}
		got, err := c.Outage(ctx)
		if err != nil || got != want {
			t.Errorf("got %+v, want %+v: %v", got, want, err)
		}
	}
}

// A state of the first schema knows of no outage.
func TestOutageOfAnOldState(t *testing.T) {
	ctx, c := context.Background(), opened(t, ofFirstSchema(t,
		query{sql: `INSERT INTO account (one, account, origin, created_at, watermark) VALUES (1, 'a', 'o', 1, 7)`}))
	got, err := c.Outage(ctx)
	place, placeErr := c.Place(ctx)
	if err != nil || placeErr != nil || got != (Outage{}) || place.Watermark != 7 {
		t.Errorf("got %+v, %+v: %v, %v", got, place, err, placeErr)
	}
}
