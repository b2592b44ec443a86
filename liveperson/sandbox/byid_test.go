package sandbox_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

func TestByIDGivesWhatSearchWithholds(t *testing.T) {
	r := connect(t, small(later))
	previews := 0
	for _, found := range r.search("limit=100&sort=start:asc", everythingSince(epoch)).Records {
		whole := r.byID(idOf(found)).Records[0]
		if s, w := len(sdes(found)), len(sdes(whole)); w != s+1 {
			t.Fatalf("%d attributes by id, %d in search", w, s)
		}
		if strings.Contains(fmt.Sprint(found["messageRecords"]), "preview") {
			t.Fatal("a preview in a search")
		}
		previews += strings.Count(fmt.Sprint(whole["messageRecords"]), "preview")
	}
	if previews == 0 {
		t.Error("no preview by id")
	}
}

func sdes(record object) []any { return record["sdes"].(object)["events"].([]any) }

func TestAttributesComeTwoHoursLate(t *testing.T) {
	clock := later
	settings := small(later)
	settings.Now = func() time.Time { return clock }
	r := connect(t, settings)
	var newest string
	for c := range r.account.Truth(later) {
		newest = c.ID
	}
	before := len(sdes(r.byID(newest).Records[0]))
	clock = clock.Add(2 * time.Hour)
	settings.TokenLife = 0
	r.token = connect(t, settings).token
	if after := len(sdes(r.byID(newest).Records[0])); after != before+1 {
		t.Errorf("%d attributes at once, %d two hours later", before, after)
	}
}

func TestByIDLeavesUnknownOut(t *testing.T) {
	r := connect(t, small(later))
	known := r.account.ID(5)
	future := r.account.ID(299)
	foreign := sandbox.New(sandbox.Settings{Seed: 8}).ID(5)
	got := r.byID(known, "00000000-0000-4000-8000-000000000000", future, foreign, "not an id", known)
	if len(got.Records) != 1 || idOf(got.Records[0]) != known || got.Metadata.Count != 1 {
		t.Errorf("%d records", len(got.Records))
	}
	if n, ok := r.account.Number(known); n != 5 || !ok {
		t.Errorf("id of 5 leads to %d", n)
	}
}

func TestByIDLimits(t *testing.T) {
	r := connect(t, small(later))
	path := strings.Replace(searchPath, "/search", "/conversation/search", 1)
	ids := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = `"` + r.account.ID(i) + `"`
		}
		return `{"conversationIds":[` + strings.Join(list, ",") + `]}`
	}
	for name, c := range map[string]struct {
		target, body string
		code         int
	}{
		"one":       {path, `{"conversationId":"` + r.account.ID(1) + `"}`, 200},
		"hundred":   {path, ids(100), 200},
		"too many":  {path, ids(101), 400},
		"none":      {path, `{}`, 400},
		"no source": {strings.Replace(path, "source=test&", "", 1), ids(1), 400},
		"not JSON":  {path, `[`, 400},
	} {
		if w := r.do("POST", c.target, c.body); w.Code != c.code {
			t.Errorf("%s: %d, want %d", name, w.Code, c.code)
		}
	}
	// A page at a time, as in a search.
	for paging, want := range map[string][2]int{ // the first, and how many
		"": {0, 50}, "&limit=100": {0, 100}, "&offset=0&limit=100": {0, 100}, "&offset=50": {50, 50}, "&offset=90&limit=100": {90, 10}, "&offset=200": {0, 0},
	} {
		page := r.parse(r.do("POST", path+paging, ids(100)))
		if len(page.Records) != want[1] || page.Metadata.Count != 100 || want[1] > 0 && idOf(page.Records[0]) != r.account.ID(want[0]) {
			t.Errorf("%q: %d records, count %d", paging, len(page.Records), page.Metadata.Count)
		}
	}
	if w := r.do("POST", path+"&limit=101", ids(2)); w.Code != 400 {
		t.Errorf("limit 101: %d", w.Code)
	}
}

// TestOddities looks for everything that real records have been seen with.
func TestOddities(t *testing.T) {
	r := connect(t, small(later.Add(36*time.Hour)))
	seen := map[string]int{}
	for _, record := range r.all(everythingSince(epoch)) {
		for _, name := range []string{"consumerParticipant", "messageScore", "unAuthSdes", "dialogs"} {
			if record[name] != nil {
				seen[name]++
			}
		}
		var last int64
		for _, e := range record["messageRecords"].([]any) {
			m := e.(object)
			seen[m["type"].(string)]++
			seen[fmt.Sprintf("seq %T", m["seq"])]++
			seen[fmt.Sprint("by ", m["sentBy"])]++
			seen[fmt.Sprint("audience ", m["audience"])]++
			if m["audience"] == "AGENTS_AND_MANAGERS" {
				seen[fmt.Sprint("private by manager: ", m["participantId"] == sandbox.AgentID(13))]++
			}
			if m["dialogId"] == "undefined" {
				seen["undefined dialog"]++
			}
			if m["messageData"].(object)["quickReplies"] != nil && m["type"] == "TEXT_PLAIN" {
				seen["quick replies"]++
			}
			if !strings.Contains(m["messageId"].(string), fmt.Sprint(m["dialogId"])) && record["dialogs"] != nil {
				seen["foreign messageId"]++
			}
			at := millis(t, m["timeL"])
			if text, _ := time.Parse("2006-01-02 15:04:05.000-0700", m["time"].(string)); text.UnixMilli() != at {
				seen["text and epoch disagree"]++
			}
			if at < last {
				seen["out of order"]++
			}
			last = at
		}
		for _, e := range record["agentParticipants"].([]any) {
			seen[fmt.Sprint("user type ", e.(object)["userType"])]++
			seen[fmt.Sprint("role ", e.(object)["role"])]++
		}
		dialogs, _ := record["dialogs"].([]any)
		for _, e := range dialogs {
			seen[fmt.Sprint("dialog ", e.(object)["dialogType"])]++
		}
	}
	for _, want := range []string{
		"consumerParticipant", "messageScore", "unAuthSdes", "dialogs", "TEXT_PLAIN", "TEXT_HTML", "RICH_CONTENT", "HOSTED_FILE", "LINK",
		"SECURE_FORM_INVITATION", "SECURE_FORM_SUBMIT", "VOICE_NOTE", "seq json.Number", "seq string", "seq <nil>", "by Consumer",
		"by Agent", "by System", "audience ALL", "audience AGENTS_AND_MANAGERS", "audience <nil>", "undefined dialog", "quick replies",
		"foreign messageId", "text and epoch disagree", "out of order", "user type 0", "user type 1", "user type 2", "user type <nil>",
		"role AGENT_MANAGER", "private by manager: true", "private by manager: false", "dialog MAIN", "dialog POST_SURVEY",
	} {
		if seen[want] == 0 {
			t.Errorf("no %s in the whole account", want)
		}
	}
}

func TestSequencesHaveGapsAndDialogsTheirOwn(t *testing.T) {
	account := sandbox.New(small(later))
	gaps, second := 0, 0
	for c := range account.Truth(later) {
		last := map[string]int64{}
		for _, m := range c.Messages {
			before, known := last[m.Dialog]
			if known && m.Sequence <= before {
				t.Fatalf("conversation %d: sequence %d after %d in one dialog", c.Number, m.Sequence, before)
			}
			if known && m.Sequence > before+1 {
				gaps++
			}
			if !known && m.Dialog != c.ID {
				second++
			}
			last[m.Dialog] = m.Sequence
		}
	}
	if gaps == 0 || second == 0 {
		t.Errorf("%d gaps, %d further dialogs", gaps, second)
	}
}

func TestHugeStreams(t *testing.T) {
	settings := brand(3)
	settings.Huge = 200_000
	r := connect(t, settings)
	w := &counting{ResponseRecorder: httptest.NewRecorder()}
	path := strings.Replace(searchPath, "/search", "/conversation/search", 1)
	r.account.ServeHTTP(w, r.request("POST", path, `{"conversationId":"`+r.account.ID(0)+`"}`))
	if w.total < 150<<20 || w.largest > 1<<20 {
		t.Errorf("%d MB in writes of at most %d KB", w.total>>20, w.largest>>10)
	}
}

// counting counts what is written and keeps nothing.
type counting struct {
	*httptest.ResponseRecorder
	total, largest int
}

func (c *counting) Write(b []byte) (int, error) {
	c.total += len(b)
	c.largest = max(c.largest, len(b))
	return len(b), nil
}

func TestHostileTextsArrive(t *testing.T) {
	settings := small(later)
	settings.Hostile = true
	account := sandbox.New(settings)
	var texts []string
	longest := 0
	for c := range account.Truth(later) {
		for _, m := range c.Messages {
			texts = append(texts, m.Text)
			longest = max(longest, len(m.Text))
		}
	}
	for _, want := range []string{"nul\x00inside", "lone \ufffd high", "line\r\nBcc: everyone@example.net\r\n\r\nbody", "\x1b[31mred\x1b[0m \a\b\x7f", "=?utf-8?q?=00?="} {
		if !slices.Contains(texts, want) {
			t.Errorf("%q is never said", want)
		}
	}
	if longest < 1<<20-1<<10 {
		t.Errorf("the longest text has %d bytes", longest)
	}
}
