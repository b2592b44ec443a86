package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Credentials are what the account lets in: the client of an installed
// application (OAuth 2) and one set of API keys (OAuth 1).
type Credentials struct {
	ClientID, ClientSecret         string
	AppKey, AppSecret              string
	AccessToken, AccessTokenSecret string
}

// DefaultCredentials open every sandbox that was not given others.
var DefaultCredentials = Credentials{
	ClientID:          "sandbox-client",
	ClientSecret:      "sandbox-client-secret",
	AppKey:            "sandbox-app-key",
	AppSecret:         "sandbox-app-secret",
	AccessToken:       "sandbox-access-token",
	AccessTokenSecret: "sandbox-access-token-secret",
}

// authorised tells whether the request carries a valid token or signature.
func (c *call) authorised() bool {
	kind, value, _ := strings.Cut(c.request.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(kind, "Bearer"):
		return c.account.validToken(value, c.now)
	case strings.EqualFold(kind, "OAuth"):
		return c.signed(value)
	}
	return false
}

// token answers POST …/app/token with an access token for client credentials,
// which it wants in the form, not in a header.
func (c *call) token() {
	form, err := url.ParseQuery(string(c.body))
	want := c.account.set.Credentials
	switch {
	case err != nil || form.Get("grant_type") != "client_credentials":
		c.refuse(http.StatusBadRequest, "", "unsupported_grant_type")
	case !same(form.Get("client_id"), want.ClientID) || !same(form.Get("client_secret"), want.ClientSecret):
		c.refuse(http.StatusUnauthorized, "", "invalid_client")
	default:
		c.header().Set("Content-Type", "application/json; charset=utf-8")
		o := &out{w: c.to}
		o.raw(`{"access_token":`).str(c.account.newToken(c.now)).raw(`,"token_type":"Bearer","expires_in":`)
		o.num(int64(c.account.set.TokenLife / time.Second)).raw(`}`)
		o.flush()
	}
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

type claims struct {
	Account string `json:"aud"`
	Issued  int64  `json:"iat"`
	Expires int64  `json:"exp"`
}

var base64url = base64.RawURLEncoding

// newToken is a JWT. Its key comes from the seed, so that a restarted account
// still takes the tokens it gave.
func (a *Account) newToken(now time.Time) string {
	payload, _ := json.Marshal(claims{a.set.Account, now.Unix(), now.Add(a.set.TokenLife).Unix()})
	unsigned := base64url.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64url.EncodeToString(payload)
	return unsigned + "." + a.sign(unsigned)
}

func (a *Account) sign(text string) string {
	key := binary.BigEndian.AppendUint64([]byte("sandbox token "+a.set.Account), a.set.Seed)
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return base64url.EncodeToString(h.Sum(nil))
}

func (a *Account) validToken(token string, now time.Time) bool {
	i := strings.LastIndexByte(token, '.')
	if i < 0 || !same(token[i+1:], a.sign(token[:i])) {
		return false
	}
	_, payload, _ := strings.Cut(token[:i], ".")
	decoded, err := base64url.DecodeString(payload)
	var c claims
	return err == nil && json.Unmarshal(decoded, &c) == nil && now.Unix() < c.Expires
}
