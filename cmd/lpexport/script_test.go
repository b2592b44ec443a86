package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/rogpeppe/go-internal/testscript"

	"lpexport/liveperson/sandbox"
)

// scriptCommands are what scripts have besides testscript's own.
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"account": account,
	"daysago": daysago,
	"exits":   exits,
	"field":   field,
	"flip":    flip,
	"hold":    hold,
	"pgpkey":  pgpkey,
}

// atRest is an account whose last entry is days old. It answers a log-in with
// the sandbox's default credentials.
func atRest() sandbox.Settings {
	return sandbox.Settings{
		Account: sandboxAccount, Seed: 7, Conversations: 20, Period: 5 * 24 * time.Hour,
		Epoch: time.Now().Add(-20 * 24 * time.Hour).Truncate(24 * time.Hour),
	}
}

// account is the script command "account KIND": it serves an account at rest
// and puts its URL into $URL. KIND is rest, denied (it knows nobody's
// credentials), broken (a record cannot be named), cutshort (a record lacks messages,
// and another can be had in no other way than cut short), fileless (it gives nobody files),
// lossy (it has none of the files that messages name), heavy (each has 100 KB), busy
// (its first search asks to be left alone for a day) or elsewhere (the Domain API
// names somebody else's host for log-ins).
func account(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: account KIND")
	}
	settings := atRest()
	switch args[0] {
	case "rest":
	case "denied":
		settings.Credentials = sandbox.Credentials{ClientID: "another", ClientSecret: "another"}
	case "fileless":
		settings.Files.Refused = true
	case "lossy":
		settings.Files.Absent = 1
	case "busy":
		settings.Faults = []sandbox.Fault{{Kind: sandbox.Status, Route: sandbox.Search, Nth: []int{1}, RetryAfter: "86400"}}
	case "elsewhere":
		settings.Hosts = map[string]string{"sentinel": "evil.example"}
	case "heavy":
		settings.Files.Size = 100_000
	case "broken":
		settings.Faults = []sandbox.Fault{{Kind: sandbox.NoID, Numbers: []int{3}}}
	case "cutshort":
		settings.Faults = []sandbox.Fault{{Kind: sandbox.MessagesGone, Numbers: []int{3}}, {Kind: sandbox.NotFound, Code: 400, Numbers: []int{5}}, {Kind: sandbox.PartialRecord, Numbers: []int{5}}}
	default:
		ts.Fatalf("no account %q", args[0])
	}
	server := httptest.NewServer(sandbox.New(settings))
	ts.Defer(server.Close)
	ts.Setenv("URL", server.URL)
}

// daysago sets a variable to the UTC day that was so many days ago.
func daysago(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: daysago VARIABLE DAYS")
	}
	days, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Setenv(args[0], time.Now().UTC().AddDate(0, 0, -days).Format(time.DateOnly))
}

// hold is the script command "hold FILE": it holds the lock of a file until
// the script ends, as another process would.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold FILE")
	}
	lock := flock.New(ts.MkAbs(args[0]))
	held, err := lock.TryLock()
	ts.Check(err)
	if !held {
		ts.Fatalf("%s is held already", args[0])
	}
	ts.Defer(func() { lock.Close() })
}

// pgpkey is the script command "pgpkey FILE": it writes a public key that can be
// encrypted to.
func pgpkey(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: pgpkey FILE")
	}
	_, text, err := newArchiveKey(nil)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
}

// flip is the script command "flip FILE": it changes one bit in the middle.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: flip FILE")
	}
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	data[len(data)/2] ^= 1
	ts.Check(os.WriteFile(path, data, 0o600))
}

// exits is the script command "exits CODE PROGRAM ARGS…": it runs a program,
// prints what it printed, and wants that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// field is the script command "field PATH VALUE": stdout is one JSON object
// that begins with its schema, and VALUE is what stands at the dotted PATH,
// as JSON or as the text of a string.
func field(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: field PATH VALUE")
	}
	text := ts.ReadFile("stdout")
	if !strings.HasPrefix(text, `{"schema":"lpexport/`) {
		ts.Fatalf("stdout does not begin with a schema: %.80q", text)
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	ts.Check(decoder.Decode(&value))
	if decoder.More() {
		ts.Fatalf("stdout holds more than one JSON object")
	}
	for _, key := range strings.Split(args[0], ".") {
		switch in := value.(type) {
		case map[string]any:
			at, ok := in[key]
			if !ok {
				ts.Fatalf("no %s in %s", key, text)
			}
			value = at
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(in) {
				ts.Fatalf("no [%s] in %s", key, text)
			}
			value = in[i]
		default:
			ts.Fatalf("no %s in %v", key, value)
		}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	ts.Check(encoder.Encode(value))
	got := strings.TrimSpace(out.String())
	if word, ok := value.(string); ok {
		got = word
	}
	if (got == args[1]) == neg {
		ts.Fatalf("%s is %s, want %s", args[0], got, fmt.Sprintf("%s (not: %v)", args[1], neg))
	}
}
