package sandbox_test

import (
	"slices"
	"strings"
	"testing"

	"lpexport/liveperson/sandbox"
)

// Answers by id that are unlike what was asked for: each fault meets the conversations
// it names, and only those.
func TestAnswersByIDUnlikeTheirRequest(t *testing.T) {
	for name, c := range map[string]struct {
		fault           sandbox.Fault
		together, alone []int // conversations in answers about 4, 5 and 6, and about 5
		status          int   // of the answer about 4, 5 and 6; 0: 200
	}{
		"left out":                {sandbox.Fault{Kind: sandbox.LeftOut, Numbers: []int{5}}, []int{4, 6}, nil, 0},
		"left out of several":     {sandbox.Fault{Kind: sandbox.LeftOut, Numbers: []int{5}, Together: true}, []int{4, 6}, []int{5}, 0},
		"mistaken":                {sandbox.Fault{Kind: sandbox.Mistaken, Numbers: []int{5}}, []int{4, 6, 6}, []int{6}, 0},
		"twice":                   {sandbox.Fault{Kind: sandbox.Twice, Numbers: []int{5}}, []int{4, 5, 5, 6}, []int{5, 5}, 0},
		"not found among several": {sandbox.Fault{Kind: sandbox.NotFound, Numbers: []int{5}, Together: true}, nil, []int{5}, 404},
		"broken among several":    {sandbox.Fault{Kind: sandbox.NotFound, Code: 500, Numbers: []int{5}, Together: true}, nil, []int{5}, 500},
	} {
		set := small(later)
		set.Faults = []sandbox.Fault{c.fault}
		r := connect(t, set)
		numbers := func(records []object) (list []int) {
			for _, record := range records {
				n, _ := r.account.Number(idOf(record))
				list = append(list, n)
			}
			return list
		}
		ids := []string{r.account.ID(4), r.account.ID(5), r.account.ID(6)}
		w := r.do("POST", strings.Replace(searchPath, "/search", "/conversation/search", 1), `{"conversationIds":["`+ids[0]+`","`+ids[1]+`","`+ids[2]+`"]}`)
		if c.status != 0 {
			if w.Code != c.status {
				t.Errorf("%s: status %d", name, w.Code)
			}
		} else if got := numbers(r.parse(w).Records); !slices.Equal(got, c.together) {
			t.Errorf("%s: together %v, want %v", name, got, c.together)
		}
		if got := numbers(r.byID(ids[1]).Records); !slices.Equal(got, c.alone) {
			t.Errorf("%s: alone %v, want %v", name, got, c.alone)
		}
	}
}

// Records that lack half of their messages have all their statuses, and do not say so.
func TestMessagesGone(t *testing.T) {
	set := small(later)
	set.Faults = []sandbox.Fault{{Kind: sandbox.MessagesGone, Numbers: []int{5}}, {Kind: sandbox.PartialTogether, Numbers: []int{6}}}
	r := connect(t, set)
	sound := connect(t, small(later))
	count := func(r *remote, n int, section string) int {
		return len(r.byID(r.account.ID(n)).Records[0][section].([]any))
	}
	whole, gone := count(sound, 5, "messageRecords"), count(r, 5, "messageRecords")
	if gone != whole/2 || count(r, 5, "messageStatuses") != count(sound, 5, "messageStatuses") {
		t.Errorf("%d of %d messages", gone, whole)
	}
	if a, b := count(r, 6, "messageRecords"), count(sound, 6, "messageRecords"); a != b {
		t.Errorf("alone %d of %d messages", a, b)
	}
	for _, record := range r.byID(r.account.ID(5), r.account.ID(6)).Records {
		if partial := record["info"].(object)["isPartial"] == true; partial != (idOf(record) == r.account.ID(6)) {
			t.Errorf("%s: partial %v", idOf(record), partial)
		}
	}
}
