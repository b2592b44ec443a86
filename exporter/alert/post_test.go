package alert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lpexport/exporter"
)

// postWatch looks at an account in which one item waits, and tells it to url.
func postWatch(t *testing.T, url string, client *http.Client, log *strings.Builder) *Watch {
	t.Helper()
	w, err := New(Settings{
		Bounds: bounds, URL: url, Account: "12345678", Client: client,
		Overview: func(context.Context) (exporter.Overview, error) {
			return calm(func(o *exporter.Overview) { o.Quarantined = 1 }), nil
		},
		Log: slog.New(slog.NewTextHandler(log, nil)), Now: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestPostIsMadeAgainUntilItIsTaken(t *testing.T) {
	var got []string
	status := http.StatusServiceUnavailable
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, fmt.Sprintf("%s %s %s %s", r.Method, r.URL, r.Header.Get("Content-Type"), body))
		rw.WriteHeader(status)
	}))
	defer server.Close()
	var log strings.Builder
	w := postWatch(t, server.URL+"/hook?token=secret", nil, &log)
	for _, status = range []int{503, 302, 404, 202, 200} {
		w.Look(t.Context())
	}
	want := `POST /hook?token=secret application/json {"schema":"lpexport/alert/v1","account":"12345678","at":"2026-03-02T12:00:00Z","conditions":[` +
		`{"name":"quarantine","subject":"","state":"firing","since":"2026-03-02T12:00:00Z","text":"1 item waits for a person","hint":"lpexport quarantine list"}]}` + "\n"
	if len(got) != 4 {
		t.Fatalf("%d requests: %q", len(got), got)
	}
	for _, each := range got {
		if each != want {
			t.Errorf("got %s, want %s", each, want)
		}
	}
	for _, part := range []string{"alert to " + server.URL + ": status 503", ": status 302", ": status 404", "alerts are told again"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("%q is not in the log:\n%s", part, &log)
		}
	}
}

func TestPostDoesNotFollowRedirects(t *testing.T) {
	followed := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed++ }))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	for _, client := range []*http.Client{nil, server.Client()} {
		var log strings.Builder
		postWatch(t, server.URL, client, &log).Look(t.Context())
		if followed != 0 || !strings.Contains(log.String(), "status 307") {
			t.Errorf("followed %d times, log: %s", followed, &log)
		}
	}
}

// TestPostKeepsTheURLToItself makes a request fail in every way in which Go's
// client quotes what it was asked for.
func TestPostKeepsTheURLToItself(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Location", "http://%zz"+r.URL.String())
		rw.WriteHeader(http.StatusFound)
	}))
	defer echo.Close()
	rude := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer rude.Close()
	strange := httptest.NewTLSServer(http.NotFoundHandler())
	defer strange.Close()
	strange.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for base, want := range map[string]string{
		echo.URL:    "the request failed",
		rude.URL:    "the connection ended without an answer",
		strange.URL: "certificate",
		closed.URL:  "connect",
		strings.Replace(closed.URL, "http://", "http://user:secret@", 1): "connect",
		strings.Replace(rude.URL, "http://", "https://", 1):              http.ErrSchemeMismatch.Error(),
	} {
		var log strings.Builder
		postWatch(t, base+"/secret?token=secret#secret", nil, &log).Look(t.Context())
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s: %q is not in the log: %s", base, want, &log)
		}
		if strings.Contains(log.String(), "secret") {
			t.Errorf("%s: the log shows the URL: %s", base, &log)
		}
	}
}

// silent never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestPostHasTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		w := postWatch(t, "https://alerts.example/secret", &http.Client{Transport: silent{}}, &log)
		began := time.Now()
		w.Look(t.Context())
		if took := time.Since(began); took != 10*time.Second || !strings.Contains(log.String(), "alert to https://alerts.example: no answer within 10s") {
			t.Errorf("after %v: %s", took, &log)
		}
	})
}

func TestPostThatIsStoppedSaysSo(t *testing.T) {
	w := postWatch(t, "https://alerts.example/secret", &http.Client{Transport: silent{}}, new(strings.Builder))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := w.tell(ctx, testNotification()); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "secret") {
		t.Errorf("error is %v", err)
	}
}
