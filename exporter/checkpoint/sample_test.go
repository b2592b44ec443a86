package checkpoint

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Old samples are dropped, and those from a time that has not come yet.
func TestSamples(t *testing.T) {
	c := opened(t, t.TempDir())
	ctx := context.Background()
	for _, at := range []int64{100, 200, 900, 300} {
		if err := c.Update(ctx, func(tx *Tx) error {
			return tx.AddSample(Sample{At: at, Lag: at + 1, Pending: 2, Messages: 3, Events: 4}, at-150)
		}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := c.Samples(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Sample{{300, 301, 2, 3, 4}}, list[len(list)-1:]); diff != "" || len(list) != 1 {
		t.Errorf("%+v: %s", list, diff)
	}
}
