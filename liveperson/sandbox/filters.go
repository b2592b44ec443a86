package sandbox

import (
	"encoding/json"
	"strconv"
	"strings"
)

// filters is the body of both searches. Numbers may come as strings.
type filters struct {
	Start             *rangeFilter `json:"start"`
	End               *rangeFilter `json:"end"`
	FullDialogEndTime *rangeFilter `json:"fullDialogEndTime"`
	LatestUpdateTime  *rangeFilter `json:"latestUpdateTime"`
	Status            []string     `json:"status"`
	SkillIDs          scalars      `json:"skillIds"`
	LatestSkillIDs    scalars      `json:"latestSkillIds"`
	ContentToRetrieve []string     `json:"contentToRetrieve"`
	ConversationID    string       `json:"conversationId"`
	ConversationIDs   []string     `json:"conversationIds"`
}

func (f *filters) parse(body []byte) (fault string) {
	if err := json.Unmarshal(body, f); err != nil {
		return "body is not valid"
	}
	return ""
}

type rangeFilter struct {
	From *number `json:"from"`
	To   *number `json:"to"`
}

// rounded puts the range, rounded outwards, into p. A "to" of -1 or none is no
// end, for which the span is counted to now.
func (r *rangeFilter) rounded(p *period, now int64) (fault string) {
	if r == nil {
		return ""
	}
	if r.From != nil {
		p.from = roundDown(int64(*r.From))
	}
	to := now
	if r.To != nil && *r.To >= 0 {
		to = int64(*r.To)
		p.to = roundDown(to + slotMillis - 1)
	}
	if r.From != nil && to-int64(*r.From) > maxSpan.Milliseconds() {
		return "a period is at most three months"
	}
	if p.from == 0 && p.to == 0 {
		p.from = 1
	}
	return ""
}

func roundDown(ms int64) int64 { return ms - ms%slotMillis }

// number is an integer, quoted or not.
type number int64

func (n *number) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	*n = number(v)
	return err
}

// scalars is a list of strings and numbers.
type scalars []json.RawMessage

// set is nil where there was no such filter.
func (s scalars) set() map[string]bool {
	if s == nil {
		return nil
	}
	set := make(map[string]bool, len(s))
	for _, v := range s {
		set[strings.Trim(string(v), `"`)] = true
	}
	return set
}

// wantedSections is the set of sections to answer with.
func wantedSections(names []string) (wanted uint32, fault string) {
	if names == nil {
		return defaultSections, ""
	}
	for _, name := range names {
		found := false
		for i, s := range sections {
			if s.name == name {
				wanted |= 1 << i
				found = true
			}
		}
		if !found {
			return 0, "contentToRetrieve is not known: " + strconv.Quote(name)
		}
	}
	return wanted, ""
}
