package liveperson

import (
	"context"
	"errors"
	"fmt"
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
	MaxLimit = 100  // records of a page, and ids of Conversations
	maxID    = 1024 // bytes of an id: as many as a name in a manifest may have
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

// Conversation asks for one conversation, with a record limit of its own; 0 is
// the client's.
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

// UsableID reports whether a conversation can be asked for by id, and told from
// all others: not empty, of at most 1024 bytes, and text that was received whole.
// PostgreSQL holds no NUL.
func UsableID(id string) bool {
	return id != "" && len(id) <= maxID && !strings.ContainsFunc(id, func(r rune) bool {
		return r == 0 || r == unicode.ReplacementChar
	})
}

// idPage is the request for conversations by id.
func idPage(ids, content []string) (page, error) {
	const op = "get conversations"
	if len(ids) < 1 || len(ids) > MaxLimit {
		return page{}, fmt.Errorf("%s: %d ids, 1 to %d can be asked for", op, len(ids), MaxLimit)
	}
	for _, id := range ids {
		if !UsableID(id) {
			return page{}, errors.New(op + ": not a conversation id")
		}
	}
	body := searchBody{Content: content}
	if len(ids) == 1 {
		body.ID = ids[0]
	} else {
		body.IDs = ids
	}
	// Without a limit the API's other methods answer 50 records at most.
	return page{op: op, path: "/conversations/conversation/search", limit: MaxLimit, body: body}, nil
}
