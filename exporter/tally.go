package exporter

import (
	"context"
	"errors"
	"sync"

	"lpexport/exporter/checkpoint"
)

// tally counts for operators what happens in this process. It is added to what
// the checkpoint has counted when it is flushed.
type tally struct {
	mu     sync.Mutex
	counts map[checkpoint.Count]int64 // Value is 0 in the keys
}

func (t *tally) add(name, label, second string, n int64) {
	if n == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[checkpoint.Count]int64{}
	}
	t.counts[checkpoint.Count{Name: name, Label: label, Second: second}] += n
}

// take empties the tally.
func (t *tally) take() []checkpoint.Count {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.list()
	clear(t.counts)
	return list
}

// peek is what take would return, and stays.
func (t *tally) peek() []checkpoint.Count {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.list()
}

// list is for those that hold the lock.
func (t *tally) list() (list []checkpoint.Count) {
	for c, n := range t.counts {
		c.Value = n
		list = append(list, c)
	}
	return list
}

// Count adds to one of the Counter constants.
func (e *Exporter) Count(name, label, second string, n int64) { e.tally.add(name, label, second, n) }

// flushCounts adds what was counted to the checkpoint.
func (e *Exporter) flushCounts(ctx context.Context) error {
	if len(e.tally.peek()) == 0 {
		return nil
	}
	return e.flush(ctx, func(*checkpoint.Tx) error { return nil })
}

// flush is flushCounts with something else in the same transaction.
func (e *Exporter) flush(ctx context.Context, with func(*checkpoint.Tx) error) error {
	counts := e.tally.take()
	err := e.cp.Update(ctx, func(tx *checkpoint.Tx) error { return errors.Join(tx.AddCounts(counts), with(tx)) })
	if err != nil {
		for _, c := range counts { // they are tried again with the next ones
			e.tally.add(c.Name, c.Label, c.Second, c.Value)
		}
	}
	return err
}
