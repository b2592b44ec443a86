package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

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
