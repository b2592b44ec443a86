package sandbox

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// signatureSkew is how far a signature's timestamp may lie from the account's
// clock, and for how long a nonce is remembered.
const signatureSkew = 5 * time.Minute

// signed verifies an OAuth 1.0 Authorization header (RFC 5849, section 3.4,
// HMAC-SHA1): key, token, timestamp, signature, and that it was not used before.
func (c *call) signed(header string) bool {
	params, ok := parseOAuth(header)
	want := c.account.set.Credentials
	stamp, err := strconv.ParseInt(params["oauth_timestamp"], 10, 64)
	switch {
	case !ok || err != nil,
		!same(params["oauth_consumer_key"], want.AppKey),
		!same(params["oauth_token"], want.AccessToken),
		params["oauth_signature_method"] != "HMAC-SHA1",
		params["oauth_version"] != "" && params["oauth_version"] != "1.0",
		params["oauth_nonce"] == "",
		time.Unix(stamp, 0).Sub(c.now).Abs() > signatureSkew:
		return false
	}
	mac := hmac.New(sha1.New, []byte(encode(want.AppSecret)+"&"+encode(want.AccessTokenSecret)))
	mac.Write([]byte(baseString(c.request, c.body, params)))
	if !same(params["oauth_signature"], base64.StdEncoding.EncodeToString(mac.Sum(nil))) {
		return false
	}
	c.account.mu.Lock()
	defer c.account.mu.Unlock()
	return c.account.nonces.fresh(params["oauth_timestamp"]+" "+params["oauth_nonce"], stamp, c.now)
}

// parseOAuth reads key="value" pairs, percent-decoded. A repeated key is wrong.
func parseOAuth(header string) (map[string]string, bool) {
	params := map[string]string{}
	for pair := range strings.SplitSeq(header, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
			return nil, false
		}
		key, err1 := url.PathUnescape(key)
		value, err2 := url.PathUnescape(value[1 : len(value)-1])
		if _, twice := params[key]; twice || err1 != nil || err2 != nil {
			return nil, false
		}
		params[key] = value
	}
	return params, true
}

// baseString is the text that is signed (RFC 5849, section 3.4.1). A JSON body
// is not part of it, a form would be.
func baseString(r *http.Request, body []byte, params map[string]string) string {
	var pairs []string
	add := func(key, value string) { pairs = append(pairs, encode(key)+"="+encode(value)) }
	for key, value := range params {
		if key != "oauth_signature" && key != "realm" {
			add(key, value)
		}
	}
	sources := []url.Values{r.URL.Query()}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, _ := url.ParseQuery(string(body))
		sources = append(sources, form)
	}
	for _, source := range sources {
		for key, values := range source {
			for _, value := range values {
				add(key, value)
			}
		}
	}
	// Sorted by name, then value: '=' must not take part in the comparison.
	slices.SortFunc(pairs, func(x, y string) int {
		xk, xv, _ := strings.Cut(x, "=")
		yk, yv, _ := strings.Cut(y, "=")
		if c := strings.Compare(xk, yk); c != 0 {
			return c
		}
		return strings.Compare(xv, yv)
	})
	return r.Method + "&" + encode(baseURI(r)) + "&" + encode(strings.Join(pairs, "&"))
}

// baseURI is the request's address without query, default port left out.
func baseURI(r *http.Request) string { return origin(r) + r.URL.EscapedPath() }

// origin is the scheme and host that were asked, default port left out.
func origin(r *http.Request) string {
	scheme := strings.ToLower(r.URL.Scheme)
	switch {
	case scheme != "":
	case r.TLS != nil:
		scheme = "https"
	default:
		scheme = "http"
	}
	host := strings.ToLower(r.Host)
	port := map[string]string{"http": ":80", "https": ":443"}[scheme]
	return scheme + "://" + strings.TrimSuffix(host, port)
}

// encode is percent-encoding as RFC 5849, section 3.6 wants it: all but
// letters, digits and -._~ in upper-case hex.
func encode(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

// nonces are those used lately, with their timestamps.
type nonces map[string]int64

// fresh takes note of a nonce; false when it was used before. Nonces too old
// to pass the check of the timestamp are forgotten.
func (n *nonces) fresh(nonce string, stamp int64, now time.Time) bool {
	if *n == nil {
		*n = nonces{}
	}
	if _, used := (*n)[nonce]; used {
		return false
	}
	if len(*n)%1024 == 1023 {
		for old, at := range *n {
			if at < now.Add(-signatureSkew).Unix() {
				delete(*n, old)
			}
		}
	}
	(*n)[nonce] = stamp
	return true
}
