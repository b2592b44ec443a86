package alert

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const postTime = 10 * time.Second

// poster sends notifications to a URL, which may hold a token: its errors never
// show more of it than scheme and host.
type poster struct {
	target *url.URL
	client *http.Client
}

// newPoster takes client as it is, but for redirects: a POST that is redirected
// may arrive as a GET without a body, and the token would go elsewhere.
func newPoster(target *url.URL, client *http.Client) *poster {
	own := http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true, // alerts are rare
	}}
	if client != nil {
		own = *client
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &poster{target, &own}
}

func (p *poster) post(ctx context.Context, n notification) error {
	body, err := n.json()
	if err != nil {
		return err
	}
	where := p.target.Scheme + "://" + p.target.Host
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.target.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("alert to %s: the request cannot be made", where)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "lpexport")
	answer, err := p.client.Do(request)
	if err != nil {
		return fmt.Errorf("alert to %s: %w", where, cause(err))
	}
	answer.Body.Close() // the status says it all
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("alert to %s: status %d", where, answer.StatusCode)
	}
	return nil
}

// cause is the part of a client's error that is known to hold nothing of the
// URL; it may be quoted by other errors, such as one about an odd Location.
func cause(err error) error {
	var network *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %v", postTime)
	case errors.As(err, &network):
		return network
	case errors.As(err, &certificate):
		return certificate
	case errors.Is(err, http.ErrSchemeMismatch):
		return http.ErrSchemeMismatch
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the connection ended without an answer")
	}
	return errors.New("the request failed")
}
