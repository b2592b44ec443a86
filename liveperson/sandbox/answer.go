package sandbox

import (
	"net/url"
	"strconv"
	"sync"
)

// buffers are kept for the next answers; none grows much beyond handOn but by
// a single long text.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const keepBelow = 1 << 20

// write answers with a page of records, as a stream.
func (c *call) write(page []int32, count int, q query, w way) {
	c.header().Set("Content-Type", "application/json; charset=utf-8")
	kept := buffers.Get().(*[]byte)
	o := &out{w: c.to, b: (*kept)[:0]}
	c.metadata(o, count, q)
	for i, n := range page {
		if i > 0 {
			o.raw(`,`)
		}
		v := c.account.view(int(n), c.seen, w)
		v.typed, v.wanted = q.typed, q.wanted
		c.spoil(&v)
		c.account.writeRecord(o, &v)
		if o.err != nil {
			return
		}
	}
	o.raw(`]}`)
	o.flush()
	if cap(o.b) < keepBelow {
		*kept = o.b[:0]
		buffers.Put(kept)
	}
}

// metadata opens the envelope. The links lead to hosts inside LivePerson over
// plain http, as the real ones do: a client must not follow them.
func (c *call) metadata(o *out, count int, q query) {
	link := func(rel string, offset int) {
		href := "http://msghist.internal.example:8080" + c.request.URL.Path + "?" +
			url.Values{"limit": {strconv.Itoa(q.limit)}, "offset": {strconv.Itoa(offset)}}.Encode()
		o.raw(`,"`).raw(rel).raw(`":{"rel":"`).raw(rel).raw(`","href":`).str(href).raw(`}`)
	}
	o.raw(`{"_metadata":{"count":`).num(int64(count))
	link("self", q.offset)
	if q.offset+q.limit < count {
		link("next", q.offset+q.limit)
	}
	o.raw(`,"shardsStatusResult":{"partialResult":`).bool(c.partialShards).raw(`}},"conversationHistoryRecords":[`)
}
