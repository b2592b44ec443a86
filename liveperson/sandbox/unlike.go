package sandbox

import (
	"cmp"
	"net/http"
	"slices"
)

// meets reports whether the i-th fault of this request, one of records, is one of
// that conversation's.
func (c *call) meets(i, number int) bool {
	f := &c.faults[i]
	return f.ofRecords() && (!f.Together || c.together) && (len(f.Numbers) == 0 || slices.Contains(f.Numbers, number)) &&
		c.account.drawn(f.Share, 1000+i, number)
}

// notFound is the status of a request by id that names a conversation with that
// fault, 0 when none has it.
func (c *call) notFound(ids []string) int {
	for i, f := range c.faults {
		if f.Kind != NotFound {
			continue
		}
		for _, id := range ids {
			if n, ok := c.account.Number(id); ok && c.meets(i, n) {
				return cmp.Or(f.Code, http.StatusNotFound)
			}
		}
	}
	return 0
}

// unlike is an answer by id that is unlike what was asked for: conversations are
// missing, are others or come twice.
func (c *call) unlike(page []int32) []int32 {
	for i, f := range c.faults {
		switch f.Kind {
		case LeftOut, Mistaken, Twice:
		default:
			continue
		}
		var bent []int32
		for _, n := range page {
			if !c.meets(i, int(n)) {
				bent = append(bent, n)
				continue
			}
			switch f.Kind {
			case Mistaken:
				bent = append(bent, c.neighbour(n))
			case Twice:
				bent = append(bent, n, n)
			}
		}
		page = bent
	}
	return page
}

// neighbour is another conversation that is there.
func (c *call) neighbour(n int32) int32 {
	if int(n)+1 < len(c.account.started(c.seen)) {
		return n + 1
	}
	return max(n-1, 0)
}
