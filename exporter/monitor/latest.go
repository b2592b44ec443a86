package monitor

import (
	"context"
	"time"

	"lpexport/exporter"
)

const (
	fresh   = time.Second      // for how long an Overview is shown again
	reading = 20 * time.Second // how long making one may take
)

// latest makes an Overview for all who ask at about the same time: it costs some
// reads of the checkpoint, and pages are asked for by anybody.
type latest struct {
	read func(context.Context) (exporter.Overview, error)
	now  func() time.Time
	turn chan struct{} // holds a token; who has it may touch what follows
	made time.Time
	o    *exporter.Overview
	err  error
}

func newLatest(read func(context.Context) (exporter.Overview, error), now func() time.Time) *latest {
	l := &latest{read: read, now: now, turn: make(chan struct{}, 1)}
	l.turn <- struct{}{}
	return l
}

// get returns an Overview that is at most a second old. Others have it too: it
// must not be changed. A failure is shared as well, but not that of a caller who
// left.
func (l *latest) get(ctx context.Context) (*exporter.Overview, error) {
	select {
	case <-l.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { l.turn <- struct{}{} }()
	if age := l.now().Sub(l.made); (l.o != nil || l.err != nil) && age >= 0 && age < fresh {
		return l.o, l.err
	}
	limited, cancel := context.WithTimeout(ctx, reading)
	defer cancel()
	o, err := l.read(limited)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	l.made, l.o, l.err = l.now(), &o, err
	if err != nil {
		l.o = nil
	}
	return l.o, l.err
}
