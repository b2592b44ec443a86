// Package overviewtest makes Overviews for tests: of good nights and bad ones.
// Each call makes the same, with nothing shared.
package overviewtest

import (
	"fmt"
	"math"
	"strings"
	"time"

	"lpexport/exporter"
)

// Now is when each Overview is of.
var Now = time.Date(2026, 11, 21, 17, 10, 58, 0, time.UTC)

// Marker stands in every text of Hostile that comes from outside.
const Marker = "hostile"

// All are the Overviews by name.
func All() map[string]exporter.Overview {
	return map[string]exporter.Overview{
		"first": First(), "well": Well(), "wrong": Wrong(), "eleven": Eleven(), "hostile": Hostile(),
	}
}

// First is of a service that has just begun, with nothing captured.
func First() exporter.Overview {
	o := exporter.Overview{
		Account: "12345678", Generator: "lpexport v1.4.0", At: Now, Began: Now.Add(-40 * time.Second),
		Status: exporter.Status{
			Checkpoint:   "/var/lib/lpexport/checkpoint.db",
			Destinations: []exporter.DestinationStatus{{Name: "journal"}, {Name: "bucket"}},
		},
		Runs: []exporter.RunSummary{{ID: 1, Kind: "cycle", Started: Now.Add(-30 * time.Second)}},
	}
	for i := range 400 {
		o.Days = append(o.Days, exporter.Day{Date: day(399 - i), Pending: make([]int64, 2)})
	}
	return o
}

// Well is of a service that has run for months: all is well.
func Well() exporter.Overview {
	o := First()
	o.Began = Now.Add(-93 * 24 * time.Hour)
	o.Watermark = Now.Add(-3*time.Minute - 12*time.Second)
	o.Lag = Now.Sub(o.Watermark)
	o.Coverage = covered(exporter.Period{From: day(310), To: o.Watermark})
	o.OpenConversations = 148
	o.Destinations[0].Pending, o.Destinations[0].OldestPending = 12, 95*time.Second
	for i := range o.Days {
		ago := len(o.Days) - 1 - i
		o.Days[i] = captured(ago, 2)
	}
	o.Days[399].Covered, o.Days[399].Pending[0] = false, 12
	o.Runs = nil
	for i := range 20 {
		began := Now.Add(-time.Duration(i)*5*time.Minute - 3*time.Minute - 12*time.Second)
		o.Runs = append(o.Runs, exporter.RunSummary{ID: int64(200 - i), Kind: "cycle", Started: began,
			Ended: began.Add(time.Duration(11+i%7) * time.Second), Result: exporter.CycleComplete})
	}
	o.LastCycle = exporter.CycleStatus{Started: o.Runs[0].Started, Ended: o.Runs[0].Ended, Since: o.Runs[19].Started, Result: exporter.CycleComplete}
	o.Receiver = &exporter.ReceiverStatus{LastAt: Now.Add(-4 * time.Second)}
	o.Events.Waiting, o.Events.Oldest = 2, 50*time.Second
	o.Expiries = []exporter.Expiry{{What: "webhook certificate", At: Now.Add(61 * 24 * time.Hour)}}
	o.Samples = samples()
	o.Counters = counters("journal", "bucket")
	return o
}

// captured is a day of which everything was captured and delivered: busy on
// weekdays, quiet on weekends, and nothing on two holidays.
func captured(ago, destinations int) exporter.Day {
	d := exporter.Day{Date: day(ago), Pending: make([]int64, destinations)}
	if ago > 309 {
		return d
	}
	d.Covered = true
	if ago == 200 || ago == 201 {
		return d
	}
	d.Conversations = int64(420 + 130*math.Sin(float64(ago)/9) + float64(ago*37%61))
	if weekday := d.Date.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
		d.Conversations /= 6
	}
	d.Messages = d.Conversations * int64(17+ago%5)
	return d
}

// samples are of the last 24 hours, with an hour in which the service was stopped.
func samples() []exporter.Sample {
	var list []exporter.Sample
	for i := range 1440 {
		if i >= 500 && i < 560 {
			continue
		}
		busy := 1 + math.Sin(float64(i-400)/1440*2*math.Pi)
		s := exporter.Sample{At: Now.Add(-time.Duration(1439-i)*time.Minute - 20*time.Second)}
		s.Lag = time.Duration(i%5)*time.Minute + time.Duration(20+i%17)*time.Second
		s.Pending = int(20*busy) + i%4
		s.Messages = int64(9 * busy * float64(1+i%3))
		s.Events = int64(11 * busy * float64(1+i%2))
		list = append(list, s)
	}
	return list
}

func counters(destinations ...string) []exporter.Counter {
	list := []exporter.Counter{
		{Name: exporter.CounterRequests, Labels: "ok", Value: 918_273}, {Name: exporter.CounterRequests, Labels: "throttled", Value: 14},
		{Name: exporter.CounterEvents, Labels: "stored", Value: 1_203_441}, {Name: exporter.CounterEvents, Labels: "signature", Value: 3},
		{Name: exporter.CounterChanges, Labels: "content", Value: 1_100_000}, {Name: exporter.CounterChanges, Labels: "conversation", Value: 90_112},
		{Name: exporter.CounterMessages, Labels: "history", Value: 2_400_000}, {Name: exporter.CounterMessages, Labels: "webhook", Value: 1_099_000},
		{Name: exporter.CounterLossy, Value: 3}, {Name: exporter.CounterUntimed, Value: 2}, {Name: exporter.CounterForeign, Labels: "87654321", Value: 41},
		{Name: exporter.CounterExcluded, Labels: "skill", Value: 77},
		{Name: exporter.CounterFiles, Labels: "fetched", Value: 321},
		{Name: exporter.CounterFiles, Labels: "missing", Value: 2},
		{Name: exporter.CounterBytes, Labels: "history", Value: 9_112_345_678}, {Name: exporter.CounterBytes, Labels: "webhook", Value: 2_212_345_678},
		{Name: exporter.CounterCycles, Labels: "complete", Value: 26_780}, {Name: exporter.CounterCycles, Labels: "incomplete", Value: 9},
	}
	for _, name := range destinations {
		list = append(list,
			exporter.Counter{Name: exporter.CounterDeliveries, Labels: "taken", Second: name, Value: 51_234},
			exporter.Counter{Name: exporter.CounterDeliveries, Labels: "retry", Second: name, Value: 6},
			exporter.Counter{Name: exporter.CounterDelivered, Second: name, Value: 6_543_210_987},
			exporter.Counter{Name: exporter.CounterAmendments, Second: name, Value: 4})
	}
	return list
}

// Wrong is of a night in which everything goes wrong at once.
func Wrong() exporter.Overview {
	o := Well()
	o.Watermark = Now.Add(-5*time.Hour - 10*time.Minute)
	o.Lag = Now.Sub(o.Watermark)
	o.Coverage = covered(exporter.Period{From: day(310), To: day(150)}, exporter.Period{From: day(143), To: o.Watermark})
	o.Holes = []exporter.Hole{{Period: exporter.Period{From: day(150), To: day(143)}, Fetchable: true}}
	o.Quarantined, o.Dismissed, o.Partial, o.FailedLooks = 7, 3, 2, 1
	o.Waiting = []exporter.WaitingGroup{
		{Kind: "item", Destination: "journal", Reason: "550 5.7.1 relaying denied", Count: 4, First: 11, Since: Now.Add(-9 * time.Hour)},
		{Kind: "conversation", Destination: "bucket", Reason: "agent 77 (a.lee) has no address", Count: 2, First: 13, Since: Now.Add(-8 * time.Hour)},
		{Kind: "record", Reason: "its messageRecords are no list", Count: 1, First: 17, Since: Now.Add(-7 * time.Hour)},
	}
	o.Destinations = []exporter.DestinationStatus{
		{Name: "journal", Pending: 1480, OldestPending: 9 * time.Hour, Rejected: 4, Uncertain: 1, Halted: true,
			LastError: "the server refuses the login: 535 5.7.8 authentication failed", Remedy: "give smtp.username and smtp.password what the archive has issued"},
		{Name: "bucket", Pending: 212, OldestPending: 3 * time.Hour, Failed: 3, Held: 2, Dismissed: 3, FailingSince: Now.Add(-3 * time.Hour), NextTry: Now.Add(14 * time.Minute),
			LastError: "put manifest.json: 503 Slow Down: please reduce your request rate"},
		{Name: "drop", Pending: 3, OldestPending: 2 * time.Minute, Left: 12, Withheld: 31, AudienceUnknown: 2, WithheldFrom: 9, FailingSince: Now.Add(-2 * time.Minute), NextTry: Now.Add(-time.Second),
			LastError: "connect to sftp.archive.example:22: connection refused"},
	}
	for i := range o.Days {
		ago := len(o.Days) - 1 - i
		o.Days[i] = captured(ago, 3)
		switch {
		case ago >= 143 && ago < 150:
			o.Days[i] = exporter.Day{Date: day(ago), Pending: make([]int64, 3)}
		case ago == 142:
			o.Days[i].Covered = false
		case ago <= 2:
			o.Days[i].Pending[0], o.Days[i].Pending[1] = o.Days[i].Conversations*2/3, o.Days[i].Conversations/9
		}
	}
	o.Days[399].Covered = false
	o.Runs[0].Ended = time.Time{}
	o.Runs[1].Result, o.Runs[2].Result, o.Runs[3].Ended = exporter.CycleRefused, exporter.CycleIncomplete, time.Time{}
	o.LastCycle = exporter.CycleStatus{Started: o.Runs[1].Started, Ended: o.Runs[1].Ended, Since: o.Runs[1].Started, Result: exporter.CycleRefused,
		Error: "log in: refused with status 401: check liveperson.oauth2"}
	o.Dropped = []exporter.DestinationStatus{{Name: "former", Pending: 88, OldestPending: 40 * time.Hour}}
	o.Runs[4].Kind = "backfill"
	o.Receiver.Alarm, o.Receiver.Since = "the signature does not fit any of the client secrets: has one been rotated?", Now.Add(-40*time.Minute)
	o.Receiver.LastAt = Now.Add(-41 * time.Minute)
	o.Events = exporter.EventStatus{Waiting: 31, Oldest: 30 * time.Hour, Unconfirmed: 5}
	o.Expiries = []exporter.Expiry{{What: "webhook certificate", At: Now.Add(-2 * time.Hour)}, {What: "login to LivePerson", At: Now.Add(5 * 24 * time.Hour)}}
	for i := range o.Samples {
		if o.Samples[i].At.After(o.Watermark) {
			o.Samples[i].Lag, o.Samples[i].Messages = o.Samples[i].At.Sub(o.Watermark), 0
			o.Samples[i].Pending = 1695
		}
	}
	o.Counters = counters("journal", "bucket", "drop")
	return o
}

// Eleven is of eleven destinations, in all states.
func Eleven() exporter.Overview {
	o := Well()
	names := []string{"branches", "retail", "cards", "brokers", "a-destination-with-a-name-that-is-long", "insurance",
		"treasury", "leasing", "funds", "pensions", "records"}
	o.Destinations = nil
	for i, name := range names {
		d := exporter.DestinationStatus{Name: name}
		if i%3 == 1 {
			d.Pending, d.OldestPending = 37*i, time.Duration(i)*time.Hour
		}
		o.Destinations = append(o.Destinations, d)
	}
	o.Destinations[7].FailingSince, o.Destinations[7].NextTry = Now.Add(-20*time.Minute), Now.Add(90*time.Second)
	o.Destinations[7].LastError = "dial tcp: lookup mail.archive.example: no such host"
	for i := range o.Days {
		pending := make([]int64, len(names))
		if len(o.Days)-i <= 2 {
			pending[1], pending[4], pending[7], pending[10] = 3, 4, o.Days[i].Conversations, 1
		}
		o.Days[i].Pending = pending
	}
	o.Counters = counters(names...)
	return o
}

// Hostile is of far sides and a configuration that say what they should not.
func Hostile() exporter.Overview {
	return told(func(of string) string {
		return of + ` "><script>alert("` + Marker + `")</script><img src=//evil.example/x onerror=alert(1)>` +
			"</title></style></svg>\x00\x1b[31m\u202e\u2066{{.Account}} javascript:alert(1) \xff\xfe 'quoted' `$(id)`\r\nnext: line" +
			strings.Repeat(" <b>"+Marker+"</b>", 400)
	})
}

// Tame is Hostile in plain words: a page of it has the same elements.
func Tame() exporter.Overview { return told(func(of string) string { return of }) }

// told is an Overview in which all texts from outside are made by text, and numbers
// are what they should not be.
func told(text func(of string) string) exporter.Overview {
	o := Wrong()
	o.Account, o.Generator, o.Checkpoint = text("account"), text("generator"), text("checkpoint")
	for i := range o.Destinations {
		o.Destinations[i].Name = text(fmt.Sprintf("-name %d", i))
		o.Destinations[i].LastError, o.Destinations[i].Remedy = text("error"), text("remedy")
	}
	for i := range o.Runs {
		o.Runs[i].Kind = text("kind")
	}
	o.LastCycle.Error = text("cycle")
	for i := range o.Waiting {
		o.Waiting[i].Kind, o.Waiting[i].Destination, o.Waiting[i].Reason = text("waiting"), text("for"), text("reason")
	}
	o.Dropped[0].Name = text("dropped")
	o.Receiver.Alarm = text("alarm")
	o.Selection.Namesakes = []exporter.Namesake{{Entry: text("entry"), ID: text("skill")}}
	for i := range o.Expiries {
		o.Expiries[i].What = text(fmt.Sprintf("what %d", i))
	}
	for i := range o.Counters {
		o.Counters[i].Labels = text("label " + o.Counters[i].Labels)
	}
	o.Days[398].Conversations, o.Days[398].Messages = 999_999, 9_999_999
	o.Days[397].Conversations, o.Days[397].Messages = -5, -5
	o.Days[396].Pending = nil
	o.Samples[5].Lag, o.Samples[6].Messages, o.Samples[7].Pending = math.MaxInt64, math.MaxInt64, -1
	return o
}

func day(ago int) time.Time { return Now.Truncate(24*time.Hour).AddDate(0, 0, -ago) }

func covered(periods ...exporter.Period) (list []exporter.Covered) {
	for _, p := range periods {
		list = append(list, exporter.Covered{Period: p, ReadAt: p.To})
	}
	return list
}
