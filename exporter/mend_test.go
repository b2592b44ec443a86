package exporter

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/directory"
	"lpexport/liveperson/sandbox"
)

// unready is a target whose key is not there.
type unready struct{ *directory.Destination }

var errUnready = &archive.Error{Class: archive.Halt, Op: "read the key", Err: fs.ErrNotExist, Hint: "put it there"}

func (unready) Deliver(context.Context, archive.Item) (archive.Receipt, error) {
	return archive.Receipt{}, errUnready
}
func (unready) Clean(context.Context) error                       { return errUnready }
func (unready) Bundles(context.Context, string) ([]string, error) { return nil, errUnready }

// lackingKey adds a destination "vault" that is whole only while there says so.
func lackingKey(r *trial, there *bool) func(*Settings) {
	return func(s *Settings) {
		whole := r.destination("vault")
		broken := whole
		broken.Target = unready{whole.Target.(*directory.Destination)}
		broken.Mend = func() (Destination, error) {
			if !*there {
				return broken, errUnready
			}
			return whole, nil
		}
		s.Destinations = append(s.Destinations, broken)
	}
}

func statusOf(t *testing.T, e *Exporter, name string) DestinationStatus {
	t.Helper()
	s, err := e.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range s.Destinations {
		if d.Name == name {
			return d
		}
	}
	t.Fatalf("no destination %s in the status", name)
	return DestinationStatus{}
}

// A destination that lacks a file of this machine halts, stops nobody, and goes on
// when the file is there: with the next run, and in a service without one.
func TestDestinationThatLacksAFileHaltsAloneAndGoesOn(t *testing.T) {
	there := false
	r := newTrial(t, sandbox.Settings{Seed: 1, Conversations: 5, Period: time.Hour}, 2*time.Hour, nil)
	r.Exporter.Close()
	r.edit = lackingKey(r, &there)
	r.open()

	if d := statusOf(t, r.Exporter, "vault"); !d.Halted || !strings.Contains(d.Remedy, "put it there") {
		t.Errorf("before any run the status says %+v", d)
	}
	report, err := r.Cycle(context.Background(), nil)
	var halt *HaltError
	if !errors.As(err, &halt) || halt.Destination != "vault" || errors.Is(err, ErrIncomplete) { // no run mends it
		t.Errorf("the cycle ends with %v", err)
	}
	r.mustBeOf(report, "local", 0)
	if n := len(r.delivered("local")); n == 0 || len(r.delivered("vault")) > 0 {
		t.Errorf("%d slices in local, %d in vault", n, len(r.delivered("vault")))
	}
	if d := statusOf(t, r.Exporter, "vault"); !d.Halted || d.Pending == 0 {
		t.Errorf("after a run the status says %+v", d)
	}

	s := r.NewService(ServeSettings{})
	w := s.workers[1]
	for _, there = range []bool{false, true} {
		w.again.Store(true)
		if _, err := w.tendOnce(context.Background()); err != nil {
			t.Fatal(err)
		}
		if halted := w.report.Err != nil; halted == there {
			t.Errorf("file there: %v, error %v", there, w.report.Err)
		}
	}
	if d := statusOf(t, r.Exporter, "vault"); d.Halted || d.Pending > 0 {
		t.Errorf("with the file there the status says %+v", d)
	}
	for _, f := range r.holdsTruth("vault") {
		t.Error(f)
	}
	r.cycle()
}

func (r *trial) mustBeOf(report Report, name string, waiting int) {
	r.t.Helper()
	for _, d := range report.Destinations {
		if d.Name == name && (d.Waiting != waiting || d.Err != nil) {
			r.t.Errorf("%s: %+v", name, d)
		}
	}
}

// sticky is a target that lets nobody remove what was cut off.
type sticky struct{ *directory.Destination }

func (sticky) Clean(context.Context) error {
	return &archive.LeftError{Where: "there", Names: []string{".a", ".b"}, Err: fs.ErrPermission}
}

// What stays at a destination stops nothing, and is said once.
func TestWhatNobodyMayRemoveIsSaidOnce(t *testing.T) {
	var log bytes.Buffer
	r := newTrial(t, sandbox.Settings{Seed: 1, Conversations: 5, Period: time.Hour}, 2*time.Hour, func(s *Settings) {
		s.Log = slog.New(slog.NewTextHandler(&log, nil))
		s.Destinations[0].Target = sticky{s.Destinations[0].Target.(*directory.Destination)}
	})
	for range 3 {
		r.cycle()
	}
	r.mustHoldTruth("local")
	if n := strings.Count(log.String(), "unfinished work stays"); n != 1 || !strings.Contains(log.String(), "left=2") {
		t.Errorf("said %d times:\n%s", n, log.String())
	}
}
