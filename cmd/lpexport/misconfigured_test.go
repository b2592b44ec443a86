package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// seeds are configurations with one fault each, by the number of its row in the
// table of the manual. A seed returns what stands below "- name: d" in the
// configuration.
var seeds = map[string]func(t *testing.T) string{}

// manualRow is a row of the table: which fault, what check ends with, and how the
// remedy begins that it names first.
type manualRow struct{ number, fault, exit, remedy string }

var tableRow = regexp.MustCompile(`(?m)^\| ([A-Z][0-9]+) \| ([^|]+) \| ([0-9]+) \| ([^|]+) \|$`)

func manualRows(t *testing.T) (rows []manualRow) {
	t.Helper()
	text, err := os.ReadFile("../../doc/check.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range tableRow.FindAllStringSubmatch(string(text), -1) {
		rows = append(rows, manualRow{m[1], m[2], m[3], strings.ReplaceAll(m[4], "`", "")})
	}
	return rows
}

// TestCheckNamesEachMisconfiguration seeds each fault of the manual's table: check
// finds it, once, and names the right remedy first.
func TestCheckNamesEachMisconfiguration(t *testing.T) {
	rows := manualRows(t)
	if len(rows) < 20 || len(rows) != len(seeds)+len(accountSeeds) {
		t.Errorf("%d rows in the manual, %d and %d seeds", len(rows), len(seeds), len(accountSeeds))
	}
	for _, row := range rows {
		check := func(t *testing.T) checkResult { return checkWith(t, seeds[row.number](t)) }
		if seed := accountSeeds[row.number]; seed != nil {
			check = func(t *testing.T) checkResult {
				i := newInstallation(t)
				seed(t, i)
				return i.check(t)
			}
		} else if seeds[row.number] == nil {
			t.Errorf("%s: no seed", row.number)
			continue
		}
		t.Run(row.number, func(t *testing.T) {
			t.Parallel()
			found := check(t)
			faults := found.faults()
			if len(faults) != 1 || (faults[0].Name == "destination d") == (accountSeeds[row.number] != nil) {
				t.Fatalf("%s: faults %+v", row.fault, faults)
			}
			if remedy := strings.ReplaceAll(faults[0].Remedy, "`", ""); !strings.HasPrefix(remedy, row.remedy) || fmt.Sprint(found.Exit) != row.exit {
				t.Errorf("%s: exit %d, %s\n got: %s\nwant: %s", row.fault, found.Exit, faults[0].Detail, faults[0].Remedy, row.remedy)
			}
		})
	}
}

// TestCheckOfWhatIsRight: what the seeds start from is no fault.
func TestCheckOfWhatIsRight(t *testing.T) {
	for name, good := range map[string]string{
		"sftp": newStubSFTP(t).config(nil), "drop": newStubSFTP(t).drop("/"), "s3": newStubS3(t).config(nil), "directory": directoryAt(t.TempDir()),
	} {
		if found := checkWith(t, good); found.Exit != 0 {
			t.Errorf("%s: %+v", name, found.Checks)
		}
	}
	if found := newInstallation(t).check(t); found.Exit != 0 {
		t.Errorf("account: %+v", found.Checks)
	}
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

// checkWith runs check for the simulated account with a destination d.
func checkWith(t *testing.T, destination string) (found checkResult) {
	t.Helper()
	dir := t.TempDir()
	archive := "generic"
	switch {
	case strings.Contains(destination, "layout: drop"):
		archive = "enterprise-vault"
	case strings.Contains(destination, "smtp:"):
		archive = "proofpoint"
	}
	text := "account: sandbox\nstate: " + filepath.Join(dir, "state") + "\nserve: {listen: \"\"}\n" + identityForAll +
		"destinations:\n  - name: d\n    archive: " + archive + "\n    from: all\n" + destination + "\n"
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, talk bytes.Buffer
	p := &program{stdout: &out, stderr: &talk, now: time.Now}
	p.execute(t.Context(), []string{"check", "--json", "--config", file})
	if err := json.Unmarshal(out.Bytes(), &found); err != nil || len(found.Checks) == 0 {
		t.Fatalf("%v\n%s\n%s", err, out.String(), talk.String())
	}
	return found
}

const identityForAll = `identity: {internal_domains: [firm.example], consumer_domain: c.firm-archive.example, bot_domain: bots.firm-archive.example}
`

func directoryAt(path string) string { return "    directory: {path: " + path + "}\n" }
