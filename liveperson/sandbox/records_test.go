package sandbox_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestSectionsAndVersions(t *testing.T) {
	r := connect(t, small(later))
	one := func(v string, content any) object {
		filter := object{"start": since(epoch)}
		if content != nil {
			filter["contentToRetrieve"] = content
		}
		body, _ := json.Marshal(filter)
		target := strings.Replace(searchPath, "v=2", "v="+v, 1) + "limit=1&sort=start:asc"
		return r.parse(r.do("POST", target, string(body))).Records[0]
	}
	byDefault := one("2", nil)
	if len(byDefault) != 15 || byDefault["sdes"] == nil || byDefault["dialogs"] != nil {
		t.Errorf("by default there are %d sections, want info and fourteen", len(byDefault))
	}
	if got := one("2", []string{"dialogs"}); len(got) != 2 || got["dialogs"] == nil {
		t.Errorf("asked for dialogs only: %d sections", len(got))
	}
	if got := one("1", everything); len(got) != 23 || got["unAuthSdes"] != nil {
		t.Error("v=1 gives unauthenticated attributes")
	}
	if got := one("2", everything); len(got) != 24 || got["unAuthSdes"] == nil {
		t.Error("v=2 lacks unauthenticated attributes")
	}
	balance := func(record object) any {
		events := record["sdes"].(object)["events"].([]any)
		customer := events[len(events)-1].(object)["customerInfo"].(object)["customerInfo"].(object)
		return customer["balance"]
	}
	if got := balance(one("1", nil)); got != "-40.5" {
		t.Errorf("v=1 balance: %v", got)
	}
	if got := balance(one("2", nil)); got != json.Number("-40.5") {
		t.Errorf("v=2 balance: %v", got)
	}
}

func TestMetadataHasDecoys(t *testing.T) {
	r := connect(t, small(later))
	body, _ := json.Marshal(everythingSince(epoch))
	var got struct {
		Metadata struct {
			Count      int
			Self, Next struct{ Rel, Href string }
			Shards     map[string]bool `json:"shardsStatusResult"`
		} `json:"_metadata"`
	}
	w := r.do("POST", searchPath+"limit=10", string(body))
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	m := got.Metadata
	if m.Count < 100 || m.Next.Rel != "next" || !strings.HasPrefix(m.Next.Href, "http://") || strings.Contains(m.Next.Href, "sandbox.example") {
		t.Errorf("metadata: %+v", m)
	}
	if partial, ok := m.Shards["partialResult"]; !ok || partial {
		t.Errorf("shards: %v", m.Shards)
	}
}

func TestRetention(t *testing.T) {
	settings := small(epoch.AddDate(0, 13, 2))
	r := connect(t, settings)
	body, _ := json.Marshal(object{"start": object{"from": epoch.UnixMilli(), "to": epoch.Add(5 * day).UnixMilli()}})
	kept := r.parse(r.do("POST", searchPath+"limit=100&sort=start:asc", string(body)))
	earliest := epoch.Add(2 * day).UnixMilli()
	if kept.Metadata.Count < 100 || millis(t, infoOf(kept.Records[0])["startTimeL"]) < earliest {
		t.Errorf("%d kept, the first from %v", kept.Metadata.Count, infoOf(kept.Records[0])["startTime"])
	}
	if got := r.byID(r.account.ID(0), r.account.ID(299)); len(got.Records) != 1 {
		t.Errorf("%d found by id, one of them is too old", len(got.Records))
	}
}

func TestFreshness(t *testing.T) {
	entries := func(now time.Time, freshness time.Duration) (n int) {
		settings := small(now)
		settings.Freshness = freshness
		r := connect(t, settings)
		for _, record := range r.search("limit=100&sort=start:desc", everythingSince(epoch)).Records {
			n += 1 + len(record["messageRecords"].([]any))
		}
		return n
	}
	late := false
	for i := range 10 {
		now := later.Add(time.Duration(i) * time.Minute)
		shown := entries(now, time.Minute)
		if want := entries(now.Add(-time.Minute), 0); shown != want {
			t.Errorf("%d entries, want the %d of a minute ago", shown, want)
		}
		late = late || shown != entries(now, 0)
	}
	if !late {
		t.Error("nothing is held back")
	}
}

func TestVolatileFields(t *testing.T) {
	clock := later
	settings := small(later)
	settings.Now = func() time.Time { return clock }
	r := connect(t, settings)
	filter := everythingSince(epoch)
	filter["status"] = []string{"OPEN"}
	before := r.search("limit=1&sort=start:asc", filter).Records[0]
	clock = clock.Add(10 * time.Second)
	after := r.search("limit=1&sort=start:asc", filter).Records[0]
	grown := millis(t, infoOf(after)["duration"]) - millis(t, infoOf(before)["duration"])
	if idOf(before) != idOf(after) || grown != 10_000 {
		t.Errorf("duration of an open conversation grew by %d ms in 10 s", grown)
	}
	if infoOf(after)["endTime"] != "undefined" || infoOf(after)["endTimeL"] != json.Number("-1") {
		t.Errorf("end of an open conversation: %v", infoOf(after)["endTime"])
	}
}
