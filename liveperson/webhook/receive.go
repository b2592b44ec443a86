package webhook

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
)

// The headers that come with an event. Only the body is signed: these two ids
// say whose it claims to be.
const (
	accountHeader   = "X-Liveperson-Account-Id"
	clientHeader    = "X-Liveperson-Client-Id"
	signatureHeader = "X-Liveperson-Signature"
)

// A body above smallBody is read only with one of few slots, so that the memory
// for bodies is bounded whatever is sent: 512 small and 4 large are 64 MiB. Events
// are about 1 KiB; those with a picture's preview are the largest known, 40 KiB.
const (
	smallBody   = 64 << 10
	largeAtOnce = 4
)

// slots bounds what is done at once. Nobody waits for one.
type slots chan struct{}

func (s slots) take() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) release() { <-s }

// ServeHTTP takes one event.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	result := r.receive(w, req)
	r.counts[result].Add(1)
	if result == TooLarge {
		r.drain(req)
	}
	answer(w, result)
}

// Of a body that is too large, so much is read and thrown away, of so many at once.
const (
	mostDrained   = 64 << 20
	drainedAtOnce = 4
)

// drain lets a sender finish that looks for an answer only when it has sent all, as
// most do on HTTP/1: a connection that is closed before shows it a reset in the place
// of the 413. The server's time for a request bounds it too.
func (r *Receiver) drain(req *http.Request) {
	if req.ProtoMajor > 1 || req.Header.Get("Expect") != "" || !r.drains.take() {
		return
	}
	defer r.drains.release()
	_, _ = io.CopyN(io.Discard, req.Body, mostDrained) // whoever sends more has to live with a reset
}

// receive goes from what costs least to what costs most: whoever does not even
// know our client id costs neither memory nor a hash.
func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) Result {
	if result := r.foreign(req); result != "" {
		r.set.Log.LogAttrs(req.Context(), slog.LevelDebug, "request refused", slog.String("result", string(result)))
		return result
	}
	claimed, result := r.claim(req)
	if result != "" {
		return r.refuse(result, nil)
	}
	if !r.inFlight.take() {
		return r.refuse(Busy, nil)
	}
	defer r.inFlight.release()
	body, release, result := r.read(w, req)
	defer release()
	if result != "" {
		return r.refuse(result, nil)
	}
	if !r.keys.Load().signed(claimed, body) {
		return r.refuse(WrongSignature, nil)
	}
	if err := r.set.Store(context.WithoutCancel(req.Context()), body); err != nil {
		return r.refuse(NotStored, err)
	}
	r.stored(claimed.shape)
	return Stored
}

// foreign tells what is wrong with a request that is not meant for us.
func (r *Receiver) foreign(req *http.Request) Result {
	client, one := single(req.Header, clientHeader)
	switch {
	case req.URL.Path != r.set.Path:
		return WrongPath
	case req.Method != http.MethodPost:
		return WrongMethod
	case !one || client != r.set.ClientID:
		return WrongClient
	}
	return ""
}

// claim returns the signature that a request with our client id brings. What the
// head alone shows to be wrong is refused before the body is read.
func (r *Receiver) claim(req *http.Request) (signature, Result) {
	if account, one := single(req.Header, accountHeader); !one || account != r.set.Account {
		return signature{}, WrongAccount
	}
	value, one := single(req.Header, signatureHeader)
	claimed, ok := parseSignature(value)
	switch {
	case !one || !ok:
		return signature{}, Unsigned
	case req.ContentLength > r.set.MaxBody:
		return signature{}, TooLarge
	}
	return claimed, ""
}

// single is the value of a header that came exactly once: of two, another reader
// on the way may have believed the other.
func single(h http.Header, name string) (string, bool) {
	values := h[name]
	if len(values) != 1 {
		return "", false
	}
	return values[0], true
}

// read takes the whole body as it came: what Content-Encoding says is not looked
// at. Memory is given as bytes arrive, not as they are announced. release ends
// what the body holds, and is never nil.
func (r *Receiver) read(w http.ResponseWriter, req *http.Request) (body []byte, release func(), _ Result) {
	release = func() {}
	arriving := http.MaxBytesReader(w, req.Body, r.set.MaxBody)
	announced := max(0, min(req.ContentLength, smallBody))
	b := bytes.NewBuffer(make([]byte, 0, announced+bytes.MinRead)) // one allocation where the length is known
	_, err := b.ReadFrom(io.LimitReader(arriving, smallBody+1))
	if err == nil && b.Len() > smallBody {
		if !r.large.take() {
			return nil, release, Busy
		}
		release = r.large.release
		_, err = b.ReadFrom(arriving)
	}
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, release, TooLarge
	}
	if err != nil {
		return nil, release, Unreadable
	}
	return b.Bytes(), release, ""
}

// refuse notes that a request with our client id is not taken.
func (r *Receiver) refuse(result Result, err error) Result {
	r.alarm.raise(slog.LevelError, results[result].reason, err)
	return result
}

// stored notes a genuine event. One of another shape than expected is no less
// genuine: to refuse it would lose it.
func (r *Receiver) stored(shape Shape) {
	now := r.set.Now()
	r.lastAt.Store(&now)
	if r.set.Signature == "" || shape == r.set.Signature {
		r.alarm.clear()
		return
	}
	r.counts[ShapeChanged].Add(1)
	r.alarm.raise(slog.LevelWarn, "events are signed in the shape "+string(shape)+", not "+string(r.set.Signature)+
		": they are taken; if LivePerson was asked to change it, set webhook.signature", nil)
}
