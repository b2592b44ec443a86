package page

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/exporter"
	"lpexport/exporter/monitor/overviewtest"
)

var now = overviewtest.Now

// Each thing that can be wrong gives one sentence, with what to type next.
func TestSentence(t *testing.T) {
	destination := func(d exporter.DestinationStatus) func(*exporter.Overview) {
		return func(o *exporter.Overview) { o.Destinations = append(o.Destinations, d) }
	}
	for _, test := range []struct {
		name   string
		change func(*exporter.Overview)
		want   finding
	}{
		{"well", func(*exporter.Overview) {},
			finding{fine, "All is well: captured up to 3 min ago, all of it is delivered, nothing waits for a person.", ""}},
		{"pending is well", destination(exporter.DestinationStatus{Name: "a", Pending: 1234}),
			finding{fine, "All is well: captured up to 3 min ago, 1,234 pending, nothing waits for a person.", ""}},
		{"no cycle yet", func(o *exporter.Overview) { o.Watermark, o.Lag = time.Time{}, 0 },
			finding{starting, "No cycle has been complete yet: nothing is known to be captured.", ""}},
		{"no cycle for too long", func(o *exporter.Overview) { o.Watermark, o.Lag, o.Began = time.Time{}, 0, now.Add(-3*time.Hour) },
			finding{bad, "No cycle has been complete since the start 3 h ago: nothing is known to be captured.", "lpexport check"}},
		{"behind", func(o *exporter.Overview) { o.Watermark, o.Lag = now.Add(-time.Hour), time.Hour },
			finding{bad, "Capture is 1 h behind: nothing newer than 16:10 UTC is known to be captured.", "lpexport check"}},
		{"behind, for a reason", func(o *exporter.Overview) {
			o.Watermark, o.Lag = now.Add(-time.Hour), time.Hour
			o.LastCycle = exporter.CycleStatus{Started: now.Add(-time.Minute), Ended: now, Result: exporter.CycleIncomplete, Error: "search: status 500"}
		}, finding{bad, "Capture is 1 h behind: nothing newer than 16:10 UTC is known to be captured. The last cycle was not complete: search: status 500.", "lpexport check"}},
		{"halted", destination(exporter.DestinationStatus{Name: "a", Halted: true, FailingSince: now.Add(-time.Hour)}),
			finding{bad, "Nothing is sent to “a” until a person has looked.", "lpexport check"}},
		{"halted, with a remedy", destination(exporter.DestinationStatus{Name: "a", Halted: true,
			Remedy: "if the archive is right, let this state go on from it: lpexport recover --destination a"}),
			finding{bad, "Nothing is sent to “a” until a person has looked.", "lpexport recover --destination a"}},
		{"gone, a name to quote", func(o *exporter.Overview) { o.Dropped = []exporter.DestinationStatus{{Name: "it's", Rejected: 1}} },
			finding{care, "“it's” is not in the configuration any more, and 1 conversation or bundle is not delivered to it: put it back, or give that up.",
				`lpexport retire 'it'\''s'`}},
		{"several halted", func(o *exporter.Overview) {
			for _, name := range []string{"a", "b", "c", "d"} {
				destination(exporter.DestinationStatus{Name: name, Halted: true})(o)
			}
		}, finding{bad, "Nothing is sent to “a”, “b” and 2 more until a person has looked.", "lpexport status"}},
		{"failing shortly", destination(exporter.DestinationStatus{Name: "a", FailingSince: now.Add(-59 * time.Minute), NextTry: now.Add(4 * time.Minute)}),
			finding{care, "“a” has taken nothing since 16:11 UTC (59 min): what is due to it is kept, next try at 17:14 UTC.", "lpexport check"}},
		{"failing long", destination(exporter.DestinationStatus{Name: "a", FailingSince: now.Add(-25 * time.Hour), NextTry: now.Add(-time.Minute)}),
			finding{bad, "“a” has taken nothing since 2026-11-20 16:10 UTC (25 h): what is due to it is kept, next try with the next run.", "lpexport check"}},
		{"events refused", func(o *exporter.Overview) {
			o.Receiver = &exporter.ReceiverStatus{Alarm: "has the secret been rotated?", Since: now.Add(-time.Minute)}
		}, finding{bad, "Events of this account are refused since 17:09 UTC: has the secret been rotated?", "lpexport check"}},
		{"events of another shape", func(o *exporter.Overview) {
			o.Receiver = &exporter.ReceiverStatus{Alarm: "events are signed in another shape: they are taken", Since: now.Add(-time.Minute), Taken: true}
		}, finding{care, "Since 17:09 UTC: events are signed in another shape: they are taken.", ""}},
		{"another skill has a chosen name", func(o *exporter.Overview) {
			o.Selection.Namesakes = []exporter.Namesake{{Entry: "Billing", ID: "9", Since: now.Add(-time.Minute)}}
		}, finding{bad, "Skill 9 is called “Billing” since 17:09 UTC, and is not the one that select.skills means: it is not captured until its id is written there.",
			"lpexport status --list namesakes"}},
		{"expired", func(o *exporter.Overview) { o.Expiries = []exporter.Expiry{{What: "login", At: now}} },
			finding{bad, "Login: expired 0 s ago.", ""}},
		{"expires soon", func(o *exporter.Overview) {
			o.Expiries = []exporter.Expiry{{What: "login", At: now.Add(14 * 24 * time.Hour)}}
		},
			finding{care, "Login: expires in 14 days.", ""}},
		{"expires later", func(o *exporter.Overview) {
			o.Expiries = []exporter.Expiry{{What: "login", At: now.Add(15 * 24 * time.Hour)}}
		},
			finding{fine, "All is well: captured up to 3 min ago, all of it is delivered, nothing waits for a person.", ""}},
		{"a hole", func(o *exporter.Overview) { o.Holes = holed(1) },
			finding{care, "Coverage gap: 2026-11-10T17:10:58Z to 2026-11-11T05:10:59Z is not known to be captured.",
				"lpexport export --from 2026-11-10T17:10:58Z --to 2026-11-11T05:10:59Z"}},
		{"holes", func(o *exporter.Overview) { o.Holes = holed(3) },
			finding{care, "3 coverage gaps, the last: 2026-11-10T17:10:58Z to 2026-11-11T05:10:59Z is not known to be captured.",
				"lpexport export --from 2026-11-10T17:10:58Z --to 2026-11-11T05:10:59Z"}},
		{"a hole that is being filled", func(o *exporter.Overview) { o.Holes, o.OpenBackfills = holed(1), 1 },
			finding{care, "1 backfill is not finished.", "lpexport status --list backfills"}},
		{"a backfill that is not finished", func(o *exporter.Overview) {
			o.OpenBackfills, o.Backfills = 1, []exporter.OpenBackfill{{Period: holed(1)[0].Period}}
		},
			finding{care, "The backfill of 2026-11-10T17:10:58Z to 2026-11-11T05:10:58Z is not finished.",
				"lpexport export --from 2026-11-10T17:10:58Z --to 2026-11-11T05:10:58.001Z"}},
		{"a hole that LivePerson has forgotten", func(o *exporter.Overview) {
			o.Holes = []exporter.Hole{{Period: exporter.Period{From: now.AddDate(-3, 0, 0), To: now.AddDate(-2, 0, 0)}}}
		}, finding{fine, "All is well: captured up to 3 min ago, all of it is delivered, nothing waits for a person.", ""}},
		{"quarantined", func(o *exporter.Overview) { o.Quarantined = 1 }, finding{care, "1 item waits for a person.", "lpexport quarantine list"}},
		{"several quarantined", func(o *exporter.Overview) { o.Quarantined = 2 }, finding{care, "2 items wait for a person.", "lpexport quarantine list"}},
		{"quarantined for one reason", func(o *exporter.Overview) {
			o.Quarantined, o.Waiting = 62, []exporter.WaitingGroup{{Kind: "item", Reason: "550 5.7.1 no", Count: 62}}
		}, finding{care, "62 items wait for a person: 550 5.7.1 no.", "lpexport quarantine list"}},
		{"not in the configuration", func(o *exporter.Overview) { o.Dropped = []exporter.DestinationStatus{{Name: "a", Pending: 2}} },
			finding{care, "“a” is not in the configuration any more, and 2 conversations or bundles are not delivered to it: put it back, or give that up.",
				"lpexport retire a"}},
		{"files left", destination(exporter.DestinationStatus{Name: "a", Left: 2}),
			finding{care, "2 files are in the folder of “a” for too long: its importer takes none.", "lpexport status --list left"}},
		{"pending for ever", destination(exporter.DestinationStatus{Name: "a", Pending: 1, OldestPending: 8 * 24 * time.Hour}),
			finding{care, "Something is pending for “a” for 8 days, longer than any cut waits.", "lpexport status --list pending"}},
		{"incomplete", func(o *exporter.Overview) {
			o.LastCycle = exporter.CycleStatus{Started: now.Add(-time.Minute), Ended: now, Result: exporter.CycleIncomplete}
		}, finding{care, "The cycle of 17:09 UTC is not complete, and the next one tries again.", "lpexport check"}},
		{"incomplete for a reason", func(o *exporter.Overview) {
			o.LastCycle = exporter.CycleStatus{Started: now.Add(-time.Minute), Ended: now, Result: exporter.CycleIncomplete, Error: "search: status 500"}
		}, finding{care, "The cycle of 17:09 UTC is not complete, and the next one tries again: search: status 500.", "lpexport check"}},
		{"refused", func(o *exporter.Overview) {
			o.LastCycle = exporter.CycleStatus{Started: now.Add(-time.Minute), Ended: now, Result: exporter.CycleRefused, Error: "log in: refused with status 401"}
		}, finding{bad, "LivePerson refused the login: nothing is captured until that is mended: log in: refused with status 401.", "lpexport check"}},
		{"failed", func(o *exporter.Overview) {
			o.LastCycle = exporter.CycleStatus{Started: now.Add(-time.Minute), Ended: now, Result: exporter.CycleFailed, Error: "disk full"}
		}, finding{bad, "The last cycle failed: disk full.", "lpexport check"}},
		{"complete", func(o *exporter.Overview) {
			o.LastCycle = exporter.CycleStatus{Started: now.Add(-time.Minute), Ended: now, Result: exporter.CycleComplete}
		}, finding{fine, "All is well: captured up to 3 min ago, all of it is delivered, nothing waits for a person.", ""}},
		{"unconfirmed", func(o *exporter.Overview) { o.Events.Unconfirmed = 1 },
			finding{care, "History has not confirmed for too long what events told of 1 conversation.", "lpexport status --list unconfirmed"}},
		{"events wait shortly", func(o *exporter.Overview) { o.Events.Waiting, o.Events.Oldest = 1, 9*time.Minute },
			finding{fine, "All is well: captured up to 3 min ago, all of it is delivered, 1 event not attributed yet, nothing waits for a person.", ""}},
		{"events wait", func(o *exporter.Overview) { o.Events.Waiting, o.Events.Oldest = 1, 10*time.Minute },
			finding{care, "1 event is waiting for history or a known sender, and not delivered; the oldest for 10 min.", "lpexport status --list events"}},
		{"files never granted", func(o *exporter.Overview) { o.Files = exporter.FileStatus{Waiting: 3, Refused: "hint"} },
			finding{fine, "All is well: captured up to 3 min ago, all of it is delivered, nothing waits for a person.", ""}},
		{"files refused", func(o *exporter.Overview) { o.Files = exporter.FileStatus{Waiting: 3, Kept: 1, Refused: "hint"} },
			finding{care, "3 files are named by messages and not fetched: LivePerson does not give this login any.", "lpexport check"}},
		{"files waiting", func(o *exporter.Overview) { o.Files = exporter.FileStatus{Waiting: 1, Oldest: 50 * time.Hour} },
			finding{care, "1 file is named by messages and not fetched, the first for 2 days.", "lpexport status"}},
		{"files wrong", func(o *exporter.Overview) {
			o.Files = exporter.FileStatus{Waiting: 2, Oldest: 50 * time.Hour, Wrong: "get file: status 500"}
		},
			finding{care, "2 files are named by messages and not fetched, the first for 2 days: get file: status 500.", "lpexport status"}},
		{"partial", func(o *exporter.Overview) { o.Partial = 1 },
			finding{care, "1 conversation is cut short by LivePerson: what it gave is delivered, and the rest asked for again.", "lpexport status --list cut"}},
		{"failed looks", func(o *exporter.Overview) { o.FailedLooks = 2 },
			finding{care, "2 conversations are not readable by id: tried again with growing pauses.", "lpexport status --list failed-looks"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := exporter.Overview{At: now, Began: now.Add(-time.Minute)}
			o.Watermark, o.Lag = now.Add(-3*time.Minute), 3*time.Minute
			test.change(&o)
			if diff := cmp.Diff([]finding{test.want}, findings(&o, time.Hour)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// holed are n holes of half a day, the last ten days ago.
func holed(n int) (list []exporter.Hole) {
	for i := range n {
		start := now.AddDate(0, 0, -12+i-(n-1))
		list = append(list, exporter.Hole{Fetchable: true, Period: exporter.Period{From: start.AddDate(0, 0, 1), To: start.AddDate(0, 0, 1).Add(12*time.Hour + time.Millisecond)}})
	}
	return list
}

// Where all goes wrong at once, the worst is on top.
func TestOrderOfSeverity(t *testing.T) {
	o := overviewtest.Wrong()
	var got []string
	for _, f := range findings(&o, time.Hour) {
		got = append(got, fmt.Sprintf("%s: %.30s", f.Level, f.Text))
	}
	want := []string{
		"bad: LivePerson refused the login: ", "bad: Nothing is sent to “journal” u", "bad: Capture is 5 h 10 min behind: ", "bad: Events of this account are ref",
		"bad: “bucket” has taken nothing sin", "bad: Webhook certificate: expired 2",
		"care: “drop” has taken nothing since", "care: Login to LivePerson: expires i", "care: Coverage gap: 2026-06-24T00:00",
		"care: 7 items wait for a person; mos", "care: 12 files are in the folder of ", "care: “former” is not in the configu",
		"care: History has not confirmed for ", "care: 31 events are waiting for hist", "care: 2 conversations are cut short ",
		"care: 1 conversation is not readable",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A command that several findings name is shown once, and can be pasted.
func TestCommandsAreNamedOnce(t *testing.T) {
	o := overviewtest.Wrong()
	seen := map[string]bool{}
	for _, f := range settings.complete(findings(&o, time.Hour)) {
		if f.Command == "" {
			continue
		}
		if seen[f.Command] {
			t.Errorf("%s is named twice", f.Command)
		}
		seen[f.Command] = true
	}
	for _, want := range []string{"lpexport check", "lpexport quarantine list", "lpexport retire former"} {
		if !seen[settings.Commands(want)] {
			t.Errorf("%s is not named", settings.Commands(want))
		}
	}
}
