package liveperson

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// FileSink takes the bytes of one file. Reset comes before those of every attempt
// to get them: whatever an earlier attempt wrote is void, and so is all of it when
// the call returns an error. Judge comes behind the last of them, with the media type
// that was claimed for them, as File returns it: what comes with status 200 may still be a page in
// the file's place, and only who knows what was asked for can say so.
//
// An error of the sink ends the call and is returned as it is; but with an error of
// Judge that is ErrNotAFile the file is asked for again, as after any other answer that
// cannot be used.
type FileSink interface {
	Reset() error
	io.Writer
	Judge(mediaType string) error
}

// maxRedirects is how often a link may lead to another one. None is documented,
// but neither is where links lead; each is checked as the first was.
const maxRedirects = 3

// File fetches what link leads to, at most limit bytes (0: Config.BodyLimit). It
// returns the media type that was claimed for it, in lower case and without
// parameters, "" when there was none; the bytes and their type come from whoever
// sent the file and may not agree.
//
// The login goes to the file service only. Besides the errors of every call there
// are ErrBadLink, a *HostError, and under an *APIError: ErrLinkExpired (401, 403,
// 404, 410: new links are needed), ErrTooLarge, ErrCompressed. No file is empty; what
// comes so is a fault of the storage and asked for again.
func (c *Client) File(ctx context.Context, link Link, limit int64, to FileSink) (mediaType string, err error) {
	if link.Err != nil {
		return "", fmt.Errorf("%s: %w", getFile, link.Err)
	}
	at, err := c.parseLink(link.URL)
	for hops := 0; err == nil; hops++ {
		var f fetched
		if f, err = c.fetchFile(ctx, at, limit, to); err != nil || f.moved == "" {
			return f.mediaType, err
		}
		if hops == maxRedirects {
			return "", &APIError{Op: getFile, Status: f.status, Err: fmt.Errorf("%w: more than %d", ErrRedirect, maxRedirects)}
		}
		at, err = c.redirected(at, f.moved)
	}
	return "", fmt.Errorf("%s: %w", getFile, err)
}

const getFile = "get file"

// redirected is the link that an answer from at leads to.
func (c *Client) redirected(at *url.URL, location string) (*url.URL, error) {
	to, err := url.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("%w: redirected to what is no address", ErrBadLink)
	}
	return c.parseLink(at.ResolveReference(to).String())
}

// fetched is an answer to a link: a file, or another link.
type fetched struct {
	mediaType string
	status    int
	moved     string // "" for a file
}

// fetchFile sends one request for a file, as often as it takes.
func (c *Client) fetchFile(ctx context.Context, at *url.URL, limit int64, to FileSink) (f fetched, err error) {
	login, err := c.mayFetch(ctx, at)
	if err != nil {
		return fetched{}, err
	}
	err = c.do(ctx, &call{
		op: getFile, link: at.String(), open: !login, files: true, limit: limit,
		read: func(a *answer) (err error) {
			f, err = readFile(a, limit, to)
			return err
		},
	})
	if err != nil {
		return fetched{}, err
	}
	return f, nil
}

// failure describes an answer that is an error. Of what a link is answered with
// nothing is quoted: storage repeats signatures in many ways.
func (k *call) failure(resp *http.Response, now time.Time, secrets []string) *APIError {
	e := statusError(k.op, resp, now, secrets)
	if k.link == "" {
		return e
	}
	e.Detail = ""
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		e.Err = ErrLinkExpired
	}
	return e
}

// readFile takes the answer to a link.
func readFile(a *answer, limit int64, to FileSink) (fetched, error) {
	f := fetched{status: a.status}
	if a.status/100 == 3 {
		if f.moved = a.head.Get("Location"); f.moved == "" {
			return fetched{}, ErrRedirect
		}
		return f, nil
	}
	if t, _, err := mime.ParseMediaType(a.head.Get("Content-Type")); err == nil && len(t) <= 127 && strings.Contains(t, "/") {
		f.mediaType = t
	}
	switch encoding := a.head.Get("Content-Encoding"); {
	case a.status == http.StatusNoContent, a.length == 0:
		return fetched{}, ErrNoContent
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return fetched{}, ErrCompressed
	case limit > 0 && a.length > limit:
		return fetched{}, fmt.Errorf("%w: %d bytes, of %d at most", ErrTooLarge, a.length, limit)
	}
	if err := a.copy(to); err != nil {
		return fetched{}, err
	}
	err := to.Judge(f.mediaType)
	if !errors.Is(err, ErrNotAFile) {
		err = given(err)
	}
	return f, err
}

// copy gives the whole body to the sink.
func (a *answer) copy(to FileSink) error {
	if err := given(to.Reset()); err != nil {
		return err
	}
	n, err := io.Copy(taker{to}, a.body.bytes())
	switch {
	case err != nil:
		return err
	case n == 0:
		return ErrNoContent
	case a.length >= 0 && n != a.length:
		return ErrCutBody
	}
	return nil
}

// taker marks a sink's errors as its own.
type taker struct{ to io.Writer }

func (t taker) Write(p []byte) (int, error) {
	n, err := t.to.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, given(err)
}
