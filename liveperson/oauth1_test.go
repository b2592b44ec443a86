package liveperson

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// RFC 5849, 3.4.1.1, its form body given as parameters, plus the RFC's order
// of equal names by value.
func TestSignatureBaseOfTheRFC(t *testing.T) {
	u, err := url.Parse("http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b")
	if err != nil {
		t.Fatal(err)
	}
	got := signatureBase("post", u, [][2]string{
		{"c2", ""}, {"a3", "2 q"},
		{"oauth_consumer_key", "9djdj82h48djs9d2"}, {"oauth_token", "kkk9d7dh3k39sjv7"},
		{"oauth_signature_method", "HMAC-SHA1"}, {"oauth_timestamp", "137131201"}, {"oauth_nonce", "7d8f3e4a"},
	})
	want := "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26" +
		"oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26" +
		"oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSignatureBaseOfASearch(t *testing.T) {
	for address, host := range map[string]string{
		"https://va.msghist.liveperson.net:443/a/b?sort=start%3Aasc&v=2": "https%3A%2F%2Fva.msghist.liveperson.net",
		"https://VA.msghist.liveperson.net/a/b?v=2&sort=start:asc":       "https%3A%2F%2Fva.msghist.liveperson.net",
		"https://h:80/a/b?sort=start%3Aasc&v=2":                          "https%3A%2F%2Fh%3A80",
		"http://h:443/a/b?sort=start%3Aasc&v=2":                          "http%3A%2F%2Fh%3A443",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		got := signatureBase("POST", u, [][2]string{{"oauth_version", "1.0"}})
		if want := "POST&" + host + "%2Fa%2Fb&oauth_version%3D1.0%26sort%3Dstart%253Aasc%26v%3D2"; got != want {
			t.Errorf("%s\ngot  %s\nwant %s", address, got, want)
		}
	}
}

// OAuth Core 1.0, appendix A.5: the one published vector with oauth_version.
func TestSignatureOfTheSpecification(t *testing.T) {
	l := newOAuth1(OAuth1Credentials{"dpf43f3p2l4k3l03", "kd94hf93k423kf44", "nnch734d00sl2jdk", "pfkkdhi9sl3r4s00"},
		func() time.Time { return time.Unix(1191242096, 0) })
	l.nonce = func() string { return "kllo9940pd9333jh" }
	req, err := http.NewRequest("GET", "http://photos.example.net/photos?file=vacation.jpg&size=original", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `OAuth oauth_consumer_key="dpf43f3p2l4k3l03", oauth_nonce="kllo9940pd9333jh", oauth_signature_method="HMAC-SHA1", ` +
		`oauth_timestamp="1191242096", oauth_token="nnch734d00sl2jdk", oauth_version="1.0", ` +
		`oauth_signature="tR3%2BTy81lMeYAr%2FFid0kMTYa%2FWM%3D"`
	if got := l.header(req, ""); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// verifier checks signatures as a server would, from what came over the wire
// and without any code of the client.
type verifier struct {
	t      *testing.T
	keys   OAuth1Credentials
	nonces map[string]bool
	now    func() time.Time
}

var headerField = regexp.MustCompile(`^(\w+)="([A-Za-z0-9%._~-]*)"$`)

func (v *verifier) verify(r *http.Request) bool {
	v.t.Helper()
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "OAuth ")
	if !ok {
		return false
	}
	oauth := map[string]string{}
	var pairs []string
	for field := range strings.SplitSeq(rest, ", ") {
		m := headerField.FindStringSubmatch(field)
		if m == nil {
			v.t.Errorf("malformed field %s", field)
			return false
		}
		oauth[m[1]] = m[2]
		if m[1] != "oauth_signature" {
			pairs = append(pairs, m[1]+"="+m[2])
		}
	}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if strings.ContainsAny(pair, ":+ ") {
			v.t.Errorf("not encoded as RFC 3986 wants: %s", pair)
		}
		pairs = append(pairs, pair)
	}
	sort.Strings(pairs)
	stamp, _ := strconv.ParseInt(oauth["oauth_timestamp"], 10, 64)
	if v.nonces[oauth["oauth_nonce"]] || stamp != v.now().Unix() {
		v.t.Errorf("nonce %s again, or timestamp %d at %d", oauth["oauth_nonce"], stamp, v.now().Unix())
		return false
	}
	v.nonces[oauth["oauth_nonce"]] = true
	enc := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	base := r.Method + "&" + enc("http://"+r.Host+r.URL.Path) + "&" + enc(strings.Join(pairs, "&"))
	mac := hmac.New(sha1.New, []byte(enc(v.keys.AppSecret)+"&"+enc(v.keys.AccessTokenSecret)))
	mac.Write([]byte(base))
	signature, _ := url.PathUnescape(oauth["oauth_signature"])
	return signature == base64.StdEncoding.EncodeToString(mac.Sum(nil)) &&
		oauth["oauth_consumer_key"] == v.keys.AppKey && oauth["oauth_token"] == v.keys.AccessToken && len(oauth) == 7
}

// Every attempt is signed anew, retries too, and never for its JSON body.
func TestOAuth1Attempts(t *testing.T) {
	keys := OAuth1Credentials{"key", "s&cret=/+", "token", "t%ken secret"}
	f := newFake(t)
	var v *verifier
	n := 0
	f.on(searchPath, func(w http.ResponseWriter, r *http.Request) {
		if !v.verify(r) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if n++; n < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		body(twoRecords)(w, r)
	})
	c, clk := f.client(func(c *Config) { c.OAuth2, c.OAuth1, c.Source = nil, &keys, "lp export" })
	v = &verifier{t: t, keys: keys, nonces: map[string]bool{}, now: clk.now}
	if err := search(c); err != nil {
		t.Fatal(err)
	}
	if len(v.nonces) != 3 || len(f.asked(tokenPath)) != 0 {
		t.Errorf("%d nonces, %d logins", len(v.nonces), len(f.asked(tokenPath)))
	}
}

func TestOAuth1Refused(t *testing.T) {
	f := newFake(t)
	f.on(searchPath, status(401))
	c, _ := f.client(func(c *Config) { c.OAuth2, c.OAuth1 = nil, &OAuth1Credentials{"a", "b", "c", "d"} })
	auth := mustAuthError(t, search(c))
	if !strings.Contains(auth.Hint, "Data -> Conversation History / Messaging Interactions") || len(f.asked(searchPath)) != 1 {
		t.Errorf("got %+v after %d attempts", auth, len(f.asked(searchPath)))
	}
}
