package sandbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/liveperson/sandbox"
)

// moving is the small account with a clock that the test moves.
func moving(t *testing.T) (*remote, *time.Time) {
	t.Helper()
	now := later
	settings := small(now)
	settings.LateChanges, settings.TokenLife = false, 1000*time.Hour
	settings.Now = func() time.Time { return now }
	return connect(t, settings), &now
}

// found are the numbers of all that a search finds, in order, and its count.
func (r *remote) found(params string) (numbers []int, count int) {
	r.t.Helper()
	a := r.search(params+"&sort=start:asc", everythingSince(epoch))
	for _, record := range a.Records {
		n, ok := r.account.Number(idOf(record))
		if !ok {
			r.t.Errorf("a record of no conversation: %s", idOf(record))
		}
		numbers = append(numbers, n)
	}
	return numbers, a.Metadata.Count
}

func (r *remote) messages(record object) int { return len(record["messageRecords"].([]any)) }

func TestRemovedBetweenTwoPages(t *testing.T) {
	r, _ := moving(t)
	first, before := r.found("limit=10")
	r.account.Apply(sandbox.Change{Kind: sandbox.Remove, Conversation: 4})
	second, after := r.found("limit=10&offset=10")
	if after != before-1 {
		t.Errorf("count is %d, and was %d", after, before)
	}
	for _, n := range []int{10, 4} {
		if slices.Contains(append(first, second...), n) != (n == 4) {
			t.Errorf("pages are %v and %v: the offsets behind 4 did not shift", first, second)
		}
	}
	if got := r.byID(r.account.ID(4)); len(got.Records) != 0 {
		t.Error("it is there by id")
	}
	if got := r.single(4); len(got.Records) != 0 {
		t.Error("it is there singly")
	}
	for c := range r.account.Truth(later) {
		if c.Number == 4 {
			t.Error("it is true")
		}
	}
	r.account.Apply(sandbox.Change{Kind: sandbox.Show, Conversation: 4})
	if _, n := r.found("limit=1"); n != after {
		t.Error("what was removed can be shown")
	}
}

func TestRemovedWithItsFiles(t *testing.T) {
	r, _ := moving(t)
	var with sandbox.Conversation
	for c := range r.account.Truth(later) {
		if slices.ContainsFunc(c.Messages, func(m sandbox.Message) bool { return m.Path != "" }) {
			with = c
		}
	}
	links := func() string {
		return r.do("GET", "/v1/account/sandbox/conversation-files?page=0&pageSize=100&conversationId="+with.ID, "").Body.String()
	}
	_, link, _ := strings.Cut(links(), `https://sandbox.example`)
	link, _, _ = strings.Cut(link, `"`)
	if w := r.do("GET", link, ""); w.Code != 200 {
		t.Fatalf("file: %d %s", w.Code, links())
	}
	r.account.Apply(sandbox.Change{Kind: sandbox.Remove, Conversation: with.Number})
	if got := links(); !strings.Contains(got, `"items":[]`) {
		t.Errorf("links after the removal: %s", got)
	}
	if w := r.do("GET", link, ""); w.Code != 404 {
		t.Errorf("file after the removal: %d", w.Code)
	}
}

// single asks for one conversation by conversationId.
func (r *remote) single(n int) answer {
	r.t.Helper()
	return r.parse(r.do("POST", strings.Replace(searchPath, "/search", "/conversation/search", 1),
		fmt.Sprintf(`{"conversationId":%q,"contentToRetrieve":["messageRecords","messageStatuses"]}`, r.account.ID(n))))
}

func TestHiddenForAWhile(t *testing.T) {
	r, now := moving(t)
	_, all := r.found("limit=1")
	for n, scope := range []sandbox.Scope{sandbox.Everywhere, sandbox.Searches, sandbox.Batches} {
		r.account.Apply(sandbox.Change{Kind: sandbox.Hide, Conversation: n, Scope: scope, Until: later.Add(time.Hour)})
		numbers, count := r.found("limit=20")
		if count != all-1 || slices.Contains(numbers, n) {
			t.Errorf("scope %d: found %v, count %d of %d", scope, numbers, count, all)
		}
		if got, want := len(r.byID(r.account.ID(n)).Records), map[sandbox.Scope]int{sandbox.Searches: 1}[scope]; got != want {
			t.Errorf("scope %d: %d by id", scope, got)
		}
		if got := len(r.single(n).Records); (got == 0) != (scope == sandbox.Everywhere) {
			t.Errorf("scope %d: %d singly", scope, got)
		}
		r.account.Apply(sandbox.Change{Kind: sandbox.Show, Conversation: n})
		if _, count := r.found("limit=1"); count != all {
			t.Errorf("scope %d: shown again, and %d of %d found", scope, count, all)
		}
	}
	r.account.Apply(sandbox.Change{Kind: sandbox.Hide, Conversation: 1, Until: later.Add(time.Hour)})
	*now = later.Add(time.Hour - time.Millisecond)
	if numbers, _ := r.found("limit=20"); slices.Contains(numbers, 1) {
		t.Error("it appeared too early")
	}
	*now = later.Add(time.Hour)
	if numbers, _ := r.found("limit=20"); !slices.Contains(numbers, 1) {
		t.Error("it stayed away")
	}
}

// growing is the number of a conversation that has messages before and after a moment.
func growing(t *testing.T, account *sandbox.Account, at time.Time) (n, before int) {
	t.Helper()
	for c := range account.Truth(at) {
		if c.Status == "OPEN" && len(c.Messages) > 3 && c.StartedAt > at.Add(-2*time.Hour).UnixMilli() {
			return c.Number, len(c.Messages)
		}
	}
	t.Fatal("no conversation is open")
	return 0, 0
}

func TestDelayedEntriesHaveOldUpdateTimes(t *testing.T) {
	r, now := moving(t)
	n, before := growing(t, r.account, later)
	r.account.Apply(sandbox.Change{Kind: sandbox.Delay, Conversation: n, Until: later.Add(48 * time.Hour)})
	*now = later.Add(47 * time.Hour)
	if got := r.messages(r.single(n).Records[0]); got != before {
		t.Errorf("%d messages while they are delayed, want %d", got, before)
	}
	recent := everythingSince(epoch)
	recent["latestUpdateTime"] = object{"from": later.Add(24 * time.Hour).UnixMilli()}
	has := func() bool {
		return slices.ContainsFunc(r.all(recent), func(o object) bool { return idOf(o) == r.account.ID(n) })
	}
	*now = later.Add(48 * time.Hour)
	if got := r.messages(r.single(n).Records[0]); got <= before {
		t.Errorf("%d messages in the end", got)
	}
	if has() {
		t.Error("it has a new update time")
	}
}

func TestWithheldMessages(t *testing.T) {
	r, _ := moving(t)
	n, all := growing(t, r.account, later)
	for _, silent := range []bool{false, true} {
		r.account.Apply(sandbox.Change{Kind: sandbox.Withhold, Conversation: n, Silent: silent, Scope: sandbox.Batches})
		for name, record := range map[string]object{"by id": r.byID(r.account.ID(n)).Records[0], "searched": r.searched(n)} {
			statuses := map[any]bool{}
			for _, s := range record["messageStatuses"].([]any) {
				statuses[fmt.Sprint(s.(object)["dialogId"], s.(object)["seq"])] = true
			}
			if got := r.messages(record); got != all/2 || len(statuses) < all-1 || (infoOf(record)["isPartial"] == true) == silent {
				t.Errorf("%s: %d of %d messages, statuses of %d, isPartial %v", name, got, all, len(statuses), infoOf(record)["isPartial"])
			}
		}
		if got := r.messages(r.single(n).Records[0]); got != all {
			t.Errorf("%d of %d messages singly", got, all)
		}
		r.account.Apply(sandbox.Change{Kind: sandbox.Show, Conversation: n})
		if got := r.messages(r.searched(n)); got != all {
			t.Errorf("%d of %d messages after that", got, all)
		}
	}
}

func (r *remote) searched(n int) object {
	r.t.Helper()
	for _, record := range r.all(everythingSince(epoch)) {
		if idOf(record) == r.account.ID(n) {
			return record
		}
	}
	r.t.Fatalf("%d is not found", n)
	return nil
}

func TestSkillsChange(t *testing.T) {
	r, now := moving(t)
	names := func() map[string]string {
		list := map[string]string{}
		for _, e := range r.entities("skills?v=2.0&include_deleted=true") {
			list[fmt.Sprint(int64(e["id"].(float64)))] = fmt.Sprint(e["name"], e["deleted"])
		}
		return list
	}
	before := names()
	r.account.Apply(sandbox.Change{Kind: sandbox.RenameSkill, Skill: 0, Text: "Orders EU"})
	r.account.Apply(sandbox.Change{Kind: sandbox.NewSkill, Skill: 6, Text: "Orders"})
	r.account.Apply(sandbox.Change{Kind: sandbox.DeleteSkill, Skill: 1})
	want := map[string]string{"3100000111": "Orders EUfalse", "3100000112": "Billingtrue", "3100000206": "Ordersfalse"}
	for id, name := range before {
		if want[id] == "" {
			want[id] = name
		}
	}
	if diff := cmp.Diff(want, names()); diff != "" {
		t.Error(diff)
	}
	*now = later.Add(24 * time.Hour)
	in := map[string]int{}
	for _, record := range r.all(everythingSince(later)) {
		in[fmt.Sprint(infoOf(record)["latestSkillId"], infoOf(record)["latestSkillName"])]++
	}
	if in["3100000206Orders"] < 5 || in["3100000111Orders EU"] == 0 || in["3100000111Orders"] > 0 {
		t.Errorf("conversations by skill: %v", in)
	}
	users := func() int { return len(r.entities("users?v=6.0")) }
	present := users()
	r.account.Apply(sandbox.Change{Kind: sandbox.DeleteUser, Agent: 2})
	if users() != present-1 {
		t.Error("a deleted user is listed")
	}
}

// TestAppliedWhileInUse changes an account while others ask it; an account that
// begins with what was applied shows the same in the end.
func TestAppliedWhileInUse(t *testing.T) {
	r, _ := moving(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 60 {
			r.account.Apply(sandbox.Change{Kind: sandbox.Remove + sandbox.ChangeKind(n%5), Conversation: n})
			r.account.Apply(sandbox.Change{Kind: sandbox.RenameSkill, Skill: n % 5, Text: fmt.Sprint("Skill ", n)})
		}
	}()
	for working := true; working; {
		select {
		case <-done:
			working = false
		default:
			r.found("limit=100")
		}
	}
	settings := small(later)
	settings.LateChanges, settings.Changes = false, r.account.Applied()
	again := connect(t, settings)
	const params = searchPath + "limit=100&sort=start:asc"
	one, other := r.do("POST", params, body(everythingSince(epoch))), again.do("POST", params, body(everythingSince(epoch)))
	if one.Body.Len() < 100_000 || one.Body.String() != other.Body.String() {
		t.Error("with the same changes it is another account")
	}
}
