package sandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// Transport answers requests to any host in this process, without a socket.
// Bodies are streamed: the account writes as fast as the caller reads.
func (a *Account) Transport() http.RoundTripper { return inProcess{a} }

type inProcess struct{ handler http.Handler }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	body := []byte{}
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	ctx := r.Context()
	in := r.Clone(ctx)
	in.Body = io.NopCloser(bytes.NewReader(body))
	if in.Host == "" {
		in.Host = in.URL.Host
	}
	in.RequestURI = in.URL.RequestURI()
	reader, writer := io.Pipe()
	w := &pipeWriter{header: http.Header{}, pipe: writer, started: make(chan *http.Response, 1), request: r, reader: reader}
	stop := context.AfterFunc(ctx, func() { writer.CloseWithError(context.Cause(ctx)) })
	go func() {
		defer stop()
		err := w.serve(t.handler, in)
		w.failed = err
		if err == nil {
			w.WriteHeader(http.StatusOK)
		}
		writer.CloseWithError(err)
		close(w.started)
	}()
	select {
	case response, ok := <-w.started:
		if !ok {
			return nil, w.failed
		}
		return response, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// pipeWriter is the ResponseWriter of a request that never leaves the process.
type pipeWriter struct {
	header  http.Header
	request *http.Request
	reader  *io.PipeReader
	pipe    *io.PipeWriter
	once    sync.Once
	started chan *http.Response
	failed  error
}

// serve runs the handler; a connection that the handler aborts ends like one
// that was cut.
func (w *pipeWriter) serve(h http.Handler, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if cause, ok := p.(error); !ok || !errors.Is(cause, http.ErrAbortHandler) {
				panic(p)
			}
			err = io.ErrUnexpectedEOF
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(code int) {
	w.once.Do(func() {
		length := int64(-1)
		if n, err := strconv.ParseInt(w.header.Get("Content-Length"), 10, 64); err == nil {
			length = n
		}
		w.started <- &http.Response{
			Status: strconv.Itoa(code) + " " + http.StatusText(code), StatusCode: code,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: w.header.Clone(), Body: w.reader, ContentLength: length, Request: w.request,
		}
	})
}

func (w *pipeWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(b)
}

// FlushError does nothing: every write reaches the reader at once.
func (w *pipeWriter) FlushError() error { return nil }
