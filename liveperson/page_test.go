package liveperson

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// decode reads a page from r as a client would.
func decode(r io.Reader, limit int64, sink Sink) (envelope, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	s := newStream(&meter{r: r, max: 1 << 40, ctx: ctx, cancel: cancel})
	defer s.close()
	return readPage(s, recordTo(sink, limit))
}

// endless is head, then filler for ever.
func endless(head, filler string) io.Reader {
	return io.MultiReader(strings.NewReader(head), &repeated{s: filler, n: -1})
}

// repeated is s n times; n < 0: without end.
type repeated struct {
	s  string
	n  int64
	at int
}

func (r *repeated) Read(p []byte) (n int, err error) {
	for n < len(p) && r.n != 0 {
		c := copy(p[n:], r.s[r.at:])
		n += c
		if r.at += c; r.at == len(r.s) {
			r.at = 0
			r.n--
		}
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func TestRecordsAreAsReceived(t *testing.T) {
	for name, test := range map[string]struct {
		page string
		want []string
	}{
		"space":          {` { "conversationHistoryRecords" : [ {"a" : 1 } , {} ] } `, []string{`{"a" : 1 }`, `{}`}},
		"metadata last":  {`{"conversationHistoryRecords":[{}],"_metadata":{"count":1}}`, []string{`{}`}},
		"other name":     {`{"_responseMetadata":{"count":1},"conversationHistoryRecords":[{}]}`, []string{`{}`}},
		"unknown parts":  {`{"x":[1,{"conversationHistoryRecords":[7]}],"conversationHistoryRecords":[{}],"y":"z"}`, []string{`{}`}},
		"duplicate keys": {`{"conversationHistoryRecords":[{"a":1,"a":2}]}`, []string{`{"a":1,"a":2}`}},
		"invalid UTF-8":  {"{\"conversationHistoryRecords\":[{\"a\":\"\xff\xc3\"}]}", []string{"{\"a\":\"\xff\xc3\"}"}},
		"lone surrogate": {`{"conversationHistoryRecords":[{"a":"\ud800"}]}`, []string{`{"a":"\ud800"}`}},
		"numbers":        {`{"conversationHistoryRecords":[{"a":1.50,"b":1E400,"c":9223372036854775808123}]}`, []string{`{"a":1.50,"b":1E400,"c":9223372036854775808123}`}},
		"no objects":     {`{"conversationHistoryRecords":[null,1,"a",[2]]}`, []string{`null`, `1`, `"a"`, `[2]`}},
		"twice":          {`{"conversationHistoryRecords":[{"a":1}],"conversationHistoryRecords":[{"a":2}]}`, []string{`{"a":1}`, `{"a":2}`}},
		"none":           {`{"_metadata":{"count":7},"conversationHistoryRecords":[]}`, nil},
	} {
		for how, r := range map[string]io.Reader{
			"at once":      strings.NewReader(test.page),
			"byte by byte": iotest.OneByteReader(strings.NewReader(test.page)),
		} {
			var got kept
			e, err := decode(r, 1<<20, &got)
			if err != nil {
				t.Errorf("%s %s: %v", name, how, err)
			}
			if diff := cmp.Diff(test.want, got.records); diff != "" || e.records != len(test.want) {
				t.Errorf("%s %s: %d records %s", name, how, e.records, diff)
			}
		}
	}
}

func TestNotJSON(t *testing.T) {
	for _, bad := range []string{
		"tru", "01", "1.", `"\q"`, "\"a\nb\"", "\"\x00\"", "{a:1}", `{"a" 1}`, `{"a":1,}`, "[1,]", "[1 2]", "+1", "'a'",
		strings.Repeat("[", 10001) + strings.Repeat("]", 10001),
	} {
		for where, page := range map[string]string{
			"record":  `{"conversationHistoryRecords":[` + bad + `]}`,
			"member":  `{"conversationHistoryRecords":[{"x":` + bad + `}]}`,
			"skipped": `{"x":` + bad + `,"conversationHistoryRecords":[]}`,
		} {
			if _, err := decode(strings.NewReader(page), 1<<20, &kept{}); !errors.Is(err, ErrNotJSON) {
				t.Errorf("%s %.20q: %v", where, bad, err)
			}
		}
	}
}

// An error must not repeat what people wrote.
func TestErrorsQuoteNothing(t *testing.T) {
	page := `{"conversationHistoryRecords":[{"hush-name":"hush-text` + "\n" + `"}]}`
	_, err := decode(strings.NewReader(page), 1<<20, &kept{})
	if err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("got %v", err)
	}
}

// A record over the limit gives its info and nothing else, the others come
// through, wherever the decoder's buffer happens to end.
func TestOversized(t *testing.T) {
	const info = `{"conversationId":"big"}`
	long := `"messageRecords":[` + strings.Repeat(`{"text":"0123456789"},`, 5000) + `{}]`
	for name, test := range map[string]struct{ record, info string }{
		"info first":     {`{"info":` + info + `,` + long + `}`, info},
		"info last":      {`{` + long + `,"info":` + info + `}`, info},
		"info twice":     {`{"info":{},` + long + `,"info":` + info + `}`, info},
		"no info":        {`{` + long + `}`, ""},
		"info too long":  {`{"info":{` + long + `}}`, ""},
		"null info":      {`{"info":null,` + long + `}`, ""},
		"a list":         {`[{` + long + `}]`, ""},
		"a string":       {`"` + strings.Repeat("x", 60000) + `"`, ""},
		"a bit too long": {`{"info":` + info + `,"x":"` + strings.Repeat("x", 1100) + `"}`, info},
	} {
		page := `{"conversationHistoryRecords":[{"n":1},` + test.record + ` , {"n":2}],"_metadata":{"count":3}}`
		for how, r := range map[string]io.Reader{
			"at once":      strings.NewReader(page),
			"byte by byte": iotest.OneByteReader(strings.NewReader(page)),
			"in halves":    iotest.HalfReader(strings.NewReader(page)),
		} {
			var got kept
			e, err := decode(r, 1000, &got)
			if err != nil || e.records != 3 || e.count != 3 {
				t.Errorf("%s %s: %+v %v", name, how, e, err)
			}
			if !slices.Equal(got.records, []string{`{"n":1}`, `{"n":2}`}) || !slices.Equal(got.oversized, []string{test.info}) {
				t.Errorf("%s %s: %.200v", name, how, got)
			}
		}
	}
}

// The limit is exact, whatever the buffers.
func TestRecordLimitIsExact(t *testing.T) {
	for size := 4000; size < 14000; size += 997 {
		record := `{"x":"` + strings.Repeat("y", size-8) + `"}`
		page := `{"conversationHistoryRecords":[{},` + record + `]}`
		for limit, over := range map[int64]int{int64(size): 0, int64(size) - 1: 1} {
			var got kept
			if _, err := decode(strings.NewReader(page), limit, &got); err != nil || len(got.oversized) != over {
				t.Errorf("%d bytes, limit %d: %d oversized, %v", size, limit, len(got.oversized), err)
			}
		}
	}
}

// Memory stays within a few times what may be held, however much comes.
func TestHostileAnswersAreBounded(t *testing.T) {
	const head = `{"conversationHistoryRecords":[{"info":{"conversationId":"big"},"x":`
	for name, test := range map[string]struct {
		r    io.Reader
		want error
	}{
		"endless string": {endless(head+`"`, "x"), ErrTooLarge},
		"endless name":   {endless(`{"`, "x"), ErrTooLarge},
		"endless number": {endless(head, "1"), ErrTooLarge},
		"endless space":  {endless(head, " "), ErrTooLarge},
		"deep":           {endless(head, "["), ErrNotJSON},
		"64 MB record": {io.MultiReader(strings.NewReader(head+"["), &repeated{s: `"0123456789abcdef0123456789abcdef",`, n: 64 << 20 / 35},
			strings.NewReader("0]}]}")), nil},
		"10 MB message": {io.MultiReader(strings.NewReader(head+`"`), &repeated{s: "x", n: 10 << 20}, strings.NewReader(`"}]}`)), nil},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var got kept
		_, err := decode(test.r, 2<<20, &got)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if test.want == nil && (len(got.oversized) != 1 || got.oversized[0] != `{"conversationId":"big"}`) {
			t.Errorf("%s: %v", name, got)
		}
		// All buffers of the doubling together: twice the last, which holds a token.
		most := uint64(5 * tokenLimit)
		if test.want == nil {
			most = 40 << 20
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > most {
			t.Errorf("%s: allocated %d MB", name, n>>20)
		}
	}
}

// Reading many records must not allocate for each.
func TestPageAllocations(t *testing.T) {
	page := generatedPage(100)
	sink := &counting{}
	read := func() {
		if _, err := decode(bytes.NewReader(page), 2<<20, sink); err != nil {
			t.Fatal(err)
		}
	}
	read()
	if n := testing.AllocsPerRun(5, read); n > 50 {
		t.Errorf("%v allocations for 100 records", n)
	}
}

// counting is a Sink that only counts.
type counting struct{ records, bytes int }

func (c *counting) Reset() { *c = counting{} }

func (c *counting) Record(raw []byte) error {
	c.records++
	c.bytes += len(raw)
	return nil
}

func (c *counting) Oversized([]byte) error { return nil }

// generatedPage is a page of n records as large accounts have them: 20
// messages each with status and score, about 21 KB.
func generatedPage(n int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"_metadata":{"count":%d,"shardsStatusResult":{"partialResult":false}},"conversationHistoryRecords":[`, n)
	for i := range n {
		id := fmt.Sprintf("%08d-0000-4000-8000-%012d", i, i)
		fmt.Fprintf(&b, `%s{"info":{"conversationId":"%s","startTime":"2024-05-17 12:00:00.000+0000","startTimeL":1715947200000,"status":"CLOSE"}`, comma(i), id)
		b.WriteString(`,"messageRecords":[`)
		for j := range 20 {
			fmt.Fprintf(&b, `%s{"type":"TEXT_PLAIN","messageData":{"msg":{"text":"my order has not come yet, can you look where it is — thanks %d"}},`+
				`"messageId":"ms::dialog:%s::msg:%d","audience":"ALL","seq":%d,"dialogId":"%s","participantId":"%s","source":"APP","device":"MOBILE",`+
				`"time":"2024-05-17 12:00:00.000+0000","timeL":1715947200000,"sentBy":"Consumer"}`, comma(j), j, id, j, j, id, id)
		}
		b.WriteString(`],"messageStatuses":[`)
		for j := range 20 {
			fmt.Fprintf(&b, `%s{"messageId":"ms::dialog:%s::msg:%d","seq":%d,"dialogId":"%s","time":"2024-05-17 12:00:00.000+0000","timeL":1715947200000,`+
				`"participantId":"%s","participantType":"Agent","messageDeliveryStatus":"READ"}`, comma(j), id, j, j, id, id)
		}
		b.WriteString(`],"messageScores":[`)
		for j := range 20 {
			fmt.Fprintf(&b, `%s{"messageId":"ms::dialog:%s::msg:%d","messageRawScore":-12,"mcs":48,"time":"2024-05-17 12:00:00.000+0000","timeL":1715947200000}`,
				comma(j), id, j)
		}
		b.WriteString(`]}`)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

func BenchmarkPage(b *testing.B) {
	page := generatedPage(100)
	sink := &counting{}
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		sink.Reset()
		if _, err := decode(bytes.NewReader(page), 2<<20, sink); err != nil || sink.records != 100 {
			b.Fatal(sink.records, err)
		}
	}
}

// On valid input the decoder agrees with encoding/json, and what it gives is
// part of the input; on other input it stops with an error.
func FuzzPage(f *testing.F) {
	f.Add([]byte(twoRecords), int64(1000))
	f.Add([]byte(emptyPage), int64(0))
	f.Add([]byte(`{"conversationHistoryRecords":[{"info":{},"a":"\ud800\n"},null, [1.5e3]]}`), int64(10))
	f.Add(generatedPage(1), int64(5000))
	f.Fuzz(func(t *testing.T, page []byte, limit int64) {
		var got kept
		e, err := decode(iotest.HalfReader(bytes.NewReader(page)), limit, &got)
		if err == nil != json.Valid(page) && (err == nil || errors.Is(err, ErrNotJSON) || errors.Is(err, ErrCutBody)) {
			t.Fatalf("%v for JSON that is valid: %v", err, json.Valid(page))
		}
		if err != nil {
			return
		}
		if e.records != len(got.records)+len(got.oversized) {
			t.Errorf("%d records, %d given", e.records, len(got.records)+len(got.oversized))
		}
		for _, r := range got.records {
			if int64(len(r)) > limit || !json.Valid([]byte(r)) || !bytes.Contains(page, []byte(r)) {
				t.Errorf("not a record as received: %q", r)
			}
		}
		if bytes.Count(page, []byte("conversationHistoryRecords")) != 1 {
			return
		}
		var want struct {
			Records []json.RawMessage `json:"conversationHistoryRecords"`
		}
		if json.Unmarshal(page, &want) == nil && len(want.Records) != e.records {
			t.Errorf("%d records, encoding/json finds %d", e.records, len(want.Records))
		}
	})
}
