package liveperson

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// nested searches again while it is given a record.
type nested struct {
	kept
	again func() error
}

func (n *nested) Record(raw []byte) error {
	if err := n.again(); err != nil {
		return err
	}
	return n.kept.Record(raw)
}

// With one slot, this would wait for itself if the slot were held until the
// records are taken.
func TestAnAnswerThatHasArrivedHoldsNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inBubble(t, func(*http.Request) (*http.Response, error) {
			return answered(strings.NewReader(twoRecords)), nil
		}, 1)
		got := nested{again: func() error { return search(c) }}
		if _, err := c.Search(context.Background(), day, &got); err != nil || len(got.records) != 2 {
			t.Errorf("got %v, %v", got.records, err)
		}
	})
}
