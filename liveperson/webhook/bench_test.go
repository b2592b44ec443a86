package webhook

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkReceiver is one event of a usual size, without HTTP and storing.
func BenchmarkReceiver(b *testing.B) {
	body := strings.Repeat("x", 700)
	for _, shape := range Shapes() {
		for _, secrets := range [][]string{{testSecret}, {testSecret, testPrevious}} {
			b.Run(fmt.Sprintf("%s/%d", shape, len(secrets)), func(b *testing.B) {
				r, err := New(Settings{
					Account: testAccount, Path: testPath, ClientID: testClient, Secrets: secrets,
					Store: func(context.Context, []byte) error { return nil }, Log: slog.New(slog.DiscardHandler),
				})
				if err != nil {
					b.Fatal(err)
				}
				req := event(body, sign(shape, testSecret, body))
				arriving := strings.NewReader(body)
				req.Body = io.NopCloser(arriving)
				w := &discard{header: make(http.Header)}
				b.ReportAllocs()
				for b.Loop() {
					arriving.Reset(body)
					r.ServeHTTP(w, req)
				}
				if w.status != http.StatusOK {
					b.Errorf("status %d", w.status)
				}
			})
		}
	}
}

// discard is an answer that goes nowhere.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }
