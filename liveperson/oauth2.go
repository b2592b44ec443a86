package liveperson

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Lives of a token: what is assumed when the answer does not say, and what is
// believed at all.
const (
	tokenLife    = time.Hour
	minTokenLife = 10 * time.Second
	maxTokenLife = 24 * time.Hour
)

// oauth2Login fetches an app token with the client_credentials grant and keeps
// it for 80 % of its life. LivePerson wants the client's authentication in the
// body and takes no scope: that comes from the app's installation.
type oauth2Login struct {
	client OAuth2Credentials
	turn   chan struct{} // one renewal at a time

	mu    sync.Mutex
	token string
	renew time.Time
}

func newOAuth2(client OAuth2Credentials) *oauth2Login {
	return &oauth2Login{client: client, turn: make(chan struct{}, 1)}
}

func (l *oauth2Login) secrets() []string { return []string{l.client.ClientSecret, l.client.ClientID} }

func (l *oauth2Login) hint(api privilege) string {
	// The names of scopes are those of an app that LivePerson installed in 2025.
	const app = "the installed app needs the client_credentials grant and a scope for the "
	switch api {
	case readUsers:
		return app + "Users API (users.external)"
	case readSkills:
		return app + "Skills API (users.external)"
	case readFiles:
		return app + "Bulk File Download API (data.services.external.bulkfiledownload): " + bulkProgramme
	}
	return app + "Messaging Interactions API (data.services.external.msghist)"
}

func (l *oauth2Login) header(_ *http.Request, token string) string { return "Bearer " + token }

// discard forgets token unless it has been replaced already.
func (l *oauth2Login) discard(token string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.token == token {
		l.token = ""
	}
	return true
}

func (l *oauth2Login) current(now time.Time) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.token, l.token != "" && now.Before(l.renew)
}

func (l *oauth2Login) ready(ctx context.Context, c *Client) (string, error) {
	if token, ok := l.current(c.cfg.Now()); ok {
		return token, nil
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return "", fmt.Errorf("log in: %w", ctx.Err())
	}
	if token, ok := l.current(c.cfg.Now()); ok {
		return token, nil
	}
	token, life, err := c.fetchToken(ctx, l.client)
	if err != nil {
		return "", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.token, l.renew = token, c.cfg.Now().Add(life*8/10)
	return token, nil
}

// What may stand in a header: RFC 6750, 2.1.
var tokenForm = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

func (c *Client) fetchToken(ctx context.Context, client OAuth2Credentials) (token string, life time.Duration, err error) {
	form := url.Values{
		"client_id":     {client.ClientID},
		"client_secret": {client.ClientSecret},
		"grant_type":    {"client_credentials"},
	}
	err = c.do(ctx, &call{
		op:          "log in",
		service:     serviceTokens,
		method:      http.MethodPost,
		path:        "/sentinel/api/v2/account/" + c.cfg.Account + "/app/token",
		body:        []byte(form.Encode()),
		contentType: "application/x-www-form-urlencoded",
		open:        true,
		refusals:    []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden},
		hint:        "check client_id and client_secret, and that the app is installed in this account with the client_credentials grant",
		read: func(a *answer) error {
			v, err := a.body.document(1 << 20)
			if err != nil {
				return err
			}
			token = v.Get("access_token").Text()
			if !tokenForm.MatchString(token) {
				return fmt.Errorf("%w: no access_token", ErrUnexpected)
			}
			life = lifeOf(v, token, a.date, c.cfg.Now())
			return nil
		},
	})
	return token, life, err
}

// lifeOf is how long a token just received lasts: expires_in, else what the
// token says of itself, else an hour. It is a length, not a moment, so that a
// wrong clock on this machine does not matter.
func lifeOf(v Value, token string, date, now time.Time) time.Duration {
	seconds, ok := v.Get("expires_in").Int()
	if !ok || seconds <= 0 {
		seconds = jwtLife(token, date, now)
	}
	if seconds <= 0 {
		return tokenLife
	}
	return max(minTokenLife, time.Duration(min(seconds, int64(maxTokenLife/time.Second)))*time.Second)
}

// jwtLife reads exp and iat of a JWT's payload; 0 when it is none. Without iat
// the answer's own date is where the life starts.
func jwtLife(token string, date, now time.Time) int64 {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return 0
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return 0
	}
	claims, err := parse(payload)
	if err != nil {
		return 0
	}
	exp, ok := claims.Get("exp").Int()
	if !ok {
		return 0
	}
	if iat, ok := claims.Get("iat").Int(); ok {
		return exp - iat
	}
	if date.IsZero() {
		date = now
	}
	return exp - date.Unix()
}
