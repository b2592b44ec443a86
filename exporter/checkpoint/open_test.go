package checkpoint

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// A backfill and a cycle that are started at once, on no state or on an older
// program's, both find it ready.
func TestSeveralOpenANewCheckpointAtOnce(t *testing.T) {
	for range 5 {
		dir := t.TempDir()
		errs := make([]error, 6)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				c, err := Open(context.Background(), dir, Options{Account: "a", Origin: "o"})
				if err == nil {
					err = c.Close()
				}
				errs[i] = err
			})
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
}
