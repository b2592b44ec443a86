package liveperson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Sections is contentToRetrieve in full. It is always sent: without it the API
// leaves out about half of them. `info` comes with every answer.
var Sections = []string{
	"campaign", "messageRecords", "agentParticipants", "agentParticipantsLeave",
	"agentParticipantsActive", "consumerParticipants", "transfers", "interactions",
	"messageScores", "messageStatuses", "conversationSurveys", "coBrowseSessions",
	"summary", "sdes", "unAuthSdes", "monitoring", "dialogs", "responseTime",
	"skillChanges", "intents", "uniqueIntents", "latestAgentSurvey",
	"previouslySubmittedAgentSurveys",
}

// smallest is sent where records are only counted. An empty list might be
// taken for an absent one, which is the default of fourteen sections.
var smallest = []string{"campaign"}

// Bounds of one request.
const (
	MaxLimit = 100 // records of a page, and ids of Conversations
	maxID    = 256 // bytes of an id
)

// Range is a period, both ends inclusive. The API reads it in milliseconds,
// widens it outwards to 10-minute borders and refuses more than three months.
type Range struct{ From, To time.Time }

// Query selects conversations.
type Query struct {
	Start         Range // of the conversation; required
	End           *Range
	UpdatedSince  time.Time // latestUpdateTime.from; zero: not sent
	Status        []string  // nil: OPEN and CLOSE
	Skills        []string  // ids of any skill of the flow; nil: not sent
	Sort          string    // "": start:asc
	Offset, Limit int       // Limit 1..MaxLimit
	Content       []string  // nil: Sections; empty: the least there is, for counting
}

// Sink takes the records of one answer. Reset comes before every attempt to
// get it: whatever an earlier attempt gave is void, and so is all of it when
// the call returns an error. An error of the sink ends the call and is
// returned as it is.
type Sink interface {
	Reset()
	// Record is given one element of the answer, normally an object: its bytes
	// as received, valid JSON, valid during the call only.
	Record(raw []byte) error
	// Oversized is told of a record over the record limit. info is its `info`
	// object, nil if there is none or it is over the limit too; nothing else of
	// the record was kept.
	Oversized(info []byte) error
}

// Page is what an answer says besides its records.
type Page struct {
	Count   int       // records that match the filter, -1 when the answer did not say
	Records int       // records in this answer, oversized ones included
	Bytes   int64     // of the body, decompressed
	Date    time.Time // the answer's Date header, zero when absent
}

type millis struct {
	From int64  `json:"from"`
	To   *int64 `json:"to,omitempty"`
}

type searchBody struct {
	Start   *millis  `json:"start,omitempty"`
	End     *millis  `json:"end,omitempty"`
	Updated *millis  `json:"latestUpdateTime,omitempty"`
	Status  []string `json:"status,omitempty"`
	Skills  []string `json:"skillIds,omitempty"`
	ID      string   `json:"conversationId,omitempty"`
	IDs     []string `json:"conversationIds,omitempty"`
	Content []string `json:"contentToRetrieve"`
}

func (r Range) millis() *millis {
	to := r.To.UnixMilli()
	return &millis{From: r.From.UnixMilli(), To: &to}
}

func (r Range) valid() bool { return !r.From.IsZero() && !r.To.Before(r.From) }

// Search asks for one page of the conversations that match q.
func (c *Client) Search(ctx context.Context, q Query, sink Sink) (Page, error) {
	const op = "search conversations"
	switch {
	case !q.Start.valid() || q.End != nil && !q.End.valid():
		return Page{}, errors.New(op + ": a period that ends before it starts")
	case q.Limit < 1 || q.Limit > MaxLimit || q.Offset < 0:
		return Page{}, fmt.Errorf("%s: offset %d, limit %d out of range", op, q.Offset, q.Limit)
	}
	body := searchBody{
		Start:   q.Start.millis(),
		Status:  q.Status,
		Skills:  q.Skills,
		Content: q.Content,
	}
	if q.End != nil {
		body.End = q.End.millis()
	}
	if !q.UpdatedSince.IsZero() {
		body.Updated = &millis{From: q.UpdatedSince.UnixMilli()}
	}
	if len(body.Status) == 0 {
		body.Status = []string{"OPEN", "CLOSE"}
	}
	sort := q.Sort
	if sort == "" {
		sort = "start:asc"
	}
	return c.conversations(ctx, page{
		op: op, path: "/conversations/search", sort: sort,
		offset: q.Offset, limit: q.Limit, body: body,
	}, sink)
}

// Conversations asks for up to MaxLimit conversations by id. Ids that are not
// known are missing from the answer.
func (c *Client) Conversations(ctx context.Context, ids []string, sink Sink) (Page, error) {
	return c.byID(ctx, ids, c.cfg.RecordLimit, sink)
}

// Conversation asks for one conversation, with a record limit of its own.
func (c *Client) Conversation(ctx context.Context, id string, limit int64, sink Sink) (Page, error) {
	return c.byID(ctx, []string{id}, limit, sink)
}

func (c *Client) byID(ctx context.Context, ids []string, limit int64, sink Sink) (Page, error) {
	p, err := idPage(ids, nil)
	if err != nil {
		return Page{}, err
	}
	p.recordLimit = limit
	return c.conversations(ctx, p, sink)
}

// idPage is the request for conversations by id.
func idPage(ids, content []string) (page, error) {
	const op = "get conversations"
	if len(ids) < 1 || len(ids) > MaxLimit {
		return page{}, fmt.Errorf("%s: %d ids, 1 to %d can be asked for", op, len(ids), MaxLimit)
	}
	for _, id := range ids {
		if id == "" || len(id) > maxID || strings.ContainsFunc(id, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }) {
			return page{}, errors.New(op + ": not a conversation id")
		}
	}
	body := searchBody{Content: content}
	if len(ids) == 1 {
		body.ID = ids[0]
	} else {
		body.IDs = ids
	}
	return page{op: op, path: "/conversations/conversation/search", body: body}, nil
}

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
