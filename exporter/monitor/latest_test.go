package monitor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lpexport/exporter"
)

// Who asks at about the same time gets the same Overview, and a second later
// another one.
func TestRequestsShareOneOverview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		l := newLatest(func(context.Context) (exporter.Overview, error) {
			made++
			time.Sleep(3 * time.Second) // of the bubble: a slow disk
			return exporter.Overview{}, nil
		}, time.Now)
		shared := make(chan *exporter.Overview)
		for range 50 {
			go func() {
				o, err := l.get(t.Context())
				if err != nil {
					t.Error(err)
				}
				shared <- o
			}()
		}
		first := <-shared
		for range 49 {
			if o := <-shared; o != first {
				t.Error("another Overview")
			}
		}
		time.Sleep(fresh - time.Nanosecond)
		if o, _ := l.get(t.Context()); o != first || made != 1 {
			t.Errorf("made %d times", made)
		}
		time.Sleep(time.Nanosecond)
		if o, _ := l.get(t.Context()); o == first || made != 2 {
			t.Errorf("made %d times", made)
		}
	})
}

// A caller who leaves takes nothing from the others, and one who waits may leave.
func TestCallersWhoLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		l := newLatest(func(ctx context.Context) (exporter.Overview, error) {
			made++
			select {
			case <-ctx.Done():
				return exporter.Overview{}, ctx.Err()
			case <-time.After(time.Second):
				return exporter.Overview{Account: "a"}, nil
			}
		}, time.Now)
		leaving, leave := context.WithCancel(t.Context())
		errs := make(chan error)
		for range 2 {
			go func() { _, err := l.get(leaving); errs <- err }()
		}
		synctest.Wait()
		staying := make(chan *exporter.Overview)
		go func() {
			o, err := l.get(t.Context())
			if err != nil {
				t.Error(err)
			}
			staying <- o
		}()
		synctest.Wait()
		leave()
		for range 2 {
			if err := <-errs; !errors.Is(err, context.Canceled) {
				t.Errorf("who left got %v", err)
			}
		}
		if o := <-staying; o == nil || o.Account != "a" || made != 2 {
			t.Errorf("who stayed got %v, made %d times", o, made)
		}
	})
}

// A failure is shared for as long as an Overview is, and so is one that takes for
// ever; a clock that is put back makes nothing last.
func TestFailuresAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made, clock := 0, time.Now()
		l := newLatest(func(ctx context.Context) (exporter.Overview, error) {
			made++
			<-ctx.Done()
			return exporter.Overview{}, ctx.Err()
		}, func() time.Time { return clock })
		begun := time.Now()
		for range 5 {
			if o, err := l.get(t.Context()); o != nil || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, %v", o, err)
			}
		}
		if took := time.Since(begun); took != reading || made != 1 {
			t.Errorf("made %d times in %s", made, took)
		}
		clock = clock.Add(-time.Hour)
		if _, err := l.get(t.Context()); err == nil || made != 2 {
			t.Errorf("made %d times, %v", made, err)
		}
	})
}
