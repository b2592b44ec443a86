package exporter

import (
	"context"
	"fmt"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

const (
	rereadsBatch = liveperson.MaxLimit
	rereadsMost  = 3 // batches in one cycle
)

// rereads looks by id at the conversations whose time has come, the longest waiting
// first: nothing else tells that an open one was closed without a word, or gives the
// rest of one that was cut short.
func (c *capture) rereads(ctx context.Context) error {
	batches := rereadsMost
	if c.Reread == 0 {
		batches = int(^uint(0) >> 1)
	}
	began := c.millis()
	var last checkpoint.OpenConversation
	for range batches {
		due, err := c.cp.Reread(ctx, began, last, rereadsBatch)
		if err != nil || len(due) == 0 {
			return err
		}
		if err := c.reread(ctx, due); err != nil {
			return err
		}
		last = due[len(due)-1]
	}
	return nil
}

// reread captures conversations by id. Those that are likely to fail are asked for
// alone, so that the others come in one answer.
func (c *capture) reread(ctx context.Context, due []checkpoint.OpenConversation) error {
	var together, alone []string
	for _, o := range due {
		if o.Alone {
			alone = append(alone, o.SourceID)
		} else {
			together = append(together, o.SourceID)
		}
	}
	l := &lookup{capture: c}
	if err := l.look(ctx, together, alone); err != nil {
		return err
	}
	if l.down != nil { // the others are due, too, and would be asked for in vain
		return fmt.Errorf("%w: %w", errIncomplete, l.down)
	}
	return nil
}

// fetchRest fetches by id what a page could not give whole: records that are cut
// short, those that came late, and records over the size limit. All are in the
// register since the page's transaction, so that a look that fails is due again
// whatever becomes of the page's window.
func (c *capture) fetchRest(ctx context.Context, p *page) error {
	together := p.overtaken
	for i := range p.records {
		if r := &p.records[i]; r.due {
			together = append(together, r.id)
		}
	}
	var alone []string
	for _, o := range p.oversized {
		alone = append(alone, o.id)
	}
	l := &lookup{capture: c}
	if err := l.look(ctx, unique(together), unique(alone)); err != nil {
		return err
	}
	return l.down
}

// unique is a list without what came before in it.
func unique[T comparable](list []T) []T {
	seen, out := make(map[T]bool, len(list)), list[:0]
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
