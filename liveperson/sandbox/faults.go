package sandbox

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Kind is what goes wrong.
type Kind int

const (
	_               Kind = iota
	Status               // the answer is Code, with RetryAfter if given
	Cut                  // the body ends after Fraction of it
	Slow                 // Delay before each 32 KiB of the body
	HTML                 // 200 with a web page
	Empty                // 200 with nothing
	NoContent            // 204
	PartialResult        // some shards did not answer: a third of the records is missing
	Skew                 // the Date header is off by Delay
	Shift                // By records have entered (or, negative, left) the pages before this one, and ties change their order
	CountOff             // count is off by By
	PartialRecord        // records are cut short in searches, whole by id
	PartialAlways        // records are cut short by id too
	NoID                 // records come without conversationId
	NotArray             // records come with messageRecords that are not an array
	PartialTogether      // records are cut short unless they are asked for alone
	MessagesGone         // records lack the second half of their messages; their statuses are all there, and nothing says so
	LeftOut              // records are missing from answers by id
	NotFound             // requests by id that name them are answered with Code; 0 is 404
	Mistaken             // records of other conversations come in their place by id
	Twice                // records come twice by id
)

// Fault is one thing that goes wrong with the requests, or records, that meet
// all its conditions; those left zero are met always. Truth knows no faults.
type Fault struct {
	Kind    Kind
	Route   Route     // requests of this route
	Nth     []int     // the first, second, … request of its route (needs no Route)
	Share   float64   // this share of requests, drawn by their number; of records, by theirs
	From    time.Time // from then on
	Until   time.Time // before then
	Numbers []int     // for faults of records: conversations

	Together   bool   // for faults of records by id: only where several are asked for in one request
	Code       int    // for Status; 0 is 503
	RetryAfter string // header
	Fraction   float64
	Delay      time.Duration
	By         int
}

func (f *Fault) ofRecords() bool {
	return f.Kind >= PartialRecord && f.Kind < searchFaults || f.Kind == Foreign
}

// active are the faults that this request meets.
func (a *Account) active(c *call) []Fault {
	var met []Fault
	for i, f := range a.set.Faults {
		switch {
		case f.Route != "" && f.Route != c.route,
			len(f.Nth) > 0 && !slices.Contains(f.Nth, c.number),
			!f.From.IsZero() && c.now.Before(f.From),
			!f.Until.IsZero() && !c.now.Before(f.Until),
			!f.ofRecords() && !a.drawn(f.Share, i, c.number):
			continue
		}
		met = append(met, f)
	}
	return met
}

// drawn is true for a share of the numbers, and for all when there is none.
func (a *Account) drawn(share float64, salt, number int) bool {
	d := draw(mix(a.set.Seed^uint64(salt)), saltFault, number)
	return share == 0 || float64(d>>11)/(1<<53) < share
}

func (c *call) fault(k Kind) (Fault, bool) {
	for _, f := range c.faults {
		if f.Kind == k {
			return f, true
		}
	}
	return Fault{}, false
}

// failed answers in place of the account when a fault says so, and makes ready
// those that come later.
func (c *call) failed() bool {
	if f, ok := c.fault(Skew); ok {
		c.header().Set("Date", c.now.Add(f.Delay).UTC().Format(http.TimeFormat))
	}
	if f, ok := c.fault(Status); ok {
		if f.RetryAfter != "" {
			c.header().Set("Retry-After", f.RetryAfter)
		}
		if f.Code == 0 {
			f.Code = http.StatusServiceUnavailable
		}
		c.refuse(f.Code, "", "try again later")
		return true
	}
	if _, ok := c.fault(HTML); ok {
		c.header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(c.w, "<!DOCTYPE html><title>Maintenance</title><p>Please come back later.")
		return true
	}
	if _, ok := c.fault(NoContent); ok {
		c.w.WriteHeader(http.StatusNoContent)
		return true
	}
	if _, ok := c.fault(Empty); ok {
		c.w.WriteHeader(http.StatusOK)
		return true
	}
	_, c.partialShards = c.fault(PartialResult)
	if f, ok := c.fault(CountOff); ok {
		c.countOff = f.By
	}
	if f, ok := c.fault(Shift); ok {
		c.shift, c.tie = f.By, mix(c.tie^uint64(c.number))
	}
	if _, ok := c.fault(Ties); ok {
		c.tie = mix(c.tie ^ uint64(c.number))
	}
	return false
}

// answer dispatches, slowed down or cut as the faults say.
func (c *call) answer() {
	if f, ok := c.fault(Slow); ok {
		c.to = &slowly{c.to, c.request.Context(), f.Delay, c.account.set.Sleep}
	}
	f, ok := c.fault(Cut)
	if !ok {
		c.dispatch()
		return
	}
	whole := &counter{}
	rest := c.to
	c.to, c.measure = whole, true
	c.dispatch()
	c.header().Set("Content-Length", strconv.FormatInt(whole.n, 10))
	c.to, c.measure = &cutter{rest, int64(float64(whole.n) * f.Fraction)}, false
	c.dispatch()
	http.NewResponseController(c.w).Flush()
	panic(http.ErrAbortHandler)
}

// spoil applies the faults of records to one record.
func (c *call) spoil(v *view) {
	for i, f := range c.faults {
		if !c.meets(i, v.number) {
			continue
		}
		switch f.Kind {
		case PartialRecord:
			v.partial = v.partial || !v.byID
		case PartialTogether:
			v.partial = v.partial || !v.byID || c.together
		case MessagesGone:
			v.half, v.silent = true, true
		case PartialAlways:
			v.partial = true
		case NoID, NotArray:
			v.spoiled = f.Kind
		case Foreign:
			v.brand = otherBrand
		}
	}
}

type slowly struct {
	w     io.Writer
	ctx   context.Context
	delay time.Duration
	sleep func(context.Context, time.Duration) error
}

func (s *slowly) Write(b []byte) (int, error) {
	if err := s.sleep(s.ctx, s.delay); err != nil {
		return 0, err
	}
	return s.w.Write(b)
}

type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) { c.n += int64(len(b)); return len(b), nil }

// cutter lets the first left bytes through and loses the rest.
type cutter struct {
	w    io.Writer
	left int64
}

func (c *cutter) Write(b []byte) (int, error) {
	n := min(int64(len(b)), c.left)
	c.left -= n
	if n > 0 {
		if _, err := c.w.Write(b[:n]); err != nil {
			return 0, err
		}
	}
	if n < int64(len(b)) {
		return int(n), io.ErrShortWrite
	}
	return int(n), nil
}
