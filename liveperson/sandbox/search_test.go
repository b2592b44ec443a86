package sandbox_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func infoOf(record object) object { return record["info"].(object) }

func idOf(record object) string { return infoOf(record)["conversationId"].(string) }

func millis(t testing.TB, v any) int64 {
	t.Helper()
	n, err := v.(json.Number).Int64()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// later is a moment in the middle of the small account's life.
var later = epoch.Add(3*day + 7*time.Minute)

func TestSearchRefuses(t *testing.T) {
	r := connect(t, small(later))
	good := `{"start":{"from":` + itoa(int(epoch.UnixMilli())) + `,"to":-1}}`
	for name, c := range map[string]struct {
		target, body string
		code         int
	}{
		"fine":           {searchPath, good, 200},
		"no source":      {strings.Replace(searchPath, "source=test&", "", 1), good, 400},
		"long source":    {searchPath + "source=x", good, 200},
		"source of 21":   {strings.Replace(searchPath, "test", "123456789012345678901", 1), good, 400},
		"limit 101":      {searchPath + "limit=101", good, 400},
		"negative":       {searchPath + "offset=-1", good, 400},
		"v=3":            {strings.Replace(searchPath, "v=2", "v=3", 1), good, 400},
		"sort by update": {searchPath + "sort=latestUpdateTime:asc", good, 400},
		"no start":       {searchPath, `{"status":["OPEN"]}`, 400},
		"not JSON":       {searchPath, `{`, 400},
		"91 days":        {searchPath, `{"start":{"from":1700000000000,"to":` + itoa(1700000000000+91*86400000) + `}}`, 400},
		"90 days quoted": {searchPath, `{"start":{"from":"1700000000000","to":"` + itoa(1700000000000+90*86400000) + `"}}`, 200},
		"open for years": {searchPath, `{"start":{"from":1600000000000,"to":-1}}`, 400},
		"end too long":   {searchPath, `{"start":{"from":` + itoa(int(epoch.UnixMilli())) + `},"end":{"from":1700000000000,"to":` + itoa(1700000000000+91*86400000) + `}}`, 400},
		"bad section":    {searchPath, `{"start":{"from":` + itoa(int(epoch.UnixMilli())) + `},"contentToRetrieve":["mesageRecords"]}`, 400},
		"deep":           {searchPath + "limit=100&offset=9901", good, 500},
		"absurdly deep":  {searchPath + "limit=100&offset=9223372036854775807", good, 500},
		"not so deep":    {searchPath + "limit=100&offset=9900", good, 200},
	} {
		if w := r.do("POST", c.target, c.body); w.Code != c.code {
			t.Errorf("%s: %d, want %d: %s", name, w.Code, c.code, w.Body)
		}
	}
	if w := r.do("POST", searchPath+"limit=100&offset=9901", good); !strings.Contains(w.Body.String(), "0007") {
		t.Error("the result window is not refused with internal code 0007")
	}
	if w := r.do("GET", searchPath, good); w.Code != 405 {
		t.Errorf("GET: %d", w.Code)
	}
}

func TestStartIsRoundedOutwards(t *testing.T) {
	r := connect(t, small(later))
	from, to := epoch.Add(26*time.Hour+9*time.Minute+59*time.Second), epoch.Add(50*time.Hour+time.Second)
	outer := [2]int64{epoch.Add(26 * time.Hour).UnixMilli(), epoch.Add(50*time.Hour + 10*time.Minute).UnixMilli()}
	want := 0
	between := 0
	for c := range r.account.Truth(later) {
		if c.StartedAt >= outer[0] && c.StartedAt <= outer[1] {
			want++
			if c.StartedAt < from.UnixMilli() || c.StartedAt > to.UnixMilli() {
				between++
			}
		}
	}
	got := r.search("limit=100", object{"start": object{"from": from.UnixMilli(), "to": to.UnixMilli()}})
	if got.Metadata.Count != want || between == 0 {
		t.Errorf("%d match, want %d, %d of them by rounding", got.Metadata.Count, want, between)
	}
}

func TestFilters(t *testing.T) {
	r := connect(t, small(later))
	whole := everythingSince(epoch)
	records := r.all(whole)
	with := func(key string, value any) answer {
		filter := object{"start": since(epoch), "status": []string{"OPEN", "CLOSE"}, "contentToRetrieve": everything}
		filter[key] = value
		return r.search("limit=100", filter)
	}
	count := func(matches func(object) bool) (n int) {
		for _, record := range records {
			if matches(record) {
				n++
			}
		}
		return n
	}
	open := func(record object) bool { return infoOf(record)["status"] == "OPEN" }
	ended := func(record object) int64 { return millis(t, infoOf(record)["endTimeL"]) }
	edge := epoch.Add(40 * time.Hour).UnixMilli()
	skill := "3100000112"
	for name, c := range map[string]struct{ got, want int }{
		"open":   {with("status", []string{"OPEN"}).Metadata.Count, count(open)},
		"closed": {with("status", []string{"CLOSE"}).Metadata.Count, count(func(r object) bool { return !open(r) })},
		"ended": {with("end", object{"from": edge, "to": -1}).Metadata.Count, count(func(r object) bool {
			return ended(r) >= edge
		})},
		"ended by": {with("end", object{"from": epoch.UnixMilli(), "to": edge}).Metadata.Count, count(func(r object) bool {
			return !open(r) && ended(r) <= edge
		})},
		"ended fully by": {with("fullDialogEndTime", object{"from": epoch.UnixMilli(), "to": edge}).Metadata.Count, count(func(r object) bool {
			full := infoOf(r)["fullDialogEndTimeL"]
			if full == nil {
				full = infoOf(r)["endTimeL"]
			}
			return millis(t, full) > 0 && millis(t, full) <= edge
		})},
		"latest skill": {with("latestSkillIds", []any{skill}).Metadata.Count, count(func(r object) bool {
			return fmt.Sprint(infoOf(r)["latestSkillId"]) == skill
		})},
		"any skill": {with("skillIds", []any{json.Number(skill)}).Metadata.Count, count(func(r object) bool { return anySkill(r, skill) })},
		"all":       {with("skillIds", nil).Metadata.Count, len(records)},
	} {
		if c.got != c.want || c.want == 0 {
			t.Errorf("%s: %d match, want %d of %d", name, c.got, c.want, len(records))
		}
	}
}

func anySkill(record object, skill string) bool {
	found := fmt.Sprint(infoOf(record)["latestSkillId"]) == skill
	for _, e := range record["transfers"].([]any) {
		found = found || e.(object)["sourceSkillId"] == json.Number(skill) || e.(object)["targetSkillId"] == json.Number(skill)
	}
	return found
}

func TestOnlyMessagesMoveTheUpdateTime(t *testing.T) {
	settings := small(later)
	r := connect(t, settings)
	updated := func(id string, from time.Time) bool {
		filter := object{"start": since(epoch), "contentToRetrieve": []string{}}
		filter["latestUpdateTime"] = object{"from": from.UnixMilli()}
		for _, record := range r.all(filter) {
			if idOf(record) == id {
				return true
			}
		}
		return false
	}
	quiet := map[string]bool{}
	for c := range r.account.Truth(later) {
		if len(c.Messages) == 0 {
			continue
		}
		last := c.Messages[len(c.Messages)-1].SentAt
		slot := last - last%600_000
		for _, h := range c.Happened {
			if h.Seen >= slot+600_000 {
				quiet[h.Kind] = true
				if updated(c.ID, time.UnixMilli(slot+600_000)) {
					t.Fatalf("conversation %d: %s moved the update time", c.Number, h.Kind)
				}
			}
		}
		if !updated(c.ID, time.UnixMilli(slot+599_999)) {
			t.Fatalf("conversation %d is not found by its last message's ten minutes", c.Number)
		}
		if len(quiet) == 3 && c.Number > 20 {
			break
		}
	}
	if !quiet["closed"] || !quiet["survey"] || !quiet["summary"] {
		t.Errorf("only %v came without a message", quiet)
	}
}

func TestSortAndTies(t *testing.T) {
	r := connect(t, small(later))
	for sort, field := range map[string]string{"start": "startTimeL", "end": "endTimeL"} {
		filter := everythingSince(epoch)
		filter["status"] = []string{"CLOSE"}
		up := r.search("limit=100&sort="+sort+":asc", filter)
		down := r.search("limit=100&sort="+sort+":desc", filter)
		for i := 1; i < 100; i++ {
			if millis(t, infoOf(up.Records[i])[field]) < millis(t, infoOf(up.Records[i-1])[field]) {
				t.Fatalf("%s:asc is out of order at %d", sort, i)
			}
			if millis(t, infoOf(down.Records[i])[field]) > millis(t, infoOf(down.Records[i-1])[field]) {
				t.Fatalf("%s:desc is out of order at %d", sort, i)
			}
		}
	}
	ties := map[int64][]string{}
	for _, record := range r.all(everythingSince(epoch)) {
		start := millis(t, infoOf(record)["startTimeL"])
		ties[start] = append(ties[start], idOf(record))
	}
	byNumber, against := 0, 0
	for _, ids := range ties {
		if len(ids) == 2 {
			first, _ := r.account.Number(ids[0])
			second, _ := r.account.Number(ids[1])
			if first < second {
				byNumber++
			} else {
				against++
			}
		}
	}
	if byNumber == 0 || against == 0 {
		t.Errorf("ties: %d in order, %d against it: the order means something", byNumber, against)
	}
}
