package sandbox

// More faults: of searches, in answers that are well formed.
const (
	searchFaults Kind = 100 + iota
	Zero              // count 0 and an empty list
	Hollow            // an empty list, with the count of all
	Short             // pages hold By records at most, though more follow; 0 is half of them
	Omit              // one record of the page is missing, now this and now that one; the count stays
	Wide              // the period of starts is taken Delay wider at both ends
	Ties              // those that started at the same time change their order
	Foreign           // a fault of records: brandId is another account's
)

const otherBrand = "another-account"

// widen lets a search answer records outside the period asked for.
func (c *call) widen(q *query) {
	f, ok := c.fault(Wide)
	if !ok {
		return
	}
	q.start.from -= f.Delay.Milliseconds()
	if q.start.to > 0 {
		q.start.to += f.Delay.Milliseconds()
	}
}

// thin takes records from a page.
func (c *call) thin(page []int32, count int) ([]int32, int) {
	if _, ok := c.fault(Zero); ok {
		return nil, 0
	}
	if _, ok := c.fault(Hollow); ok {
		return nil, count
	}
	if f, ok := c.fault(Short); ok {
		most := f.By
		if most == 0 {
			most = (len(page) + 1) / 2
		}
		page = page[:min(len(page), most)]
	}
	if _, ok := c.fault(Omit); ok && len(page) > 0 {
		i := int(draw(c.account.set.Seed, saltUnkind, c.number) % uint64(len(page)))
		page = append(page[:i:i], page[i+1:]...)
	}
	return page, count
}
