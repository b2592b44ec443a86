package sandbox_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dghubble/oauth1"

	"lpexport/liveperson/sandbox"
)

const anyFilter = `{"start":{"from":1772409600000,"to":-1}}`

func TestTokensAreCheckedAndExpire(t *testing.T) {
	clock := later
	settings := small(later)
	settings.Now = func() time.Time { return clock }
	settings.TokenLife = 10 * time.Minute
	r := connect(t, settings)
	good := r.token
	code := func() int { return r.do("POST", searchPath, anyFilter).Code }
	if got := code(); got != 200 {
		t.Fatalf("a good token: %d", got)
	}
	other := settings
	other.Seed++
	for name, token := range map[string]string{
		"none": "", "nonsense": "abc", "changed": good[:len(good)-2] + "xx", "of another account": connect(t, other).token,
		"unsigned": good[:strings.LastIndexByte(good, '.')+1], "no dots": strings.ReplaceAll(good, ".", ""),
	} {
		r.token = token
		if got := code(); got != 401 {
			t.Errorf("%s: %d", name, got)
		}
	}
	r.token = good
	clock = clock.Add(10*time.Minute - time.Second)
	if got := code(); got != 200 {
		t.Errorf("before it expires: %d", got)
	}
	clock = clock.Add(time.Second)
	if got := code(); got != 401 {
		t.Errorf("expired: %d", got)
	}
}

func TestTokenServerIsStrict(t *testing.T) {
	r := connect(t, small(later))
	path := "/sentinel/api/v2/account/sandbox/app/token"
	form := func(id, secret, grant string) string {
		return url.Values{"client_id": {id}, "client_secret": {secret}, "grant_type": {grant}}.Encode()
	}
	c := sandbox.DefaultCredentials
	for name, want := range map[string]struct {
		body string
		code int
	}{
		"good":         {form(c.ClientID, c.ClientSecret, "client_credentials"), 200},
		"wrong id":     {form("x", c.ClientSecret, "client_credentials"), 401},
		"wrong secret": {form(c.ClientID, "x", "client_credentials"), 401},
		"wrong grant":  {form(c.ClientID, c.ClientSecret, "password"), 400},
		"empty":        {"", 400},
	} {
		if w := r.do("POST", path, want.body); w.Code != want.code {
			t.Errorf("%s: %d, want %d", name, w.Code, want.code)
		}
	}
}

// TestOAuth1AgainstALibrary signs with github.com/dghubble/oauth1, over a real
// connection, parameters that need encoding twice among them.
func TestOAuth1AgainstALibrary(t *testing.T) {
	settings := small(time.Now())
	settings.Now = nil
	account := sandbox.New(settings)
	server := httptest.NewServer(account)
	defer server.Close()
	c := sandbox.DefaultCredentials
	ask := func(appKey, appSecret, token, tokenSecret string) int {
		client := oauth1.NewConfig(appKey, appSecret).Client(oauth1.NoContext, oauth1.NewToken(token, tokenSecret))
		target := server.URL + searchPath + "sort=start%3Aasc&limit=1&empty=&odd=" + url.QueryEscape("a b+c&d=ü~*/")
		response, err := client.Post(target, "application/json", strings.NewReader(`{"start":{"from":`+itoa(int(time.Now().Add(-time.Hour).UnixMilli()))+`,"to":-1}}`))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		io.Copy(io.Discard, response.Body)
		return response.StatusCode
	}
	if got := ask(c.AppKey, c.AppSecret, c.AccessToken, c.AccessTokenSecret); got != 200 {
		t.Errorf("a good signature: %d", got)
	}
	for i := range 4 {
		keys := []string{c.AppKey, c.AppSecret, c.AccessToken, c.AccessTokenSecret}
		keys[i] += "x"
		if got := ask(keys[0], keys[1], keys[2], keys[3]); got != 401 {
			t.Errorf("key %d is wrong: %d", i, got)
		}
	}
}

type headerTaker struct{ header string }

func (h *headerTaker) RoundTrip(r *http.Request) (*http.Response, error) {
	h.header = r.Header.Get("Authorization")
	return httptest.NewRecorder().Result(), nil
}

func TestOAuth1RefusesReplayAndStaleness(t *testing.T) {
	clock := time.Now()
	settings := small(clock)
	settings.Now = func() time.Time { return clock }
	r := &remote{t: t, account: sandbox.New(settings)}
	c := sandbox.DefaultCredentials
	target := searchPath + "sort=start%3Aasc"
	sign := func() string {
		taker := &headerTaker{}
		config := oauth1.NewConfig(c.AppKey, c.AppSecret)
		ctx := oauth1.NoContext
		client := config.Client(ctx, oauth1.NewToken(c.AccessToken, c.AccessTokenSecret))
		client.Transport.(*oauth1.Transport).Base = taker
		response, err := client.Post("https://sandbox.example"+target, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return taker.header
	}
	body := `{"start":{"from":` + itoa(int(clock.Add(-time.Hour).UnixMilli())) + `,"to":-1}}`
	ask := func(target, header string) int { return r.do("POST", target, body, "Authorization", header).Code }
	header := sign()
	if got := ask(target+"&limit=7", header); got != 401 {
		t.Errorf("other parameters than signed: %d", got)
	}
	if got := ask(target, header); got != 200 {
		t.Errorf("first use: %d", got)
	}
	if got := ask(target, header); got != 401 {
		t.Errorf("replay: %d", got)
	}
	early := sign()
	clock = clock.Add(6 * time.Minute)
	if got := ask(target, early); got != 401 {
		t.Errorf("six minutes old: %d", got)
	}
	if got := ask(target, strings.Replace(sign(), "HMAC-SHA1", "PLAINTEXT", 1)); got != 401 {
		t.Errorf("another method: %d", got)
	}
}
