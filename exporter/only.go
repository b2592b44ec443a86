package exporter

// kept is what page.only found besides the records that were asked for.
type kept struct {
	others   bool            // records that were not asked for
	contrary map[string]bool // ids of which there were several records that differ
}

// only keeps the records with those ids, of each the first, since an answer may hold
// others or one twice. A lone record without an id is taken for the one that was
// asked for alone, so that it waits in quarantine under that name.
func (p *page) only(ids []string) kept {
	k := kept{contrary: map[string]bool{}}
	first := make(map[string]*captured, len(ids)) // nil: not met yet
	for _, id := range ids {
		first[id] = nil
	}
	if len(ids) == 1 && len(p.records) == 1 && p.records[0].id == "" {
		p.records[0].id = ids[0]
	}
	records := make([]captured, 0, len(p.records))
	for _, r := range p.records {
		before, asked := first[r.id]
		switch {
		case !asked:
			k.others = true
		case before == nil:
			records = append(records, r)
			first[r.id] = &records[len(records)-1]
		case before.sha256 != r.sha256:
			k.contrary[r.id] = true
		}
	}
	p.records = records
	oversized := p.oversized[:0]
	for _, o := range p.oversized {
		if _, asked := first[o.id]; asked {
			oversized = append(oversized, o)
		} else {
			k.others = true
		}
	}
	p.oversized = oversized
	return k
}
