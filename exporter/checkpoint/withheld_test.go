package checkpoint

import (
	"context"
	"testing"
)

// While one process cuts what is due, another may learn that a message which the first
// withholds is for all: what is due then stays due, up to where that is known.
func TestWhatIsHeardDuringACutStaysDue(t *testing.T) {
	c, ctx := opened(t, t.TempDir()), context.Background()
	v := Conversation{SourceID: "a", Revision: 1, Status: "OPEN", StartedAt: 1, Seen: []byte{}}
	do := func(f func(tx *Tx) error) {
		t.Helper()
		if err := c.Update(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	do(func(tx *Tx) error { return tx.Register("vault", "generic", FromAll, 0, 1) })
	do(func(tx *Tx) error { return tx.PutConversation(&v) })
	do(func(tx *Tx) error { return tx.MakeDue(v.ID, 1, 1, 1) })
	d, _, err := c.Destination(ctx, "vault")
	if err != nil {
		t.Fatal(err)
	}
	// The cut has read revision 1, and not stored what it withholds of it.
	do(func(tx *Tx) error {
		awaited, err := tx.AnyUnsaid(v.ID)
		if !awaited || err != nil {
			t.Errorf("somebody may wait for it: %v, %v", awaited, err)
		}
		return tx.MakeUnsaidDue(v.ID, 2, 1, 2)
	})
	do(func(tx *Tx) error { return tx.PutGiven(d.ID, v.ID, Given{Revision: 1, Unsaid: 1}) })
	if w, err := c.Waiting(ctx, d.ID); err != nil || w.Due != 1 {
		t.Errorf("%d conversations are due, %v", w.Due, err)
	}
}
