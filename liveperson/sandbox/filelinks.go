package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// links answers GET …/conversation-files with links to the files of a
// conversation, the oldest first. A conversation that is not known has none.
//
// The query counts pages from 0 and the answer from 1, as the published
// examples do.
func (c *call) links() {
	params := c.request.URL.Query()
	page, err1 := strconv.Atoi(params.Get("page"))
	size, err2 := strconv.Atoi(params.Get("pageSize"))
	switch {
	case c.account.set.Files.Refused:
		c.refuse(http.StatusForbidden, "", "insufficient scope")
		return
	case params.Get("conversationId") == "":
		c.refuse(http.StatusBadRequest, "", "conversationId is required")
		return
	case err1 != nil || page < 0 || err2 != nil || size < 1 || size > maxLimit:
		c.refuse(http.StatusBadRequest, "", "page is 0 or more, pageSize 1 to 100")
		return
	}
	stored := c.stored(params.Get("conversationId"))
	from := min(page*size, len(stored))
	c.writeLinks(stored[from:min(from+size, len(stored))], page+1, len(stored), (len(stored)+size-1)/size)
}

// place is a message of the account.
type place struct{ conversation, message int }

// stored are the messages of a conversation whose files are listed.
func (c *call) stored(id string) (list []place) {
	for _, n := range c.account.known([]string{id}, c.seen, singly) {
		l := c.account.life(int(n))
		for i := range l.sent(c.seen - c.account.set.Files.Delay.Milliseconds()) {
			path := c.account.pathAt(&l, i, c.seen)
			if path != "" && !c.account.absent(path) {
				list = append(list, place{l.number, i})
			}
		}
	}
	return list
}

// pathAt is the path of message i's file, "" when it has none then.
func (a *Account) pathAt(l *life, i int, at int64) string {
	if a.kind(l, i) != hostedFile || a.erasedAt(l, i, at) {
		return ""
	}
	return a.path(l, i, at)
}

func (c *call) writeLinks(list []place, page, total, pages int) {
	c.header().Set("Content-Type", "application/json; charset=utf-8")
	o := &out{w: c.to}
	o.raw(`{"items":[`)
	for i, p := range list {
		if i > 0 {
			o.raw(`,`)
		}
		o.str(c.signedLink(p))
	}
	number := func(name string, n int, present bool) {
		o.raw(`,"`).raw(name).raw(`":`)
		if present {
			o.num(int64(n))
		} else {
			o.raw(`null`)
		}
	}
	o.raw(`],"pagination":{"totalRecords":`).num(int64(total))
	number("currentPage", page, true)
	number("totalPages", pages, true)
	number("nextPage", page+1, page < pages)
	number("prevPage", page-1, page > 1)
	o.raw(`}}`)
	o.flush()
}

// signedLink is where the file of a message can be fetched from for a while: on
// the host that was asked, without a login.
func (c *call) signedLink(p place) string {
	a := c.account
	l := a.life(p.conversation)
	path := a.path(&l, p.message, c.seen)
	if a.set.Files.Opaque {
		path = a.storage() + hex.EncodeToString(a.mac("token", path, "")[:16])
	}
	life := a.set.Files.Life
	or(&life, time.Minute)
	expires := strconv.FormatInt(c.now.Add(life).Unix(), 10)
	u, _ := url.Parse(origin(c.request))
	u.Path = path
	u.RawQuery = "temp_url_sig=" + hex.EncodeToString(a.signature(path, expires, p)) + "&temp_url_expires=" + expires
	return u.String()
}

// signature is of a link. It hides the message's place, so that a link leads back
// to its message without a table, even where its path does not name it.
func (a *Account) signature(path, expires string, p place) []byte {
	at := binary.BigEndian.AppendUint64(nil, uint64(p.conversation)<<24|uint64(p.message))
	hidden := masking(at, a.mac("mask", path, expires))
	return append(hidden, a.mac("sign", path, expires+string(hidden))[:12]...)
}

// opened is the place a valid signature was made for.
func (a *Account) opened(path, expires, signature string) (place, bool) {
	b, err := hex.DecodeString(signature)
	if err != nil || len(b) != 20 || !hmac.Equal(b[8:], a.mac("sign", path, expires+string(b[:8]))[:12]) {
		return place{}, false
	}
	at := binary.BigEndian.Uint64(masking(b[:8], a.mac("mask", path, expires)))
	return place{int(at >> 24), int(at & (1<<24 - 1))}, true
}

func masking(b, mask []byte) []byte {
	masked := make([]byte, len(b))
	for i := range b {
		masked[i] = b[i] ^ mask[i]
	}
	return masked
}

// mac authenticates two texts for a purpose. Its key comes from the seed, so that
// a restarted account still takes the links it gave.
func (a *Account) mac(purpose, path, more string) []byte {
	h := hmac.New(sha256.New, binary.BigEndian.AppendUint64([]byte("sandbox files "+purpose), a.set.Seed))
	h.Write([]byte(path + "\x00" + more))
	return h.Sum(nil)
}

// download answers GET of a link as OpenStack's object storage does, which knows
// no login but the signature.
func (c *call) download() {
	params := c.request.URL.Query()
	expires := params.Get("temp_url_expires")
	p, ok := c.account.opened(c.request.URL.Path, expires, params.Get("temp_url_sig"))
	until, err := strconv.ParseInt(expires, 10, 64)
	if !ok || err != nil || c.now.Unix() >= until {
		c.storageError(http.StatusUnauthorized, "Temp URL invalid")
		return
	}
	l := c.account.life(p.conversation)
	path := c.account.pathAt(&l, p.message, c.seen)
	if path == "" || c.account.lost(path) || !c.account.shows(l.number, l.start, c.seen, singly).there {
		c.storageError(http.StatusNotFound, "The resource could not be found.")
		return
	}
	if c.pageInstead(p, path) {
		return
	}
	file := c.account.contents(path)
	c.header().Set("Content-Type", mediaTypes[extension(path)])
	c.header().Set("Content-Length", strconv.FormatInt(file.size(), 10))
	_ = file.write(c.to) // there is nobody to tell
}

func (c *call) storageError(code int, text string) {
	c.header().Set("Content-Type", "text/html; charset=UTF-8")
	c.status(code)
	io.WriteString(c.to, "<html><h1>"+http.StatusText(code)+"</h1><p>"+text+"</p></html>")
}

// bearer tells whether the login is a token, the only one that the file service
// takes.
func (c *call) bearer() bool {
	kind, _, _ := strings.Cut(c.request.Header.Get("Authorization"), " ")
	return strings.EqualFold(kind, "Bearer")
}
