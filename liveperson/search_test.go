package liveperson

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

const twoRecords = `{"conversationHistoryRecords":[{"info":{"conversationId":"a"},"x":1.50},{"info":{"conversationId":"b"}}],` +
	`"_metadata":{"count":2,"shardsStatusResult":{"partialResult":false}}}`

var theTwo = []string{`{"info":{"conversationId":"a"},"x":1.50}`, `{"info":{"conversationId":"b"}}`}

func TestSearchSends(t *testing.T) {
	f := newFake(t)
	c, _ := f.client(func(c *Config) { c.Rollover = true; c.Source = "lp export" })
	q := Query{
		Start:        Range{time.UnixMilli(1000), time.UnixMilli(2000)},
		End:          &Range{time.UnixMilli(3000), time.UnixMilli(4000)},
		UpdatedSince: time.UnixMilli(5000),
		Skills:       []string{"12"},
		Offset:       300, Limit: 50,
		Content: []string{"dialogs"},
	}
	if _, err := c.Search(context.Background(), q, &kept{}); err != nil {
		t.Fatal(err)
	}
	got := f.asked(searchPath)[0]
	wantBody := `{"start":{"from":1000,"to":2000},"end":{"from":3000,"to":4000},"latestUpdateTime":{"from":5000},` +
		`"status":["OPEN","CLOSE"],"skillIds":["12"],"contentToRetrieve":["dialogs"]}`
	if got.body != wantBody {
		t.Errorf("body %s\nwant %s", got.body, wantBody)
	}
	if want := "limit=50&offset=300&rollover=true&sort=start%3Aasc&source=lp%20export&v=2"; got.query != want {
		t.Errorf("query %s\nwant %s", got.query, want)
	}
	if got.auth != "Bearer t0k.en-1" {
		t.Errorf("authorization %q", got.auth)
	}
}

func TestContentIsAlwaysSent(t *testing.T) {
	f := newFake(t)
	c, _ := f.client()
	for _, test := range []struct {
		content []string
		want    string
	}{
		{nil, `"contentToRetrieve":["` + strings.Join(Sections, `","`) + `"]`},
		{[]string{}, `"contentToRetrieve":["campaign"]`},
	} {
		q := day
		q.Content = test.content
		if _, err := c.Search(context.Background(), q, &kept{}); err != nil {
			t.Fatal(err)
		}
		all := f.asked(searchPath)
		if got := all[len(all)-1].body; !strings.Contains(got, test.want) {
			t.Errorf("body %s lacks %s", got, test.want)
		}
	}
	if len(Sections) != 23 {
		t.Errorf("%d sections, the reference lists 23", len(Sections))
	}
}

func TestSearchAnswer(t *testing.T) {
	f := newFake(t)
	f.on(searchPath, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", "Fri, 17 May 2024 12:00:42 GMT")
		body(twoRecords)(w, r)
	})
	c, _ := f.client()
	var got kept
	p, err := c.Search(context.Background(), day, &got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(theTwo, got.records); diff != "" {
		t.Error(diff)
	}
	want := Page{Count: 2, Records: 2, Bytes: int64(len(twoRecords)), Date: noon.Add(42 * time.Second)}
	if p != want {
		t.Errorf("got %+v, want %+v", p, want)
	}
	if skew, ok := c.ClockSkew(); !ok || skew != 42*time.Second {
		t.Errorf("skew %v %v", skew, ok)
	}
	if c.Requests() != 4 || c.Searches() != 1 { // two look-ups, the login, the search
		t.Errorf("%d requests, %d searches", c.Requests(), c.Searches())
	}
}

func TestSearchRefusesBadQueries(t *testing.T) {
	f := newFake(t)
	c, _ := f.client()
	for name, change := range map[string]func(*Query){
		"no limit":        func(q *Query) { q.Limit = 0 },
		"limit":           func(q *Query) { q.Limit = 101 },
		"offset":          func(q *Query) { q.Offset = -1 },
		"no start":        func(q *Query) { q.Start = Range{} },
		"start backwards": func(q *Query) { q.Start.To = q.Start.From.Add(-1) },
		"end backwards":   func(q *Query) { q.End = &Range{noon, noon.Add(-1)} },
	} {
		q := day
		change(&q)
		if _, err := c.Search(context.Background(), q, &kept{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if n := c.Requests(); n != 0 {
		t.Errorf("%d requests sent", n)
	}
}

func TestConversationsSends(t *testing.T) {
	f := newFake(t)
	c, _ := f.client()
	for ids, want := range map[string]string{
		"a":   `{"conversationId":"a","contentToRetrieve":[`,
		"a b": `{"conversationIds":["a","b"],"contentToRetrieve":[`,

		strings.Repeat("a", 1024): `{"conversationId":"` + strings.Repeat("a", 1024) + `","contentToRetrieve":[`,
		"a\x01b\u202e":            `{"conversationId":"a\u0001b` + "\u202e" + `","contentToRetrieve":[`,
	} {
		if _, err := c.Conversations(context.Background(), strings.Fields(ids), &kept{}); err != nil {
			t.Fatal(err)
		}
		all := f.asked(byIDPath)
		last := all[len(all)-1]
		if !strings.HasPrefix(last.body, want) || last.query != "limit=100&offset=0&source=lpexport&v=2" {
			t.Errorf("%s: sent %s %s", ids, last.query, last.body)
		}
	}
	for name, ids := range map[string][]string{
		"none": {}, "too many": make([]string, 101), "empty": {""},
		"NUL": {"a\x00b"}, "not UTF-8": {"a\xff"}, "long": {strings.Repeat("a", 1025)},
	} {
		if _, err := c.Conversations(context.Background(), ids, &kept{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestConversationHasItsOwnLimit(t *testing.T) {
	f := newFake(t)
	f.on(byIDPath, body(twoRecords))
	c, _ := f.client(func(c *Config) { c.RecordLimit = 35 })
	var got kept
	if _, err := c.Conversations(context.Background(), []string{"a", "b"}, &got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.records, theTwo[1:]) || !slices.Equal(got.oversized, []string{`{"conversationId":"a"}`}) {
		t.Errorf("got %+v", got)
	}
	if _, err := c.Conversation(context.Background(), "a", 40, &got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.records, theTwo) {
		t.Errorf("got %+v", got)
	}
}

// What is wrong with a 200 is asked for again, with a Reset in between.
func TestBadAnswersAreRepeated(t *testing.T) {
	for name, test := range map[string]struct {
		bad  http.HandlerFunc
		want error
	}{
		"partial":        {body(strings.Replace(twoRecords, "false", "true", 1)), ErrPartialResult},
		"partial, text":  {body(strings.Replace(twoRecords, "false", `"true"`, 1)), ErrPartialResult},
		"failed shards":  {body(strings.Replace(twoRecords, "false", `false,"failureShards":1`, 1)), ErrPartialResult},
		"html":           {body("<html>busy</html>"), ErrNotJSON},
		"cut":            {cut(twoRecords, 60), ErrCutBody},
		"short":          {body(twoRecords[:60]), ErrCutBody},
		"more":           {body(twoRecords + "{}"), ErrNotJSON},
		"error object":   {body(`{"error":"busy"}`), ErrUnexpected},
		"array":          {body(`[]`), ErrUnexpected},
		"records object": {body(`{"conversationHistoryRecords":{}}`), ErrUnexpected},
		"records gone":   {body(`{"_metadata":{"count":3}}`), ErrUnexpected},
		"no answer":      {hangUp, nil},
		"500":            {status(500), nil},
		"429":            {status(429), nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.on(searchPath, test.bad, test.bad, test.bad, body(twoRecords))
			c, clk := f.client()
			var got kept
			if _, err := c.Search(context.Background(), day, &got); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.records, theTwo) || got.resets != 4 || len(clk.waited()) != 3 {
				t.Errorf("got %+v after %v", got, clk.waited())
			}

			f = newFake(t)
			f.on(searchPath, test.bad)
			c, _ = f.client()
			_, err := c.Search(context.Background(), day, &got)
			api := mustAPIError(t, err)
			if !api.Temporary() || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("got %v, temporary %v", err, api.Temporary())
			}
			if n := len(f.asked(searchPath)); n < 4 {
				t.Errorf("%d attempts", n)
			}
		})
	}
}

// A page that is cut anywhere is repeated and no record comes twice.
func TestCutAtEveryByte(t *testing.T) {
	for n := range twoRecords {
		f := newFake(t)
		f.on(searchPath, cut(twoRecords, n), body(twoRecords))
		c, _ := f.client()
		var got kept
		if _, err := c.Search(context.Background(), day, &got); err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if !slices.Equal(got.records, theTwo) || got.resets != 2 {
			t.Errorf("cut at %d: %+v", n, got)
		}
		f.Close()
	}
}

// An answer without the list of records is a failed one, whatever else it says. An
// empty list is an answer.
func TestAnswerWithoutRecords(t *testing.T) {
	for name, test := range map[string]struct {
		bad  http.HandlerFunc
		want error
	}{
		"204":                {status(204), ErrNoContent},
		"empty 200":          {status(200), ErrNoContent},
		"blank 200":          {body(" \n"), ErrCutBody},
		"no list":            {body(`{"_metadata":{"count":0}}`), ErrUnexpected},
		"no list, no count":  {body(`{}`), ErrUnexpected},
		"null":               {body(`{"_metadata":{"count":0},"conversationHistoryRecords":null}`), ErrUnexpected},
		"null, some counted": {body(`{"_metadata":{"count":3},"conversationHistoryRecords":null}`), ErrUnexpected},
	} {
		for _, offset := range []int{0, 200} {
			f := newFake(t)
			f.on(searchPath, test.bad)
			c, clk := f.client()
			q := day
			q.Offset = offset
			_, err := c.Search(context.Background(), q, &kept{})
			if api := mustAPIError(t, err); !errors.Is(err, test.want) || !api.Temporary() {
				t.Errorf("%s at %d: %v", name, offset, err)
			}
			if got := clk.waited(); !slices.Equal(got, seconds(1, 5, 10, 15)) {
				t.Errorf("%s at %d: waited %v", name, offset, got)
			}
			f.on(byIDPath, test.bad, test.bad, body(emptyPage))
			c, _ = f.client()
			if p, err := c.Conversations(context.Background(), []string{"a"}, &kept{}); err != nil || p.Records != 0 || p.Count != 0 {
				t.Errorf("%s by id: %+v, %v", name, p, err)
			}
		}
	}
	f := newFake(t)
	c, _ := f.client()
	for _, empty := range []string{emptyPage, `{"conversationHistoryRecords":[]}`} {
		f.on(searchPath, body(empty))
		if p, err := c.Search(context.Background(), day, &kept{}); err != nil || p.Records != 0 || p.Count > 0 {
			t.Errorf("%s: %+v, %v", empty, p, err)
		}
	}
	if n := len(f.asked(searchPath)); n != 2 {
		t.Errorf("%d requests for two empty lists", n)
	}
}

// An error of the sink is the caller's: it is not repeated and not renamed.
func TestSinkError(t *testing.T) {
	f := newFake(t)
	f.on(searchPath, body(twoRecords))
	c, clk := f.client()
	var full error = &APIError{Op: "disk full", Status: 503} // even if it looks like ours
	got := kept{fail: full}
	if _, err := c.Search(context.Background(), day, &got); err != full {
		t.Errorf("got %v", err)
	}
	if len(f.asked(searchPath)) != 1 || len(clk.waited()) != 0 {
		t.Error("repeated")
	}
}

func TestOfficialSamples(t *testing.T) {
	files, _ := filepath.Glob("../../shared/samples/messaging-interactions-conversation*.json")
	if len(files) == 0 {
		t.Skip("the official samples are not here")
	}
	for _, file := range files {
		page, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f := newFake(t)
		f.on(searchPath, body(string(page)))
		c, _ := f.client()
		var got kept
		p, err := c.Search(context.Background(), day, &got)
		if err != nil || p.Count != 1 || len(got.records) != 1 {
			t.Fatalf("%s: %+v, %d records, %v", file, p, len(got.records), err)
		}
		if !strings.Contains(string(page), got.records[0]) || !jsontext.Value(got.records[0]).IsValid() {
			t.Errorf("%s: the record is not as received", file)
		}
	}
}

func TestRequestsAreURLSafe(t *testing.T) {
	f := newFake(t)
	c, _ := f.client(func(c *Config) { c.Source = "a&b=c/ü#?" })
	if _, err := c.Search(context.Background(), day, &kept{}); err != nil {
		t.Fatal(err)
	}
	q, err := url.ParseQuery(f.asked(searchPath)[0].query)
	if err != nil || q.Get("source") != "a&b=c/ü#?" || len(q) != 5 {
		t.Errorf("got %v, %v", q, err)
	}
}
