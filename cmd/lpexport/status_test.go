package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"lpexport/exporter"
	"lpexport/exporter/config"
)

// one is an account's status with which all is well, but for change.
func one(account, config string, change func(*statusResult)) accountStatus {
	lag := int64(200)
	r := newStatusResult()
	r.account, r.config, r.LagSeconds = account, config, &lag
	r.Destinations = append(r.Destinations, statusDestination{Name: "local"}, statusDestination{Name: "vault"})
	if change != nil {
		change(r)
	}
	return accountStatus{r, config, account}
}

func textOf(r result) string {
	var b strings.Builder
	r.text(&b)
	return b.String()
}

func TestStatusOfSeveralAccounts(t *testing.T) {
	seconds := func(n int64) *int64 { return &n }
	found := &statusesResult{Accounts: []accountStatus{
		one("12345678", "/etc/lpexport/a.yaml", nil),
		one("an-account-with-a-name-of-its-own", "b.yaml", func(r *statusResult) {
			r.LagSeconds, r.Quarantined, r.OpenBackfills, r.Events.Unconfirmed = seconds(400*24*3600), 9999999, 2, 3
			r.Destinations[0].Pending, r.Destinations[0].OldestPendingSeconds = 1234567, 47*3600+59*60
			r.Destinations[1] = statusDestination{Name: "vault", Pending: 7, LastError: "554 no\x1b[2J\nway", FailingSeconds: 3720, Left: 3}
		}),
		one("23456789", "c.yaml", func(r *statusResult) {
			r.Quarantined = 1
			r.Destinations[0] = statusDestination{Name: "local", Halted: true, LastError: "another host key"}
			r.Destinations[1] = statusDestination{Name: "vault", LastError: "no route", FailingSeconds: 59}
		}),
		one("34567890", "d.yaml", func(r *statusResult) { r.LagSeconds = nil }),
		one("45678901", "e.yaml", func(r *statusResult) { r.Destinations[0].Pending = 1 }),
		one("56789012", "f.yaml", func(r *statusResult) { r.Quarantined = 1 }),
		one("67890123", "g.yaml", func(r *statusResult) { r.Error = "read the checkpoint: not a database\nclose: no" }),
		one("", "/some/where/far/away/h\x1b.yaml", func(r *statusResult) { r.Error = "h.yaml:1: account: is required" }),
	}}
	want := `account                lag  pending  oldest  failing  quarantined  verdict
12345678                3m        0       -        0            0  good
…a-name-of-its-own    400d  1234574  47h59m        1      9999999  failing
23456789                3m        0       -        2            1  halted
34567890                 -        0       -        0            0  not begun
45678901                3m        1      0s        0            0  pending
56789012                3m        0       -        0            1  quarantine
67890123                 -        -       -        -            -  unreadable
…/far/away/h` + "\uFFFD" + `.yaml       -        -       -        -            -  unreadable

an-account-with-a-name-of-its-own: destination vault has been failing for 1h02m: 554 no` + "\uFFFD" + `[2J way
    lpexport check --config b.yaml
an-account-with-a-name-of-its-own: 9999999 items in quarantine
    lpexport quarantine list --config b.yaml
an-account-with-a-name-of-its-own: 3 files for destination vault not taken by the importer
    lpexport check --config b.yaml
an-account-with-a-name-of-its-own: history has not confirmed the events of 3 conversations
    lpexport export --from T --to T --config b.yaml
an-account-with-a-name-of-its-own: 2 backfills not finished
    lpexport status --list backfills --config b.yaml
23456789: destination local halts: another host key
    lpexport check --config c.yaml
23456789: destination vault has been failing for 59s: no route
    lpexport check --config c.yaml
23456789: 1 item in quarantine
    lpexport quarantine list --config c.yaml
34567890: no complete cycle yet
    lpexport export --config d.yaml
56789012: 1 item in quarantine
    lpexport quarantine list --config f.yaml
67890123: cannot be read: read the checkpoint: not a database
    lpexport check --config g.yaml
/some/where/far/away/h` + "\uFFFD" + `.yaml: cannot be read: h.yaml:1: account: is required
    lpexport config validate --config /some/where/far/away/h` + "\uFFFD" + `.yaml
`
	got := textOf(found)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	table, _, _ := strings.Cut(got, "\n\n")
	for line := range strings.Lines(table) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestStatusOfNoAccountIsSilent(t *testing.T) {
	if got := textOf(new(statusesResult)); got != "" {
		t.Errorf("got %q", got)
	}
}

// TestStatusOfSeveralHoldsTheObjectsOfEach: scripts read the same fields for one
// account and for several.
func TestStatusOfSeveralHoldsTheObjectsOfEach(t *testing.T) {
	keys := func(v any) []string {
		t.Helper()
		encoded, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var object map[string]any
		if err := json.Unmarshal(encoded, &object); err != nil {
			t.Fatal(err)
		}
		return slices.Sorted(maps.Keys(object))
	}
	several := one("12345678", "a.yaml", nil)
	alone := []string{"backfills", "checkpoint", "coverage", "destinations", "dismissed", "doubts", "events", "excluded", "exit", "failed_looks", "files", "given_up", "holes", "lag_seconds", "last_cycle", "namesakes", "open_backfills", "open_conversations", "partial", "quarantined", "schema", "unavailable", "unconfigured", "waiting"}
	if diff := cmp.Diff(alone, keys(several.statusResult)); diff != "" {
		t.Errorf("alone: (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(append(alone, "account", "config"))), keys(several)); diff != "" {
		t.Errorf("of several: (-want +got)\n%s", diff)
	}
}

// TestNextIsWhatIsBestSeenToFirst: one account's status names one command.
func TestNextIsWhatIsBestSeenToFirst(t *testing.T) {
	for want, change := range map[string]func(*statusResult){
		"lpexport export --config a.yaml": nil,
		"lpexport check --config a.yaml": func(r *statusResult) {
			r.Destinations[1].LastError, r.Quarantined = "no route", 1
		},
		"lpexport quarantine list --config a.yaml":         func(r *statusResult) { r.Quarantined, r.OpenBackfills = 1, 1 },
		"lpexport status --list backfills --config a.yaml": func(r *statusResult) { r.OpenBackfills = 1 },
		"lpexport recover --destination vault --config a.yaml": func(r *statusResult) {
			r.Destinations[1].Halted, r.Destinations[1].Command = true, "lpexport recover --destination vault --config a.yaml"
		},
	} {
		if got := one("12345678", "a.yaml", change).next(); got != want {
			t.Errorf("next is %s, want %s", got, want)
		}
	}
}

func TestStatusOfEvents(t *testing.T) {
	for _, c := range []struct {
		events statusEvents
		want   string // "": no line
	}{
		{statusEvents{}, ""},
		{statusEvents{Waiting: 2, OldestWaitingSeconds: 3720}, "events: 2 wait for history or their sender, the oldest for 1h02m\n"},
		{statusEvents{Unconfirmed: 1}, "events: history has not confirmed those of 1 conversation\n"},
		{statusEvents{1, 5, 2}, "events: 1 wait for history or their sender, the oldest for 5s; history has not confirmed those of 2 conversations\n"},
	} {
		r := newStatusResult()
		r.take(new(config.Config), exporter.Status{Checkpoint: "here", Events: exporter.EventStatus{
			Waiting: c.events.Waiting, Oldest: time.Duration(c.events.OldestWaitingSeconds) * time.Second, Unconfirmed: c.events.Unconfirmed,
		}}, time.Time{})
		if r.Events != c.events {
			t.Errorf("events are %+v, want %+v", r.Events, c.events)
		}
		line := ""
		for each := range strings.Lines(textOf(r)) {
			if strings.HasPrefix(each, "events: ") {
				line += each
			}
		}
		if line != c.want {
			t.Errorf("%+v: line is %q, want %q", c.events, line, c.want)
		}
	}
}
