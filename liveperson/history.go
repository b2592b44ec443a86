package liveperson

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// page is one request of the history API.
type page struct {
	op, path, sort string
	offset, limit  int // limit 0: the method is not paged
	body           searchBody
	recordLimit    int64 // 0: the client's
	count          bool  // only a 204 is an answer without content, not an empty 200
}

// counting is the request that tells how much there is for p.
func (p page) counting() page {
	p.op, p.offset, p.limit = p.op+" (count)", 0, min(p.limit, 1)
	p.body.Content, p.count = smallest, true
	return p
}

// historyCall builds the request; read takes its answer.
func (c *Client) historyCall(p page, read func(*answer) error) (*call, error) {
	switch {
	case p.body.Content == nil:
		p.body.Content = Sections
	case len(p.body.Content) == 0:
		p.body.Content = smallest
	}
	body, err := json.Marshal(p.body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.op, err)
	}
	// v=2 is the only version with unauthenticated attributes and typed values.
	query := url.Values{"v": {"2"}, "source": {c.cfg.Source}}
	if p.limit > 0 {
		query.Set("offset", strconv.Itoa(p.offset))
		query.Set("limit", strconv.Itoa(p.limit))
		query.Set("sort", p.sort)
	}
	if c.cfg.Rollover {
		query.Set("rollover", "true")
	}
	return &call{
		op: p.op, service: serviceHistory, method: http.MethodPost,
		path:        "/messaging_history/api/account/" + c.cfg.Account + p.path,
		query:       query,
		body:        body,
		contentType: "application/json",
		search:      true,
		refusals:    []int{http.StatusUnauthorized, http.StatusForbidden},
		hint:        c.login.hint(readHistory),
		read:        read,
	}, nil
}

// conversations asks for p and gives its records to sink.
func (c *Client) conversations(ctx context.Context, p page, sink Sink) (Page, error) {
	limit := p.recordLimit
	if limit <= 0 {
		limit = c.cfg.RecordLimit
	}
	return c.records(ctx, p, sink.Reset, recordTo(sink, limit))
}

// trust is how many times in a row a page and its count must both be 204
// before that is taken for "nothing".
const trust = 3

// records asks for p and has record read each record of the answer. An answer
// without content counts only when a count request agrees that there is
// nothing to see: the status is documented, when it comes is not.
func (c *Client) records(ctx context.Context, p page, reset func(), record func(*stream) error) (Page, error) {
	silent := 0
	for failed := 1; ; failed++ {
		got, empty, err := c.ask(ctx, p, reset, record)
		if err != nil || !empty {
			return got, err
		}
		counted, none, err := c.ask(ctx, p.counting(), func() {}, (*stream).skip)
		if err != nil {
			return Page{}, err
		}
		silent++
		if !none {
			silent = 0
		}
		switch {
		case silent == trust:
			got.Count = 0
			return got, nil
		case !none && counted.Count >= 0 && counted.Count <= p.offset:
			got.Count = counted.Count
			return got, nil
		}
		fault := &APIError{Op: p.op, Status: http.StatusNoContent, Err: ErrNoContent}
		wait, again := c.retries.after(fault, failed, c.cfg.Jitter())
		if !again {
			return Page{}, fault
		}
		if err := c.cfg.Wait(ctx, wait); err != nil {
			return Page{}, fmt.Errorf("%s: %w", p.op, err)
		}
	}
}

// ask sends p; empty tells that the answer had no content.
func (c *Client) ask(ctx context.Context, p page, reset func(), record func(*stream) error) (got Page, empty bool, err error) {
	k, err := c.historyCall(p, func(a *answer) error {
		got = Page{Count: -1, Date: a.date}
		empty = a.status == http.StatusNoContent || !p.count && a.body.empty()
		if empty {
			return nil
		}
		e, err := readPage(a.body, record)
		got.Count, got.Records, got.Bytes = e.count, e.records, a.body.body.n
		return err
	})
	if err != nil {
		return Page{}, false, err
	}
	k.reset = reset
	if err := c.do(ctx, k); err != nil {
		return Page{}, false, err
	}
	return got, empty, nil
}
