package exporter

// noteForeign counts a new conversation that is of another account, and warns once
// of each account: LivePerson answers those of a rollover account like our own.
func (c *capture) noteForeign(r *captured, fresh int64, n *Counts) {
	brand := r.foreign(c.Account)
	if brand == "" {
		return
	}
	if n.Foreign == nil {
		n.Foreign = map[string]int64{}
	}
	n.Foreign[brand] += fresh
	if c.news.is("conversations of account "+brand, "captured") {
		c.Log.Warn("conversations of another account are captured: each says in brand_id whose it is", "brand_id", brand)
	}
}
