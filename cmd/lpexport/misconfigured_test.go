package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// installation is what a firm has set up, all of it right. A misconfiguration
// changes one thing.
type installation struct {
	dir          string
	account      sandbox.Settings
	liveperson   map[string]string // keys of liveperson, YAML
	more         string            // top-level keys, YAML
	destination  string            // flow mapping
	clock        time.Duration     // ahead of the true time
	domainAPI    string            // "": the account's
	serveAccount bool
}

func newInstallation(t *testing.T) *installation {
	dir := t.TempDir()
	return &installation{
		dir: dir, account: atRest(), serveAccount: true,
		liveperson:  map[string]string{"oauth2": "{client_id: sandbox-client, client_secret: sandbox-client-secret}"},
		destination: fmt.Sprintf("{name: local, archive: generic, from: all, directory: {path: %q}}", filepath.Join(dir, "out")),
	}
}

// file puts a file into the installation and returns its path.
func (i *installation) file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(i.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// check runs `lpexport check` in it.
func (i *installation) check(t *testing.T) (found checkResult, code int) {
	t.Helper()
	url := i.domainAPI
	if i.serveAccount && url == "" {
		server := httptest.NewServer(sandbox.New(i.account))
		t.Cleanup(server.Close)
		url = server.URL
	}
	text := fmt.Sprintf("account: %s\nstate: %q\n%s\nliveperson:\n  domain_api: %q\n", sandboxAccount, filepath.Join(i.dir, "state"), i.more, url)
	for key, value := range i.liveperson {
		text += "  " + key + ": " + value + "\n"
	}
	text += "destinations:\n  - " + i.destination + "\n"
	var out, talk bytes.Buffer
	p := &program{
		stdout: &out, stderr: &talk,
		now:  func() time.Time { return time.Now().Add(i.clock) },
		wait: func(context.Context, time.Duration) error { return nil },
	}
	code = p.execute(context.Background(), []string{"check", "--json", "--config", i.file(t, "config.yaml", []byte(text))})
	if err := json.Unmarshal(out.Bytes(), &found); err != nil {
		t.Fatalf("%v: %s%s", err, out.Bytes(), talk.Bytes())
	}
	return found, code
}

// faults are the checks that found something.
func (r *checkResult) faults() (list []tried) {
	for _, each := range r.Checks {
		if !each.Good && each.Awaits == "" {
			list = append(list, each)
		}
	}
	return list
}

func TestAnInstallationThatIsRightHasNoFault(t *testing.T) {
	found, code := newInstallation(t).check(t)
	if code != exitDone || len(found.faults()) != 0 {
		t.Errorf("exit code %d, %+v", code, found.faults())
	}
}

// TestEachMisconfigurationIsNamedWithItsRemedy seeds what doc/check.md lists, one at
// a time: check has to find it, once, and to name the remedy that the manual has.
func TestEachMisconfigurationIsNamedWithItsRemedy(t *testing.T) {
	rows := manualRows(t)
	for _, row := range rows {
		seed := misconfigurations[row.wrong]
		if seed == nil {
			t.Errorf("nothing seeds %q", row.wrong)
			continue
		}
		t.Run(row.wrong, func(t *testing.T) {
			i := newInstallation(t)
			seed(t, i)
			found, code := i.check(t)
			faults := found.faults()
			if code == exitDone || len(faults) != 1 {
				t.Fatalf("exit code %d, %d faults: %+v", code, len(faults), faults)
			}
			if !reads(faults[0].Name+": "+faults[0].Detail, row.said) || !reads(faults[0].Remedy, row.remedy) {
				t.Errorf("check says %s: %s\nremedy %q\nthe manual has %q and %q", faults[0].Name, faults[0].Detail, faults[0].Remedy, row.said, row.remedy)
			}
		})
	}
	if len(rows) != len(misconfigurations) {
		t.Errorf("the manual has %d of %d misconfigurations", len(rows), len(misconfigurations))
	}
}

// reads reports whether a text has the parts between the dots of what the manual has.
func reads(text, manual string) bool {
	for part := range strings.SplitSeq(manual, "…") {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return true
}

// manualRow is one line of the manual's table.
type manualRow struct{ wrong, said, remedy string }

func manualRows(t *testing.T) (rows []manualRow) {
	t.Helper()
	manual, err := os.ReadFile(filepath.Join("..", "..", "doc", "check.md"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(manual)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 3 || strings.HasPrefix(cells[0], " ---") || strings.TrimSpace(cells[0]) == "what is wrong" {
			continue
		}
		for c := range cells {
			if cells[c] = strings.TrimSpace(cells[c]); c > 0 {
				cells[c] = strings.Trim(cells[c], "`")
			}
		}
		rows = append(rows, manualRow{cells[0], cells[1], cells[2]})
	}
	return rows
}
