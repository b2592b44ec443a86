package liveperson

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func section(c *Client, id, name string) (got []string, found bool, err error) {
	found, err = c.Section(context.Background(), id, name,
		func() { got = nil },
		func(e []byte) error { got = append(got, string(e)); return nil })
	return got, found, err
}

func TestSection(t *testing.T) {
	for name, test := range map[string]struct {
		record string
		want   []string
		found  bool
	}{
		"list":          {`{"x":[1,{"a":2} ,"b"]}`, []string{`1`, `{"a":2}`, `"b"`}, true},
		"object":        {`{"info":{"conversationId":"a"},"y":[0],"x":{"events":[1]}}`, []string{`{"events":[1]}`}, true},
		"empty list":    {`{"x":[]}`, nil, true},
		"null":          {`{"x":null}`, nil, false},
		"absent":        {`{"info":{},"y":{"x":[1]}}`, nil, false},
		"repeated":      {`{"x":[1],"x":[2]}`, []string{"1", "2"}, true},
		"null info":     {`{"info":null,"x":[1]}`, []string{"1"}, true},
		"invalid UTF-8": {"{\"x\":[\"\xff\"]}", []string{"\"\xff\""}, true},
	} {
		f := newFake(t)
		f.on(byIDPath, body(`{"_metadata":{"count":1},"conversationHistoryRecords":[`+test.record+`]}`))
		c, _ := f.client()
		got, found, err := section(c, "a", "x")
		if err != nil || found != test.found || !slices.Equal(got, test.want) {
			t.Errorf("%s: %v %v %v", name, got, found, err)
		}
		if sent := f.asked(byIDPath)[0].body; sent != `{"conversationId":"a","contentToRetrieve":["x"]}` {
			t.Errorf("%s: sent %s", name, sent)
		}
	}
}

func TestSectionInfo(t *testing.T) {
	f := newFake(t)
	f.on(byIDPath, body(twoRecords[:strings.Index(twoRecords, `,{"info":{"conversationId":"b"`)]+"]}"))
	c, _ := f.client()
	got, found, err := section(c, "a", "info")
	if err != nil || !found || !slices.Equal(got, []string{`{"conversationId":"a"}`}) {
		t.Errorf("%v %v %v", got, found, err)
	}
	if sent := f.asked(byIDPath)[0].body; !strings.Contains(sent, `["campaign"]`) {
		t.Errorf("sent %s", sent)
	}
}

// Elements of another conversation must never be taken for this one's.
func TestSectionOfAnotherConversation(t *testing.T) {
	f := newFake(t)
	f.on(byIDPath, body(`{"conversationHistoryRecords":[{"x":[1],"info":{"conversationId":"b"}}]}`))
	c, _ := f.client()
	if _, found, err := section(c, "a", "x"); !errors.Is(err, ErrUnexpected) || found {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestSectionIsRepeated(t *testing.T) {
	const whole = `{"conversationHistoryRecords":[{"x":[1,2,3]}],"_metadata":{"count":1,"shardsStatusResult":{"partialResult":false}}}`
	f := newFake(t)
	f.on(byIDPath, cut(whole, 40), body(strings.Replace(whole, "false", "true", 1)), status(204), body(whole), body(whole))
	c, _ := f.client()
	if got, found, err := section(c, "a", "x"); err != nil || !found || !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("%v %v %v", got, found, err)
	}
}

func TestSectionGone(t *testing.T) {
	f := newFake(t)
	f.on(byIDPath, body(`{"conversationHistoryRecords":[{"x":[1`), status(204), body(emptyPage))
	c, _ := f.client()
	if got, found, err := section(c, "a", "x"); !errors.Is(err, ErrNoRecord) || found || got != nil {
		t.Errorf("%v %v %v", got, found, err)
	}
	if q := f.asked(byIDPath)[0].query; q != "limit=100&offset=0&source=lpexport&v=2" {
		t.Errorf("asked with %s", q)
	}
}

// An answer that leaves the conversation out says nothing of its section.
func TestSectionOfNoConversation(t *testing.T) {
	f := newFake(t)
	f.on(byIDPath, body(`{"_metadata":{"count":1},"conversationHistoryRecords":[]}`))
	c, _ := f.client()
	if _, found, err := section(c, "a", "x"); !errors.Is(err, ErrNoRecord) || found {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestSectionStopsForItsTaker(t *testing.T) {
	f := newFake(t)
	f.on(byIDPath, body(`{"conversationHistoryRecords":[{"x":[1,2]}]}`))
	c, _ := f.client()
	full := errors.New("disk full")
	n := 0
	_, err := c.Section(context.Background(), "a", "x", func() {}, func([]byte) error { n++; return full })
	if err != full || n != 1 || len(f.asked(byIDPath)) != 1 {
		t.Errorf("%v after %d elements, %d requests", err, n, len(f.asked(byIDPath)))
	}
}

// A section far over every limit streams; one element over its limit ends it.
func TestSectionIsNotHeld(t *testing.T) {
	const elements = 1 << 20
	serve := func(r io.Reader) roundTrip {
		return known(func(*http.Request) (*http.Response, error) {
			return answered(io.MultiReader(strings.NewReader(`{"conversationHistoryRecords":[{"x":[`), r, strings.NewReader(`0]}]}`))), nil
		})
	}
	f := newFake(t)
	c, _ := f.client(func(c *Config) {
		c.Transport = serve(&repeated{s: `"0123456789abcdef",`, n: elements})
		c.RecordLimit = 1000
	})
	n := 0
	if _, err := c.Section(context.Background(), "a", "x", func() {}, func([]byte) error { n++; return nil }); err != nil || n != elements+1 {
		t.Errorf("%d elements, %v", n, err)
	}
	c, _ = f.client(func(c *Config) { c.Transport = serve(endless(`{"a":[`, "1,")) })
	_, _, err := section(c, "a", "x")
	if api := mustAPIError(t, err); !errors.Is(err, ErrTooLarge) || api.Temporary() {
		t.Errorf("got %v", err)
	}
}

func TestBodyLimit(t *testing.T) {
	f := newFake(t)
	f.on(searchPath, body(twoRecords))
	c, _ := f.client(func(c *Config) { c.BodyLimit = int64(len(twoRecords)) })
	if err := search(c); err != nil {
		t.Error(err)
	}
	c, clk := f.client(func(c *Config) { c.BodyLimit = int64(len(twoRecords)) - 1 })
	if err := search(c); !errors.Is(err, ErrTooLarge) || len(clk.waited()) != 0 {
		t.Errorf("got %v", err)
	}
}
