package listener

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
)

// guarded logs where a handler panicked and ends that request only. What a panic
// says may be of a message; where it happened is not.
func guarded(h http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v != http.ErrAbortHandler {
				log.Error("a request failed by a fault of this program", "panic", describe(v), "stack", string(debug.Stack()))
			}
			panic(http.ErrAbortHandler) // the server closes the connection, and logs nothing
		}()
		h.ServeHTTP(w, r)
	})
}

// describe is the text of the runtime's own panics, which hold no data, and the
// type of all others.
func describe(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", v)
}
