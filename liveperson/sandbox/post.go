package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"time"
)

// Shape is how events are signed: by which hash, written in which way.
type Shape string

const (
	SHA1Base64   Shape = "sha1-base64" // unless an account has asked for another
	SHA1Hex      Shape = "sha1-hex"
	SHA256Base64 Shape = "sha256-base64"
	SHA256Hex    Shape = "sha256-hex"
)

// sign is the value of the signature's header: an HMAC of the body's bytes as
// they are sent, with the secret's bytes as the key.
func (shape Shape) sign(secret string, body []byte) string {
	name, hash := "sha1=", sha1.New
	if shape == SHA256Base64 || shape == SHA256Hex {
		name, hash = "sha256=", sha256.New
	}
	mac := hmac.New(hash, []byte(secret))
	mac.Write(body)
	sum := mac.Sum(nil)
	if shape == SHA1Hex || shape == SHA256Hex {
		return name + hex.EncodeToString(sum)
	}
	return name + base64.StdEncoding.EncodeToString(sum)
}

const (
	connectTimeout = 5 * time.Second
	readTimeout    = 5 * time.Second
)

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// newClient keeps a connection for each request at once. It follows no
// redirection: only an answer of its own is a yes.
func newClient(concurrency int, dial dialer) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				ctx, cancel := context.WithTimeout(ctx, connectTimeout)
				defer cancel()
				return dial(ctx, network, address)
			},
			ResponseHeaderTimeout: readTimeout,
			MaxIdleConnsPerHost:   concurrency, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// attempt posts one event, when one of the slots is free.
func (s *Sender) attempt(ctx context.Context, body []byte) (status int, err error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout+readTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.set.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("x-liveperson-account-id", s.account.set.Account)
	request.Header.Set("x-liveperson-client-id", s.set.ClientID)
	request.Header.Set("x-liveperson-signature", s.set.Shape.sign(s.set.Secret, body))
	answer, err := s.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	// What it says does not matter; reading it keeps the connection.
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	return answer.StatusCode, nil
}
