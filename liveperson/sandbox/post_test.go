package sandbox

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestTimeOuts: a receiver that cannot be reached, or does not answer, costs
// 5 seconds; one whose answer does not end, 10.
func TestTimeOuts(t *testing.T) {
	pipe := func(serve func(net.Conn)) dialer {
		return func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go serve(server)
			return client, nil
		}
	}
	for name, c := range map[string]struct {
		dial dialer
		want time.Duration
	}{
		"no connection": {func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}, 5 * time.Second},
		"no answer": {pipe(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), 5 * time.Second},
		"no end": {pipe(func(c net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nO")
			_, _ = io.Copy(io.Discard, c)
		}), 10 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := New(Settings{}).NewSender(SenderSettings{URL: "http://192.0.2.1/", Client: newClient(1, c.dial)})
			began := time.Now()
			status, err := s.attempt(t.Context(), []byte("{}"))
			if took := time.Since(began); took != c.want || err == nil == (status == 0) {
				t.Errorf("%s: %d, %v after %v, want %v", name, status, err, took, c.want)
			}
			s.client.CloseIdleConnections()
		})
	}
}

// TestRedirectionIsNoYes: where LivePerson is sent elsewhere it does not go.
func TestRedirectionIsNoYes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		client := newClient(1, func(context.Context, string, string) (net.Conn, error) {
			c, server := net.Pipe()
			go func() {
				defer server.Close()
				if _, err := http.ReadRequest(bufio.NewReader(server)); err != nil {
					t.Error(err)
				}
				asked++
				_, _ = io.WriteString(server, "HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			}()
			return c, nil
		})
		s := New(Settings{}).NewSender(SenderSettings{URL: "http://192.0.2.1/", Client: client})
		if status, err := s.attempt(t.Context(), []byte("{}")); status != http.StatusTemporaryRedirect || err != nil || asked != 1 {
			t.Errorf("%d, %v, asked %d times", status, err, asked)
		}
	})
}
