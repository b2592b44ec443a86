package sandbox

import "net/http"

// byID answers POST …/conversations/conversation/search, a page at a time like
// every other method: 50 records where no limit is given. Ids it does not know are
// missing from the answer, without a word.
func (c *call) byID() {
	var f filters
	fault := f.parse(c.body)
	ids, by := f.ConversationIDs, byBatch
	if f.ConversationID != "" {
		ids = append(ids, f.ConversationID)
		if len(ids) == 1 {
			by = singly
		}
	}
	q, paging := query{limit: 50}, ""
	if fault == "" {
		paging = q.parsePaging(c.request.URL.Query())
		q.wanted, fault = wantedSections(f.ContentToRetrieve)
	}
	source := c.request.URL.Query().Get("source")
	switch {
	case fault != "" || paging != "":
		c.refuse(http.StatusBadRequest, "", fault+paging)
	case source == "" || len(source) > 20:
		c.refuse(http.StatusBadRequest, "", "source is required, of at most 20 characters")
	case len(ids) == 0 || len(ids) > maxLimit:
		c.refuse(http.StatusBadRequest, "", "conversationId or up to 100 conversationIds are required")
	default:
		c.together = len(ids) > 1
		if code := c.notFound(ids); code != 0 {
			c.refuse(code, "", "not found")
			return
		}
		known := c.account.known(ids, c.seen, by)
		page := known[min(q.offset, len(known)):min(q.offset+q.limit, len(known))]
		c.write(c.unlike(page), len(known), q, by)
	}
}

// known are the conversations among ids that are shown.
func (a *Account) known(ids []string, at int64, w way) []int32 {
	entries := a.started(at)
	var found []int32
	seen := map[int]bool{}
	for _, id := range ids {
		n, ok := a.Number(id)
		if !ok || n >= len(entries) || seen[n] || !a.shows(n, entries[n].start, at, w).there {
			continue
		}
		seen[n] = true
		found = append(found, int32(n))
	}
	return found
}
