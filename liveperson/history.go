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
	op, path, sort string // sort "": not sent
	offset, limit  int
	body           searchBody
	recordLimit    int64 // 0: the client's
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
	query := url.Values{
		"v": {"2"}, "source": {c.cfg.Source},
		"offset": {strconv.Itoa(p.offset)}, "limit": {strconv.Itoa(p.limit)},
	}
	if p.sort != "" {
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

// records asks for p and has record read each record of the answer. An answer
// without the list of records is a failed one, whatever else it says: when the
// documented 204 comes is not published, and an outage answers so too. An empty
// list is an answer.
func (c *Client) records(ctx context.Context, p page, reset func(), record func(*stream) error) (got Page, err error) {
	k, err := c.historyCall(p, func(a *answer) error {
		got = Page{Count: -1, Date: a.date}
		if a.status == http.StatusNoContent || a.body.empty() {
			return ErrNoContent
		}
		e, err := readPage(a.body, record)
		got.Count, got.Records, got.Bytes = e.count, e.records, a.body.body.n
		return err
	})
	if err != nil {
		return Page{}, err
	}
	k.reset = reset
	if err := c.do(ctx, k); err != nil {
		return Page{}, err
	}
	return got, nil
}
