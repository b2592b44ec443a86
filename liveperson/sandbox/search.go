package sandbox

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"time"
)

// The limits of a search.
const (
	maxLimit     = 100
	maxSpan      = 90 * 24 * time.Hour // the documents say "three months"; this is the shortest reading
	resultWindow = 10_000              // offset+limit
	slotMillis   = 10 * minute         // times of filters are rounded outwards to this
	retention    = 13                  // months
)

// query is a search, checked and rounded.
type query struct {
	start, end, fullEnd period
	updated             int64
	open, closed        bool
	skills, lastSkills  map[string]bool
	sort                string
	offset, limit       int
	typed               bool
	wanted              uint32
}

// period is inclusive at both ends; to 0 is no end.
type period struct{ from, to int64 }

func (p period) has(t int64) bool { return t >= p.from && (p.to == 0 || t <= p.to) }

func (p period) given() bool { return p != period{} }

// search answers POST …/conversations/search.
func (c *call) search() {
	q, fault := parseQuery(c.request.URL.Query(), c.body, c.now.UnixMilli())
	if fault != "" {
		c.refuse(http.StatusBadRequest, "", fault)
		return
	}
	if q.offset > resultWindow-q.limit {
		c.refuse(http.StatusInternalServerError, "0007", "result window is too large")
		return
	}
	c.widen(&q)
	found := c.account.find(q, c.seen)
	c.account.order(found, q, c)
	from, count := q.offset, len(found)
	if c.shift != 0 && q.offset > 0 {
		from, count = max(from-c.shift, 0), count+c.shift
	}
	page := found[min(from, len(found)):min(from+q.limit, len(found))]
	if c.partialShards && len(page) > 0 {
		page = page[:len(page)*2/3]
	}
	page, count = c.thin(page, count)
	c.write(page, max(count+c.countOff, 0), q, bySearch)
}

// find lists the conversations that match, in order of their start.
func (a *Account) find(q query, at int64) []int32 {
	entries := a.started(at)
	from := max(q.start.from, oldest(at))
	first := sort.Search(len(entries), func(i int) bool { return entries[i].start >= from })
	var found []int32
	changed := a.changed.Load()
	for n := first; n < len(entries); n++ {
		e := entries[n]
		if q.start.to > 0 && e.start > q.start.to {
			break
		}
		if e.last < q.updated {
			continue
		}
		s := shown{there: true, asOf: at}
		if len(changed.showing[n]) > 0 {
			s = a.shows(n, e.start, at, bySearch)
		}
		if s.there && a.matches(q, n, e, s.asOf) {
			found = append(found, int32(n))
		}
	}
	return found
}

// oldest is the earliest start that is still kept: what is older is gone.
func oldest(at int64) int64 {
	return time.UnixMilli(at).UTC().AddDate(0, -retention, 0).UnixMilli()
}

func (a *Account) matches(q query, n int, e entry, at int64) bool {
	s := a.state(n, e, at)
	if s.updated < q.updated || s.ended == 0 && !q.open || s.ended > 0 && !q.closed {
		return false
	}
	if q.end.given() && (s.ended == 0 || !q.end.has(s.ended)) {
		return false
	}
	if !q.fullEnd.given() && q.skills == nil && q.lastSkills == nil {
		return true
	}
	l := a.life(n)
	if full := l.endedFully(at); q.fullEnd.given() && (full == 0 || !q.fullEnd.has(full)) {
		return false
	}
	last := l.turnAt(at)
	if q.lastSkills != nil && !q.lastSkills[skillID(l.skills[last])] {
		return false
	}
	if q.skills == nil {
		return true
	}
	for turn := range last + 1 {
		if l.firstOf(turn) >= 0 && q.skills[skillID(l.skills[turn])] {
			return true
		}
	}
	return false
}

// order sorts what was found. Ties come in an order of their own, which a Shift
// fault changes from request to request; without a sort there is no order at
// all worth the name.
func (a *Account) order(found []int32, q query, c *call) {
	tie := func(n int32) uint64 { return mix(uint64(n) ^ c.tie) }
	key := func(n int32) int64 { return a.startOf(int(n)) }
	switch q.sort {
	case "":
		key = func(int32) int64 { return 0 }
	case "end:asc", "end:desc":
		entries := a.started(c.seen)
		key = func(n int32) int64 {
			e := entries[n]
			return a.state(int(n), e, a.shows(int(n), e.start, c.seen, bySearch).asOf).ended
		}
	}
	sign := 1
	if q.sort == "start:desc" || q.sort == "end:desc" {
		sign = -1
	}
	type keyed struct {
		key int64
		tie uint64
		n   int32
	}
	list := make([]keyed, len(found))
	for i, n := range found {
		list[i] = keyed{key(n), tie(n), n}
	}
	slices.SortFunc(list, func(x, y keyed) int {
		return cmp.Or(sign*cmp.Compare(x.key, y.key), cmp.Compare(x.tie, y.tie))
	})
	for i, k := range list {
		found[i] = k.n
	}
}

// parseQuery reads a search's parameters and body; fault says what is wrong.
func parseQuery(params url.Values, body []byte, now int64) (q query, fault string) {
	q = query{limit: 50, sort: params.Get("sort")}
	if source := params.Get("source"); source == "" || len(source) > 20 {
		return q, "source is required, of at most 20 characters"
	}
	if fault := q.parsePaging(params); fault != "" {
		return q, fault
	}
	var f filters
	if fault := f.parse(body); fault != "" {
		return q, fault
	}
	if f.Start == nil || f.Start.From == nil {
		return q, "start.from is required"
	}
	for _, p := range []struct {
		in  *rangeFilter
		out *period
	}{{f.Start, &q.start}, {f.End, &q.end}, {f.FullDialogEndTime, &q.fullEnd}} {
		if fault := p.in.rounded(p.out, now); fault != "" {
			return q, fault
		}
	}
	if f.LatestUpdateTime != nil && f.LatestUpdateTime.From != nil {
		q.updated = roundDown(int64(*f.LatestUpdateTime.From))
	}
	q.open, q.closed = len(f.Status) == 0, len(f.Status) == 0
	for _, s := range f.Status {
		q.open, q.closed = q.open || s == "OPEN", q.closed || s == "CLOSE"
	}
	q.skills, q.lastSkills = f.SkillIDs.set(), f.LatestSkillIDs.set()
	q.wanted, fault = wantedSections(f.ContentToRetrieve)
	return q, fault
}

func (q *query) parsePaging(params url.Values) (fault string) {
	switch q.sort {
	case "", "start:asc", "start:desc", "end:asc", "end:desc":
	default:
		return "sort is not known"
	}
	switch params.Get("v") {
	case "", "1":
	case "2":
		q.typed = true
	default:
		return "v is 1 or 2"
	}
	for _, p := range []struct {
		name string
		out  *int
	}{{"offset", &q.offset}, {"limit", &q.limit}} {
		if s := params.Get(p.name); s != "" {
			n, err := strconv.Atoi(s)
			if err != nil || n < 0 {
				return p.name + " is not a number"
			}
			*p.out = n
		}
	}
	if q.limit > maxLimit {
		return "limit is at most 100"
	}
	return ""
}
