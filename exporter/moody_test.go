package exporter

import (
	"context"
	"errors"
	"sync"

	"lpexport/archive"
)

// readable is a target that can be read back.
type readable interface {
	archive.Destination
	archive.Source
}

// moody is a target that takes nothing while it has an error.
type moody struct {
	readable
	mu  sync.Mutex
	err error
}

// retryLater is what a full disk at the far side comes to.
var retryLater = &archive.Error{Class: archive.Retry, Op: "deliver", Err: errors.New("no space left on device")}

func (m *moody) set(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *moody) Deliver(ctx context.Context, item archive.Item) (archive.Receipt, error) {
	m.mu.Lock()
	err := m.err
	m.mu.Unlock()
	if err != nil {
		return archive.Receipt{}, err
	}
	return m.readable.Deliver(ctx, item)
}
