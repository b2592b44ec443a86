package again

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitGrowsAndIsBounded(t *testing.T) {
	total := time.Duration(0)
	for n := 1; n < Tries; n++ {
		total += Wait(n)
	}
	if Wait(1) != time.Second/2 || Wait(2) != time.Second || total > 20*time.Second || Wait(40) != Longest {
		t.Errorf("first %s, second %s, all %s, 40th %s", Wait(1), Wait(2), total, Wait(40))
	}
}

func TestPauseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := Pause(ctx, time.Minute); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
		if err := Pause(t.Context(), time.Minute); err != nil || time.Since(begin) != time.Minute+time.Second {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
	})
}
