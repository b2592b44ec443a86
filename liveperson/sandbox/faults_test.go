package sandbox_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// faulty is the small account with faults; token requests are not numbered
// with the others, so the first search is number 1.
func faulty(t *testing.T, faults ...sandbox.Fault) *remote {
	t.Helper()
	settings := small(later)
	settings.Faults = faults
	return connect(t, settings)
}

func body(filter object) string {
	b, _ := json.Marshal(filter)
	return string(b)
}

func TestFaultsThatReplaceTheAnswer(t *testing.T) {
	second := []int{2}
	for name, c := range map[string]struct {
		fault sandbox.Fault
		code  int
		body  string
	}{
		"503":        {sandbox.Fault{Kind: sandbox.Status}, 503, "try again"},
		"429":        {sandbox.Fault{Kind: sandbox.Status, Code: 429, RetryAfter: "7"}, 429, "try again"},
		"401":        {sandbox.Fault{Kind: sandbox.Status, Code: 401}, 401, "try again"},
		"HTML":       {sandbox.Fault{Kind: sandbox.HTML}, 200, "<!DOCTYPE html>"},
		"empty":      {sandbox.Fault{Kind: sandbox.Empty}, 200, ""},
		"no content": {sandbox.Fault{Kind: sandbox.NoContent}, 204, ""},
	} {
		c.fault.Route, c.fault.Nth = sandbox.Search, second
		r := faulty(t, c.fault)
		for i, code := range []int{200, c.code, 200} {
			w := r.do("POST", searchPath+"limit=1", body(everythingSince(epoch)))
			if w.Code != code {
				t.Errorf("%s: answer %d is %d", name, i+1, w.Code)
			}
			if i == 1 && (!strings.HasPrefix(w.Body.String(), c.body) && !strings.Contains(w.Body.String(), c.body) || c.body == "" && w.Body.Len() > 0) {
				t.Errorf("%s: %q", name, w.Body)
			}
			if got := w.Header().Get("Retry-After"); i == 1 && got != c.fault.RetryAfter {
				t.Errorf("%s: Retry-After %q", name, got)
			}
		}
	}
}

func TestCutBody(t *testing.T) {
	r := faulty(t, sandbox.Fault{Kind: sandbox.Cut, Route: sandbox.Search, Nth: []int{2}, Fraction: 0.5})
	whole := r.do("POST", searchPath+"limit=5", body(everythingSince(epoch)))
	cut := r.do("POST", searchPath+"limit=5", body(everythingSince(epoch)))
	if got, want := cut.Body.Len(), whole.Body.Len()/2; got != want || !strings.HasPrefix(whole.Body.String(), cut.Body.String()) {
		t.Errorf("%d bytes came, want %d", got, want)
	}
	if length, _ := strconv.Atoi(cut.Header().Get("Content-Length")); length != whole.Body.Len() {
		t.Errorf("%d bytes were promised", length)
	}
}

func TestSlowBody(t *testing.T) {
	settings := small(later)
	slept := time.Duration(0)
	settings.Sleep = func(_ context.Context, d time.Duration) error { slept += d; return nil }
	settings.Answer = time.Second
	settings.Faults = []sandbox.Fault{{Kind: sandbox.Slow, Route: sandbox.Search, Delay: time.Minute}}
	r := connect(t, settings)
	w := r.do("POST", searchPath+"limit=20", body(everythingSince(epoch)))
	// Two requests, and a minute for each of the answer's pieces.
	if pieces := (slept - 2*time.Second) / time.Minute; w.Code != 200 || pieces < 3 || int(pieces) > w.Body.Len()/(32<<10)+1 {
		t.Errorf("slept %v over %d bytes", slept, w.Body.Len())
	}
}

func TestSkewedClock(t *testing.T) {
	r := faulty(t, sandbox.Fault{Kind: sandbox.Skew, Delay: -2 * time.Hour, Route: sandbox.Search, Nth: []int{2}})
	for _, want := range []time.Time{later, later.Add(-2 * time.Hour)} {
		w := r.do("POST", searchPath+"limit=1", body(everythingSince(epoch)))
		if got, err := http.ParseTime(w.Header().Get("Date")); err != nil || !got.Equal(want) {
			t.Errorf("Date: %v, want %v", got, want)
		}
	}
}

func TestFaultsByTimeAndShare(t *testing.T) {
	r := faulty(t,
		sandbox.Fault{Kind: sandbox.Status, Until: later},
		sandbox.Fault{Kind: sandbox.Status, From: later.Add(time.Second)},
		sandbox.Fault{Kind: sandbox.Status, Code: 500, Route: sandbox.Search, Share: 0.3})
	failed := 0
	for range 200 {
		if w := r.do("POST", searchPath+"limit=0", body(everythingSince(epoch))); w.Code == 500 {
			failed++
		} else if w.Code != 200 {
			t.Fatal(w.Code)
		}
	}
	if failed < 40 || failed > 80 {
		t.Errorf("%d of 200 failed, want about 60", failed)
	}
}

func TestPartialShardsMissRecords(t *testing.T) {
	r := faulty(t, sandbox.Fault{Kind: sandbox.PartialResult, Route: sandbox.Search, Nth: []int{1}})
	partial := r.search("limit=30", everythingSince(epoch))
	if !partial.Metadata.Shards.PartialResult || len(partial.Records) != 20 {
		t.Errorf("%d records, partial %v", len(partial.Records), partial.Metadata.Shards.PartialResult)
	}
	whole := r.search("limit=30", everythingSince(epoch))
	if whole.Metadata.Shards.PartialResult || len(whole.Records) != 30 {
		t.Errorf("%d records, partial %v", len(whole.Records), whole.Metadata.Shards.PartialResult)
	}
}

func TestPartialRecords(t *testing.T) {
	r := faulty(t,
		sandbox.Fault{Kind: sandbox.PartialRecord, Share: 0.5},
		sandbox.Fault{Kind: sandbox.PartialAlways, Numbers: []int{3}})
	messages := func(record object) int { return len(record["messageRecords"].([]any)) }
	isPartial := func(record object) bool { return infoOf(record)["isPartial"] == true }
	cut, whole := 0, 0
	for _, found := range r.search("limit=100&sort=start:asc", everythingSince(epoch)).Records {
		n, _ := r.account.Number(idOf(found))
		byID := r.byID(idOf(found)).Records[0]
		switch {
		case n == 3:
			if messages(found) != 3 || messages(byID) != 3 || !isPartial(found) || !isPartial(byID) {
				t.Errorf("conversation 3 is whole")
			}
		case isPartial(found):
			cut++
			if messages(found) > 3 || isPartial(byID) || messages(byID) < messages(found) {
				t.Errorf("conversation %d: %d messages, %d by id", n, messages(found), messages(byID))
			}
		default:
			whole++
		}
	}
	if cut < 30 || whole < 30 {
		t.Errorf("%d cut, %d whole", cut, whole)
	}
}

func TestUnusableRecords(t *testing.T) {
	r := faulty(t,
		sandbox.Fault{Kind: sandbox.NoID, Numbers: []int{1}},
		sandbox.Fault{Kind: sandbox.NotArray, Numbers: []int{4}})
	noID, notArray := 0, 0
	for _, record := range r.search("limit=100&sort=start:asc", everythingSince(epoch)).Records {
		if infoOf(record)["conversationId"] == nil {
			noID++
		}
		if _, ok := record["messageRecords"].([]any); !ok {
			notArray++
		}
	}
	if noID != 1 || notArray != 1 {
		t.Errorf("%d without id, %d without messages", noID, notArray)
	}
}

func TestShiftingPagesAndCounts(t *testing.T) {
	read := func(faults ...sandbox.Fault) (distinct, total int) {
		r := faulty(t, faults...)
		seen := map[string]bool{}
		for offset := 0; offset < 100; offset += 20 {
			for _, record := range r.search("limit=20&sort=start:asc&offset="+itoa(offset), everythingSince(epoch)).Records {
				seen[idOf(record)] = true
				total++
			}
		}
		return len(seen), total
	}
	if distinct, total := read(); distinct != 100 || total != 100 {
		t.Errorf("without a fault: %d of %d", distinct, total)
	}
	if distinct, total := read(sandbox.Fault{Kind: sandbox.Shift, By: 1, Nth: []int{3}}); distinct >= total {
		t.Error("a record entered, but none came twice")
	}
	r := faulty(t, sandbox.Fault{Kind: sandbox.Shift, By: -1, Nth: []int{2}}, sandbox.Fault{Kind: sandbox.CountOff, By: 1, Nth: []int{3}})
	first := r.search("limit=50&sort=start:asc", everythingSince(epoch))
	second := r.search("limit=50&sort=start:asc&offset=50", everythingSince(epoch))
	if n, _ := r.account.Number(idOf(second.Records[0])); n < 51 || second.Metadata.Count != first.Metadata.Count-1 {
		t.Errorf("a record left, but the next page starts with %d", n)
	}
	if third := r.search("limit=1", everythingSince(epoch)); third.Metadata.Count != first.Metadata.Count+1 {
		t.Errorf("count is %d, not off by one", third.Metadata.Count)
	}
}

func TestObserverAndCounts(t *testing.T) {
	var seen []sandbox.Request
	settings := small(later)
	settings.Observe = func(r sandbox.Request) { seen = append(seen, r) }
	r := connect(t, settings)
	r.search("limit=1", everythingSince(epoch))
	r.search("limit=2", everythingSince(epoch))
	if len(seen) != 3 || seen[0].Route != sandbox.Token || seen[2].Number != 2 || seen[2].URL.Query().Get("limit") != "2" || len(seen[2].Body) == 0 {
		t.Errorf("observed: %+v", seen)
	}
	if counts := r.account.Requests(); counts[sandbox.Search] != 2 || counts[sandbox.Token] != 1 {
		t.Errorf("counts: %v", counts)
	}
}
