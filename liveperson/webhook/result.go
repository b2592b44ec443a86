package webhook

import (
	"io"
	"net/http"
)

// Result is what became of a request.
type Result string

// All results there are. But for ShapeChanged, a request has exactly one.
const (
	Stored         Result = "stored"        // durable, answered 200
	WrongPath      Result = "path"          // 404
	WrongMethod    Result = "method"        // 405
	WrongClient    Result = "client"        // 401: no client id, another's, or two
	WrongAccount   Result = "account"       // 401: no account, another, or two
	Unsigned       Result = "unsigned"      // 401: no signature in a published shape, or two
	WrongSignature Result = "signature"     // 401: not made with our secrets over these bytes
	TooLarge       Result = "size"          // 413
	Unreadable     Result = "unreadable"    // 400: the body ended early, or did not come in time
	Busy           Result = "busy"          // 503: too many at once; the body was not read, or not to its end
	NotStored      Result = "store"         // 503: Store failed
	ShapeChanged   Result = "shape_changed" // counted beside Stored: genuine, but not in the shape that is expected
)

// results say how each is answered, and what alarms an operator where a request
// with our client id ends so: a fact, the likely cause, what to do.
var results = map[Result]struct {
	status int
	reason string
}{
	Stored:       {http.StatusOK, ""},
	ShapeChanged: {http.StatusOK, ""},
	WrongPath:    {http.StatusNotFound, ""},
	WrongMethod:  {http.StatusMethodNotAllowed, ""},
	WrongClient:  {http.StatusUnauthorized, ""},
	WrongAccount: {http.StatusUnauthorized, "events with our client id are of another account: " +
		"check account, and in which account the app of webhook.client_id is installed"},
	Unsigned: {http.StatusUnauthorized, "events with our client id have no signature of a known shape: " +
		"a proxy removes or changes X-Liveperson-Signature, or somebody else sends them"},
	WrongSignature: {http.StatusUnauthorized, "events with our client id have a wrong signature: " +
		"the client secret is wrong or was rotated; set webhook.client_secret, and webhook.previous_client_secret while rotating"},
	TooLarge: {http.StatusRequestEntityTooLarge, "events with our client id are larger than the limit: " +
		"they come by history only; run lpexport status"},
	Unreadable: {http.StatusBadRequest, "events with our client id do not arrive whole: " +
		"check the network and the proxy in front"},
	Busy: {http.StatusServiceUnavailable, "more events at once than the limit: " +
		"storing is slow, or somebody sends too many; check the disk and run lpexport status"},
	NotStored: {http.StatusServiceUnavailable, "events cannot be stored: " +
		"check the disk and run lpexport status; LivePerson sends them again for as long as retention_time allows"},
}

// answer tells the sender no more than it needs: whoever tries out secrets or
// accounts learns nothing from the difference.
func answer(w http.ResponseWriter, result Result) {
	switch result {
	case Stored:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	case WrongMethod:
		w.Header().Set("Allow", http.MethodPost)
	}
	w.WriteHeader(results[result].status)
	if result == Stored {
		_, _ = io.WriteString(w, "OK") // a sender that has hung up sends it again
	}
}
