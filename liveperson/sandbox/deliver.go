package sandbox

import (
	"context"
	"hash/fnv"
	"slices"
	"sync"
	"time"
)

// parcel is one event on its way, or its duplicate.
type parcel struct {
	event    Event
	of       *batch
	accepted time.Time
	held     bool // it has been held back
	again    bool // it is a duplicate
}

// batch is what one caller sends.
type batch struct {
	ctx  context.Context
	left sync.WaitGroup
}

// accept puts a parcel at the end of its conversation's line and, where nobody
// works for that line, begins to.
func (s *Sender) accept(p *parcel) {
	p.of.left.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.again {
		s.counts.Pending++
	}
	line, worked := s.lines[p.event.Conversation]
	s.lines[p.event.Conversation] = append(line, p)
	if !worked {
		go s.work(p.event.Conversation)
	}
}

// work sends what waits in a conversation's line until it is empty.
func (s *Sender) work(conversation int) {
	for {
		s.mu.Lock()
		line := s.lines[conversation]
		if len(line) == 0 {
			delete(s.lines, conversation)
			s.mu.Unlock()
			return
		}
		p := line[0]
		s.lines[conversation] = slices.Delete(line, 0, 1)
		s.mu.Unlock()
		if !p.held && s.drawn(s.set.Reorder, saltHold, p) {
			p.held = true
			go s.holdBack(p)
			continue
		}
		s.deliver(p)
	}
}

const longestHold = 4 * time.Second

// holdBack delivers a parcel outside its line, after a while.
func (s *Sender) holdBack(p *parcel) {
	s.count(func(c *Counts) { c.Reordered++ })
	hold := time.Duration(draw(s.identity(p), saltHold, 1)%uint64(longestHold-time.Second)) + time.Second
	if s.account.set.Sleep(p.of.ctx, hold) != nil {
		s.finish(p, nil)
		return
	}
	s.deliver(p)
}

const (
	firstPause   = 2 * time.Second
	longestPause = 5 * time.Minute
)

// deliver tries to deliver a parcel until it is taken, given up, or its caller
// has gone.
func (s *Sender) deliver(p *parcel) {
	ctx, pause := p.of.ctx, firstPause
	for attempt := 1; ; attempt++ {
		d := Delivery{Event: p.event, Attempt: attempt, Again: p.again}
		d.Status, d.Err = s.attempt(ctx, p.event.Body)
		if ctx.Err() != nil && !d.Taken() {
			s.finish(p, nil)
			return
		}
		if s.set.Observe != nil {
			s.set.Observe(d)
		}
		if d.Taken() {
			s.taken(p)
			return
		}
		s.count(func(c *Counts) { c.Failed++ })
		if s.account.set.Now().Sub(p.accepted)+pause > s.set.Retention {
			s.finish(p, func(c *Counts) { c.Dropped++ })
			return
		}
		if s.account.set.Sleep(ctx, pause) != nil {
			s.finish(p, nil)
			return
		}
		pause = min(2*pause, longestPause)
	}
}

// taken ends a parcel that was taken, and sends its duplicate, if it has one,
// behind what waits by now.
func (s *Sender) taken(p *parcel) {
	if !p.again && s.drawn(s.set.Duplicates, saltAgain, p) {
		s.accept(&parcel{event: p.event, of: p.of, accepted: s.account.set.Now(), held: true, again: true})
	}
	s.finish(p, func(c *Counts) {
		if p.again {
			c.Duplicates++
		} else {
			c.Delivered++
		}
	})
}

// finish ends a parcel. Without a count it stays pending: its caller has gone.
func (s *Sender) finish(p *parcel, count func(*Counts)) {
	s.count(func(c *Counts) {
		if count == nil {
			return
		}
		count(c)
		if !p.again {
			c.Pending--
		}
	})
	if !p.again {
		<-s.room
	}
	p.of.left.Done()
}

func (s *Sender) count(add func(*Counts)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	add(&s.counts)
}

// drawn is true for a share of the events, always the same ones.
func (s *Sender) drawn(share float64, salt int, p *parcel) bool {
	return share > 0 && float64(draw(s.identity(p), salt, 0)>>11)/(1<<53) < share
}

func (s *Sender) identity(p *parcel) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(p.event.Body)
	return mix(s.set.Seed) ^ h.Sum64()
}
