package alert

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"lpexport/exporter"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

var bounds = Bounds{Lag: time.Hour, Failing: time.Hour, Silence: 2 * time.Hour, Expiry: 14 * 24 * time.Hour, Repeat: 24 * time.Hour}

// calm is the overview of an account with which all is well.
func calm(change func(*exporter.Overview)) exporter.Overview {
	o := exporter.Overview{
		Account: "12345678", At: noon, Began: noon.Add(-24 * time.Hour),
		Receiver: &exporter.ReceiverStatus{LastAt: noon.Add(-time.Minute)},
		Expiries: []exporter.Expiry{{What: "webhook certificate", At: noon.Add(60 * 24 * time.Hour)}},
	}
	o.Lag, o.Watermark = 5*time.Minute, noon.Add(-5*time.Minute)
	o.Destinations = []exporter.DestinationStatus{{Name: "local"}, {Name: "vault", Pending: 3, OldestPending: 20 * time.Hour}}
	if change != nil {
		change(&o)
	}
	return o
}

func TestConditions(t *testing.T) {
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	type change = func(*exporter.Overview)
	for name, c := range map[string]struct {
		change change
		want   []Condition
	}{
		"all is well":      {nil, nil},
		"lag at its bound": {func(o *exporter.Overview) { o.Lag, o.Watermark = time.Hour, hour(-1) }, nil},
		"lag": {func(o *exporter.Overview) { o.Lag, o.Watermark = 3*time.Hour+5*time.Minute, hour(-3) },
			[]Condition{{Name: Lag, Since: hour(-3), Text: "capture is 3h05m behind, more than 1h00m", Hint: "lpexport check"}}},
		"no whole cycle for long": {func(o *exporter.Overview) { o.Lag, o.Watermark = 0, time.Time{} },
			[]Condition{{Name: Lag, Since: hour(-24), Text: "no complete cycle yet, 24h00m after the start", Hint: "lpexport check"}}},
		"no whole cycle, just begun":  {func(o *exporter.Overview) { o.Lag, o.Watermark, o.Began = 0, time.Time{}, noon }, nil},
		"no whole cycle, only a look": {func(o *exporter.Overview) { o.Lag, o.Watermark, o.Began = 0, time.Time{}, time.Time{} }, nil},
		"a destination fails for long": {func(o *exporter.Overview) {
			o.Destinations[1].FailingSince, o.Destinations[1].LastError = hour(-2), "no route"
		},
			[]Condition{{Name: Failing, Subject: "vault", Since: hour(-2), Text: "destination vault has been failing for 2h00m: no route", Hint: "lpexport check"}}},
		"a destination fails at its bound": {func(o *exporter.Overview) { o.Destinations[1].FailingSince = hour(-1) }, nil},
		"a destination halts": {func(o *exporter.Overview) {
			o.Destinations[0].Halted, o.Destinations[0].LastError = true, "another host key"
		},
			[]Condition{{Name: Halted, Subject: "local", Text: "destination local halts until a person has looked: another host key", Hint: "lpexport check"}}},
		"a failing one halts": {func(o *exporter.Overview) { o.Destinations[0].Halted, o.Destinations[0].FailingSince = true, hour(-9) },
			[]Condition{{Name: Halted, Subject: "local", Since: hour(-9), Text: "destination local halts until a person has looked", Hint: "lpexport check"}}},
		"both destinations": {func(o *exporter.Overview) {
			o.Destinations[1].FailingSince, o.Destinations[0].FailingSince = hour(-2), hour(-50)
		}, []Condition{
			{Name: Failing, Subject: "local", Since: hour(-50), Text: "destination local has been failing for 2d", Hint: "lpexport check"},
			{Name: Failing, Subject: "vault", Since: hour(-2), Text: "destination vault has been failing for 2h00m", Hint: "lpexport check"},
		}},
		"refused events": {func(o *exporter.Overview) { o.Receiver.Alarm, o.Receiver.Since = "the signature is another", hour(-1) },
			[]Condition{{Name: Refused, Since: hour(-1), Text: "webhook: the signature is another", Hint: "lpexport status"}}},
		"events of another shape": {func(o *exporter.Overview) {
			o.Receiver.Alarm, o.Receiver.Since, o.Receiver.Taken = "another shape: they are taken", hour(-1), true
		}, []Condition{{Name: Signature, Since: hour(-1), Text: "webhook: another shape: they are taken", Hint: "lpexport status"}}},
		"silence": {func(o *exporter.Overview) { o.Receiver.LastAt = hour(-3) },
			[]Condition{{Name: Silence, Since: hour(-3), Text: "no event has come for 3h00m, more than 2h00m: is the connector still on?", Hint: "lpexport check"}}},
		"silence since the start": {func(o *exporter.Overview) { o.Receiver.LastAt = time.Time{} },
			[]Condition{{Name: Silence, Since: hour(-24), Text: "no event has come for 24h00m, more than 2h00m: is the connector still on?", Hint: "lpexport check"}}},
		"silence just after the start": {func(o *exporter.Overview) { o.Receiver.LastAt, o.Began = time.Time{}, hour(-2) }, nil},
		"nobody listens":               {func(o *exporter.Overview) { o.Receiver = nil }, nil},
		"another skill has a chosen name": {func(o *exporter.Overview) {
			o.Selection.Namesakes = []exporter.Namesake{{Entry: "Billing", ID: "9", Since: hour(-3)}}
		}, []Condition{{Name: Skill, Subject: "9", Since: hour(-3), Hint: "lpexport status --list namesakes",
			Text: `skill 9 is called "Billing" and is not the one that select.skills means: it is not captured`}}},
		"one item waits": {func(o *exporter.Overview) { o.Quarantined = 1 },
			[]Condition{{Name: Quarantine, Text: "1 item waits for a person", Hint: "lpexport quarantine list", Count: 1}}},
		"unconfirmed": {func(o *exporter.Overview) { o.Events.Unconfirmed = 2 }, []Condition{{Name: Unconfirmed, Count: 2, Hint: "lpexport status --list unconfirmed",
			Text: "2 conversations have messages that events told and history has not confirmed for too long"}}},
		"events that wait are no condition": {func(o *exporter.Overview) { o.Events.Waiting, o.Events.Oldest = 9, time.Hour }, nil},
		"the end is near": {func(o *exporter.Overview) { o.Expiries[0].At = hour(24 * 14) }, []Condition{{Name: Expiry, Subject: "webhook certificate", Since: noon,
			Text: "webhook certificate ends in 14d, at 2026-03-16T12:00:00Z", Hint: "lpexport check"}}},
		"the end is past": {func(o *exporter.Overview) { o.Expiries[0].At = hour(-1) }, []Condition{{Name: Expiry, Subject: "webhook certificate",
			Since: hour(-1 - 14*24), Text: "webhook certificate ended 1h00m ago, at 2026-03-02T11:00:00Z", Hint: "lpexport check"}}},
		"two ends of one name": {func(o *exporter.Overview) {
			o.Expiries = []exporter.Expiry{{What: "login", At: hour(48)}, {What: "login", At: hour(24)}, {What: "login"}}
		}, []Condition{{Name: Expiry, Subject: "login", Since: hour(24 - 14*24), Text: "login ends in 24h00m, at 2026-03-03T12:00:00Z", Hint: "lpexport check"}}},
		"hostile text": {func(o *exporter.Overview) {
			o.Destinations[0].Halted, o.Destinations[0].LastError = true, "550\r\n\x1b[2Jno\u202e \xff"+strings.Repeat("x", 5000)
		}, []Condition{{Name: Halted, Subject: "local", Hint: "lpexport check",
			Text: "destination local halts until a person has looked: 550  \uFFFD[2Jno\uFFFD \uFFFD" + strings.Repeat("x", 235) + "…"}}},
	} {
		if diff := cmp.Diff(c.want, Conditions(calm(c.change), bounds)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

// wrong is an overview in which everything that can be wrong is.
func wrong(o *exporter.Overview) {
	o.Lag, o.Watermark = 2*time.Hour, noon.Add(-2*time.Hour)
	o.Destinations[0].Halted = true
	o.Destinations[1].FailingSince = noon.Add(-2 * time.Hour)
	o.Receiver = &exporter.ReceiverStatus{LastAt: noon.Add(-3 * time.Hour), Alarm: "the client is another", Since: noon}
	o.Quarantined, o.Events.Unconfirmed = 3, 4
	o.Expiries[0].At = noon
}

func TestConditionsAreWorstFirstAndEachCanBeTurnedOff(t *testing.T) {
	names := func(b Bounds) (list []string) {
		for _, c := range Conditions(calm(wrong), b) {
			list = append(list, c.Name)
		}
		return list
	}
	all := []string{Lag, Halted, Failing, Refused, Silence, Quarantine, Unconfirmed, Expiry}
	if diff := cmp.Diff(all, names(bounds)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, c := range []struct {
		off   func(*Bounds)
		names []string
	}{
		{func(b *Bounds) { b.Lag = 0 }, []string{Lag}},
		{func(b *Bounds) { b.Failing = 0 }, []string{Halted, Failing}},
		{func(b *Bounds) { b.Silence = 0 }, []string{Silence}},
		{func(b *Bounds) { b.Expiry = 0 }, []string{Expiry}},
		{func(b *Bounds) { b.Repeat = 0 }, nil},
	} {
		b := bounds
		c.off(&b)
		want := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(c.names, name) })
		if diff := cmp.Diff(want, names(b)); diff != "" {
			t.Errorf("without %v: (-want +got)\n%s", c.names, diff)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("550\r\nno\x1b[2J\u2028\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := plain(text)
		if n := utf8.RuneCountInString(got); n > longest+1 || n > utf8.RuneCountInString(text) && n != longest+1 {
			t.Errorf("%d characters", n)
		}
		for _, r := range got {
			if !unicode.IsPrint(r) || !utf8.ValidRune(r) {
				t.Errorf("%q in %q", r, got)
			}
		}
	})
}
