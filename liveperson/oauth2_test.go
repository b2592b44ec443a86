package liveperson

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func token(name string) http.HandlerFunc {
	return body(fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, name))
}

func TestLoginSends(t *testing.T) {
	f := newFake(t)
	c, _ := f.client(func(c *Config) { c.OAuth2 = &OAuth2Credentials{"the client", "s&cret+="} })
	if err := search(c); err != nil {
		t.Fatal(err)
	}
	got := f.asked(tokenPath)[0]
	if want := "client_id=the+client&client_secret=s%26cret%2B%3D&grant_type=client_credentials"; got.body != want {
		t.Errorf("body %s, want %s", got.body, want)
	}
	if got.auth != "" || got.query != "" {
		t.Errorf("authorization %q, query %q", got.auth, got.query)
	}
}

func TestTokenIsRenewedAtFourFifths(t *testing.T) {
	f := newFake(t)
	f.on(tokenPath, token("one"), token("two"))
	c, clk := f.client()
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{0, "one"}, {2879 * time.Second, "one"}, {time.Second, "two"}} {
		clk.wait(context.Background(), step.after)
		if err := search(c); err != nil {
			t.Fatal(err)
		}
		all := f.asked(searchPath)
		if got := all[len(all)-1].auth; got != "Bearer "+step.want {
			t.Errorf("after %v: %s", step.after, got)
		}
	}
}

func TestLifeOfToken(t *testing.T) {
	jwt := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	for name, test := range map[string]struct {
		token, answer string
		want          time.Duration
	}{
		"number":            {"opaque", `{"expires_in":600}`, 600 * time.Second},
		"text":              {"opaque", `{"expires_in":"600"}`, 600 * time.Second},
		"before the claims": {jwt(`{"iat":100,"exp":200}`), `{"expires_in":600}`, 600 * time.Second},
		"claims":            {jwt(`{"iat":100,"exp":1900}`), `{}`, 30 * time.Minute},
		"no iat":            {jwt(fmt.Sprintf(`{"exp":%d}`, noon.Unix()+900)), `{}`, 15 * time.Minute},
		"expired":           {jwt(`{"exp":100}`), `{}`, time.Hour},
		"nothing":           {"opaque", `{}`, time.Hour},
		"nonsense":          {"a.!.b", `{"expires_in":-1}`, time.Hour},
		"not JSON":          {"a.e3s.b", `{}`, time.Hour},
		"for ever":          {"opaque", `{"expires_in":9223372036854775807}`, 24 * time.Hour},
		"a moment":          {"opaque", `{"expires_in":1}`, 10 * time.Second},
	} {
		// Our clock is wrong by years: a life is a length.
		if got := lifeOf(Value(test.answer), test.token, noon, noon.AddDate(5, 0, 0)); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestOneRenewalForAll(t *testing.T) {
	f := newFake(t)
	c, _ := f.client(func(c *Config) { c.Concurrency = 8 })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := search(c); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(f.asked(tokenPath)); n != 1 {
		t.Errorf("%d logins", n)
	}
}

func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	f := newFake(t)
	f.on(tokenPath, token("old"), token("new"))
	f.on(searchPath, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer new" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body(twoRecords)(w, r)
	})
	c, clk := f.client()
	var got kept
	if _, err := c.Search(context.Background(), day, &got); err != nil || len(got.records) != 2 || got.resets != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
	if len(clk.waited()) != 0 {
		t.Errorf("waited %v", clk.waited())
	}

	f.on(searchPath, status(401))
	c, _ = f.client()
	before := len(f.asked(searchPath))
	if auth := mustAuthError(t, search(c)); auth.Status != 401 {
		t.Errorf("got %+v", auth)
	}
	if n := len(f.asked(searchPath)) - before; n != 2 {
		t.Errorf("%d attempts", n)
	}
}

func TestLoginRefused(t *testing.T) {
	for _, code := range []int{400, 401, 403} {
		f := newFake(t)
		f.on(tokenPath, status(code))
		c, _ := f.client()
		auth := mustAuthError(t, search(c))
		if auth.Op != "log in" || auth.Status != code || !strings.Contains(auth.Hint, "client_credentials") {
			t.Errorf("%d: %+v", code, auth)
		}
		if len(f.asked(tokenPath)) != 1 || len(f.asked(searchPath)) != 0 {
			t.Errorf("%d: %d logins, %d searches", code, len(f.asked(tokenPath)), len(f.asked(searchPath)))
		}
	}
}

func TestLoginIsRepeated(t *testing.T) {
	for name, bad := range map[string]http.HandlerFunc{
		"500": status(500), "429": status(429), "cut": body(`{"access_token":"x`), "no token": body(`{}`),
		"header injection": body(`{"access_token":"a\r\nX-Evil: b"}`), "not a string": body(`{"access_token":["a"]}`),
	} {
		f := newFake(t)
		f.on(tokenPath, bad, bad, token("good"))
		c, _ := f.client()
		if err := search(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := f.asked(searchPath)[0].auth; got != "Bearer good" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
