package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// eleven is one of the configurations at work.
type eleven struct {
	t *testing.T
	expected
	name   string
	config string
	state  string
	env    []string
	span   span
	place  place
	key    *keyPair // nil: not encrypted
}

// newEleven prepares what the configuration names. It skips the test if that
// needs a server which does not run.
func newEleven(t *testing.T, name string, span span) *eleven {
	t.Helper()
	config, err := filepath.Abs("../../testdata/eleven/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	e := &eleven{t: t, expected: elevens[name], name: name, config: config, state: filepath.Join(t.TempDir(), "state"), span: span}
	e.set("STATE", e.state)
	e.prepare(string(text))
	return e
}

// edit replaces parts of the configuration, each of which must be there.
func (e *eleven) edit(replace ...string) {
	e.t.Helper()
	raw, err := os.ReadFile(e.config)
	if err != nil {
		e.t.Fatal(err)
	}
	text := string(raw)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			e.t.Fatalf("no %q in %s", replace[i], e.config)
		}
		text = strings.ReplaceAll(text, replace[i], replace[i+1])
	}
	e.config = filepath.Join(e.t.TempDir(), "config.yaml")
	if err := os.WriteFile(e.config, []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

func (e *eleven) set(name, value string) { e.env = append(e.env, "ELEVEN_"+name+"="+value) }

// command is the program with this configuration.
func (e *eleven) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(e.t.Context(), "lpexport", append(args, "--config", e.config, "--json", "--progress", "never")...)
	cmd.Env = append(os.Environ(), e.env...)
	return cmd
}

// exporting is the command that backfills the span.
func (e *eleven) exporting() *exec.Cmd {
	return e.command("export", "--destination", e.name, "--from", e.span.from.Format(time.DateOnly), "--to", e.span.to.Format(time.DateOnly))
}

// must runs a command that must end with 0, and decodes what it found.
func (e *eleven) must(cmd *exec.Cmd, result any) {
	e.t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		e.t.Fatalf("%q: %v\n%s%s", cmd.Args, err, &out, &errs)
	}
	if err := json.Unmarshal(out.Bytes(), result); err != nil {
		e.t.Fatalf("%q: %v\n%s", cmd.Args, err, &out)
	}
}

func (e *eleven) check() {
	e.t.Helper()
	var found checkResult
	e.must(e.command("check"), &found)
	i := slices.IndexFunc(found.Checks, func(c tried) bool { return c.Name == "destination "+e.name })
	if i < 0 || !strings.Contains(strings.Join(found.Checks[i].Facts, "\n"), e.fact) {
		e.t.Errorf("check does not tell %q: %+v", e.fact, found.Checks)
	}
}

func (e *eleven) export(again bool) {
	e.t.Helper()
	var found exportResult
	e.must(e.exporting(), &found)
	want := exportDestination{Name: e.name}
	if !again {
		for _, c := range e.span.truth {
			want.Slices++
			want.Messages += len(c.Messages)
		}
		want.Bundles = found.Destinations[0].Bundles
	}
	if !found.Complete || len(found.Destinations) != 1 || found.Destinations[0] != want || again == (want.Bundles > 0) {
		e.t.Errorf("exported %+v, want %+v", found, want)
	}
}

func (e *eleven) verify() {
	e.t.Helper()
	var found verifyResult
	if e.must(e.command("verify"), &found); found.Bundles == 0 || len(found.Problems) > 0 {
		e.t.Errorf("verified: %+v", found)
	}
}

func (e *eleven) status() statusDestination {
	e.t.Helper()
	var found statusResult
	if e.must(e.command("status"), &found); len(found.Destinations) != 1 {
		e.t.Fatalf("status: %+v", found)
	}
	return found.Destinations[0]
}
