package liveperson

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// heldFile is a FileSink that keeps what the last attempt wrote.
type heldFile struct {
	bytes.Buffer
	resets   int
	failing  error // of Write
	blocking error // of Reset
	judging  error // of Judge, but for pages
	judged   int
}

func (h *heldFile) Reset() error { h.resets++; h.Buffer.Reset(); return h.blocking }

func (h *heldFile) Write(p []byte) (int, error) {
	if h.failing != nil {
		return 0, h.failing
	}
	return h.Buffer.Write(p)
}

// Judge takes web pages and JSON for what no file is.
func (h *heldFile) Judge(mediaType string) error {
	h.judged++
	if mediaType == "text/html" || mediaType == "application/json" {
		return fmt.Errorf("%w: a page", ErrNotAFile)
	}
	return h.judging
}

const (
	picturePath = "/v1/AUTH_async-images/12345678/p_uuid_u.JPG"
	picture     = "\xff\xd8\xff\xe0 not UTF-8, not JSON \x00\xff\xd9"
)

// sealed is a link of the fake, with a signature that nobody may see again.
func (f *fake) sealed(path string) Link {
	return Link{URL: f.URL + path + "?temp_url_sig=hush", Path: path}
}

func of(mediaType, s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		io.WriteString(w, s)
	}
}

func get(c *Client, l Link) (string, *heldFile, error) {
	var got heldFile
	mediaType, err := c.File(context.Background(), l, 1<<20, &got)
	return mediaType, &got, err
}

func TestFile(t *testing.T) {
	f := newFilesFake(t)
	big := strings.Repeat("0123456789abcdef", 1<<16) // exactly the limit
	for mediaType, test := range map[string]struct{ claimed, body string }{
		"image/jpeg": {`Image/JPEG; name="x"`, picture}, "text/plain": {"text/plain; charset=utf-8", "{"}, "": {"nonsense", " "},
		"application/octet-stream": {"application/octet-stream", big},
	} {
		f.on(picturePath, of(test.claimed, test.body))
		c, _ := f.client()
		got, held, err := get(c, f.sealed(picturePath))
		if err != nil || got != mediaType || held.String() != test.body || held.resets != 1 || held.judged != 1 {
			t.Errorf("%q: %q, %d bytes, %v", test.claimed, got, held.Len(), err)
		}
	}
}

func TestFileRequest(t *testing.T) {
	f := newFilesFake(t)
	var header http.Header
	var uri string
	f.on("/a b/..\\../c", func(w http.ResponseWriter, r *http.Request) {
		header, uri = r.Header, r.RequestURI
		io.WriteString(w, "x")
	})
	c, _ := f.client(func(c *Config) { c.UserAgent = "lpexport/1" })
	_, _, err := get(c, Link{URL: f.URL + "/a%20b/..%5C../c?b=+&a=%2f"})
	if err != nil || uri != "/a%20b/..%5C../c?b=+&a=%2f" {
		t.Errorf("asked for %s: %v", uri, err)
	}
	if header.Get("Accept-Encoding") != "identity" || header.Get("User-Agent") != "lpexport/1" || header.Get("Authorization") != "Bearer t0k.en-1" {
		t.Errorf("asked with %v", header)
	}
}

// The login is shown to the file service and to nobody else.
func TestWhoSeesTheLogin(t *testing.T) {
	auth := map[string]string{}
	c := secure(t, func(r *http.Request) (*http.Response, error) {
		auth[r.URL.Host] = r.Header.Get("Authorization")
		return answered(strings.NewReader(picture)), nil
	}, func(c *Config) { c.FileHosts = []string{"files.example"} })
	for host, want := range map[string]string{"va.fms.liveperson.net": "Bearer t", "va.swift.liveperson.net": "", "a.files.example": ""} {
		_, _, err := get(c, Link{URL: "https://" + host + "/a"})
		if got, asked := auth[host]; err != nil || !asked || got != want {
			t.Errorf("%s: %q, asked %v, %v", host, got, asked, err)
		}
	}
	var h *HostError
	if _, _, err := get(c, Link{URL: "https://evil.example/a"}); !errors.As(err, &h) || len(auth) != 3 {
		t.Errorf("%v, asked %v", err, auth)
	}
}

func TestFileFaultsPass(t *testing.T) {
	for name, bad := range map[string]http.HandlerFunc{
		"503": status(503), "429": status(429), "no answer": hangUp, "cut": cut(picture, 5), "cut at once": cut(picture, 0),
		"a web page": of("text/html; charset=utf-8", "<!DOCTYPE html>"), "JSON": of("application/json", `{"error":{}}`),
		"empty": body(""), "204": status(204), "empty, no length": func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
	} {
		f := newFilesFake(t)
		f.on(picturePath, bad, bad, of("image/jpeg", picture))
		c, clk := f.client()
		_, held, err := get(c, f.sealed(picturePath))
		// The transport may repeat a GET itself where its connection had been used before.
		if n := len(clk.waited()); err != nil || held.String() != picture || n != 2 && !(n == 1 && name == "no answer") {
			t.Errorf("%s: %q, %v after %v", name, held, err, clk.waited())
		}
		f.on(picturePath, bad)
		if _, _, err := get(c, f.sealed(picturePath)); err == nil || !mustAPIError(t, err).Temporary() {
			t.Errorf("%s, for ever: %v", name, err)
		}
	}
}

func TestFileFaultsStay(t *testing.T) {
	packed := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, picture)
		z.Close()
	}
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for range 1 << 10 {
			if _, err := w.Write(make([]byte, 4<<10)); err != nil {
				return
			}
		}
	}
	for name, test := range map[string]struct {
		bad  http.HandlerFunc
		want error
	}{
		"401": {status(401), ErrLinkExpired}, "403": {status(403), ErrLinkExpired}, "404": {status(404), ErrLinkExpired}, "410": {status(410), ErrLinkExpired},
		"gzip": {packed, ErrCompressed}, "endless": {endless, ErrTooLarge},
		"long":         {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "1048577") }, ErrTooLarge},
		"not modified": {status(304), ErrRedirect}, "redirected nowhere": {status(302), ErrRedirect}, "partial": {status(206), ErrUnexpected},
	} {
		f := newFilesFake(t)
		f.on(picturePath, test.bad)
		c, clk := f.client()
		_, _, err := get(c, f.sealed(picturePath))
		api := mustAPIError(t, err)
		if !errors.Is(err, test.want) || api.Temporary() || errors.Is(err, ErrFilesRefused) {
			t.Errorf("%s: %v", name, err)
		}
		asked := 1
		if name == "401" {
			asked = 2 // once more with another token
		}
		if n := len(f.asked(picturePath)); n != asked || len(clk.waited()) != 0 {
			t.Errorf("%s: asked %d times, waited %v", name, n, clk.waited())
		}
	}
}

// A length that the body does not keep is found even where the transport does not
// look.
func TestFileOfAnotherLength(t *testing.T) {
	for _, length := range []int64{int64(len(picture)) + 1, int64(len(picture)) - 1} {
		c := secure(t, func(*http.Request) (*http.Response, error) {
			a := answered(strings.NewReader(picture))
			a.ContentLength = length
			return a, nil
		})
		if _, _, err := get(c, Link{URL: "https://va.fms.liveperson.net/a"}); !errors.Is(err, ErrCutBody) {
			t.Errorf("%d: %v", length, err)
		}
	}
}

func TestFileSinkFails(t *testing.T) {
	f := newFilesFake(t)
	f.on(picturePath, of("image/jpeg", picture))
	c, _ := f.client()
	full := errors.New("disk full")
	for name, sink := range map[string]*heldFile{"write": {failing: full}, "reset": {blocking: full}, "judge": {judging: full}} {
		if _, err := c.File(context.Background(), f.sealed(picturePath), 0, sink); err != full {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(f.asked(picturePath)); n != 3 {
		t.Errorf("asked %d times", n)
	}
}

func TestRefusedLinks(t *testing.T) {
	f := newFilesFake(t)
	c, _ := f.client()
	if _, _, err := get(c, Link{Err: errLongLink}); !errors.Is(err, ErrBadLink) {
		t.Errorf("of a link that is none: %v", err)
	}
	if _, _, err := get(c, Link{URL: "file:///etc/passwd"}); !errors.Is(err, ErrBadLink) || c.Requests() != 0 {
		t.Errorf("%v after %d requests", err, c.Requests())
	}
	f.on(domainPath(serviceFiles), status(404))
	if _, _, err := get(c, f.sealed(picturePath)); !errors.Is(err, ErrFilesRefused) || len(f.asked(picturePath)) != 0 {
		t.Errorf("no service: %v", err)
	}
	c, _ = f.client()
	f.on(domainPath(serviceFiles), f.domain(serviceFiles))
	f.on(tokenPath, status(401))
	if _, _, err := get(c, f.sealed(picturePath)); errors.Is(err, ErrLinkExpired) || mustAuthError(t, err).Op != "log in" {
		t.Errorf("login refused: %v", err)
	}
}

func TestFileRedirects(t *testing.T) {
	var seen []string
	moved := map[string]string{
		"va.fms.liveperson.net/to-storage": "https://va.swift.liveperson.net/a?sig=1", "va.fms.liveperson.net/relative": "a%2Fb?x", "va.fms.liveperson.net/evil": "https://evil.example/a",
		"va.fms.liveperson.net/plain": "http://va.swift.liveperson.net/a", "va.fms.liveperson.net/loop": "/loop", "va.fms.liveperson.net/user": "https://u:p@va.swift.liveperson.net/a",
		"va.fms.liveperson.net/nonsense": "https://hush%zz", "va.swift.liveperson.net/back": "https://va.fms.liveperson.net/a",
	}
	c := secure(t, func(r *http.Request) (*http.Response, error) {
		seen = append(seen, r.URL.String()+" "+r.Header.Get("Authorization"))
		a := answered(strings.NewReader(picture))
		if to, ok := moved[r.URL.Host+r.URL.Path]; ok {
			a.StatusCode = []int{301, 302, 303, 307, 308}[len(seen)%5]
			a.Header.Set("Location", to)
		}
		return a, nil
	})
	for from, test := range map[string]struct {
		want error
		seen []string
	}{
		"va.fms.liveperson.net/to-storage": {nil, []string{"https://va.fms.liveperson.net/to-storage Bearer t", "https://va.swift.liveperson.net/a?sig=1 "}},
		"va.fms.liveperson.net/relative":   {nil, []string{"https://va.fms.liveperson.net/relative Bearer t", "https://va.fms.liveperson.net/a%2Fb?x Bearer t"}},
		"va.swift.liveperson.net/back":     {nil, []string{"https://va.swift.liveperson.net/back ", "https://va.fms.liveperson.net/a Bearer t"}},
		"va.fms.liveperson.net/evil":       {&HostError{}, []string{"https://va.fms.liveperson.net/evil Bearer t"}},
		"va.fms.liveperson.net/plain":      {ErrBadLink, []string{"https://va.fms.liveperson.net/plain Bearer t"}},
		"va.fms.liveperson.net/user":       {ErrBadLink, []string{"https://va.fms.liveperson.net/user Bearer t"}},
		"va.fms.liveperson.net/nonsense":   {ErrBadLink, []string{"https://va.fms.liveperson.net/nonsense Bearer t"}},
		"va.fms.liveperson.net/loop":       {ErrRedirect, slices.Repeat([]string{"https://va.fms.liveperson.net/loop Bearer t"}, 4)},
	} {
		seen = nil
		_, held, err := get(c, Link{URL: "https://" + from})
		var host *HostError
		switch wantHost := errors.As(test.want, &host); {
		case test.want == nil && (err != nil || held.String() != picture),
			wantHost && (!errors.As(err, &host) || host.Host != "evil.example"), !wantHost && !errors.Is(err, test.want):
			t.Errorf("%s: %v", from, err)
		}
		if !slices.Equal(seen, test.seen) || err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: asked %q, %v", from, seen, err)
		}
	}
}

// Whatever goes wrong, a link's signature and what its host answers stay here.
func TestLinksStaySecret(t *testing.T) {
	echo := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://hush%zz/"+r.URL.RawQuery)
			w.WriteHeader(code)
			fmt.Fprintf(w, "<Error>%s %s</Error>", r.URL.RawQuery, r.URL.Path)
		}
	}
	for name, bad := range map[string]http.HandlerFunc{
		"400": echo(400), "401": echo(401), "403": echo(403), "429": echo(429), "500": echo(500), "302": echo(302), "206": echo(206), "no answer": hangUp, "cut": cut("hush", 2),
	} {
		f := newFilesFake(t)
		f.on(picturePath, bad)
		var log strings.Builder
		c, _ := f.client(func(c *Config) {
			c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		_, _, err := get(c, f.sealed(picturePath))
		if said := fmt.Sprintf("%v %+v %s", err, err, log.String()); err == nil || strings.Contains(said, "hush") || strings.Contains(said, "AUTH_async") {
			t.Errorf("%s: %s", name, said)
		}
	}
	f := newFilesFake(t)
	f.on(filesPath, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"items":["https://h.example/a?hush","hush`)
	})
	c, _ := f.client()
	if _, err := c.ConversationFiles(context.Background(), "c"); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("a list that is cut: %v", err)
	}
}

// Files share the bound, the pause and the counters with everything else.
func TestFilesAreCalls(t *testing.T) {
	f := newFilesFake(t)
	f.on(picturePath, status(429, "Retry-After", "7"), status(500), of("image/jpeg", picture))
	var ends []Result
	c, clk := f.client(func(c *Config) { c.Observe = func(r Result) { ends = append(ends, r) }; c.Concurrency = 1 })
	if _, _, err := get(c, f.sealed(picturePath)); err != nil {
		t.Fatal(err)
	}
	if want := []Result{ResultOK, ResultOK, ResultOK, ResultThrottled, ResultUnavailable, ResultOK}; !slices.Equal(ends, want) {
		t.Errorf("ended %v", ends) // look-up, look-up, login, and three attempts
	}
	if got := clk.waited(); !slices.Equal(got, seconds(7, 10)) || c.Requests() != 6 {
		t.Errorf("waited %v, %d requests", got, c.Requests())
	}
}

func TestSilenceEndsAFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inBubble(t, func(r *http.Request) (*http.Response, error) {
			return answered(stalling{r.Context(), strings.NewReader(picture)}), nil
		}, 1)
		start := time.Now()
		_, _, err := get(c, Link{URL: "http://localhost/a"})
		if api := mustAPIError(t, err); !errors.Is(api, ErrIdle) || time.Since(start) != 5*time.Minute+31*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestCancelledFile(t *testing.T) {
	f := newFilesFake(t)
	ctx, cancel := context.WithCancel(context.Background())
	var got heldFile
	f.on(picturePath, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, picture)
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	})
	c, clk := f.client()
	if _, err := c.File(ctx, f.sealed(picturePath), 0, &got); !errors.Is(err, context.Canceled) || len(clk.waited()) != 0 {
		t.Errorf("%v after %v", err, clk.waited())
	}
}

// Not even a host that a redirect names is looked at before it is allowed.
func TestRedirectsAskNobody(t *testing.T) {
	var asked atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Store(true) }))
	defer other.Close()
	f := newFilesFake(t)
	f.on(picturePath, status(302, "Location", other.URL+"/a"))
	c, _ := f.client()
	var h *HostError
	if _, _, err := get(c, f.sealed(picturePath)); !errors.As(err, &h) || asked.Load() {
		t.Errorf("%v, asked %v", err, asked.Load())
	}
}
