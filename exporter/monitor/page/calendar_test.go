package page

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/exporter"
	"lpexport/exporter/monitor/overviewtest"
)

// Every day has one place: the row of its weekday, a column to the right of the
// week before, in the block of its month.
func TestEveryDayHasItsPlace(t *testing.T) {
	for year := 2024; year < 2030; year++ {
		o := exporter.Overview{At: time.Date(year, 7, 5, 12, 0, 0, 0, time.UTC)}
		for i := range 450 {
			o.Days = append(o.Days, exporter.Day{Date: o.At.Truncate(24*time.Hour).AddDate(0, 0, i-449)})
		}
		shown := o.Days[50:]
		for _, m := range calendar(&o) {
			for i, c := range m.Cells {
				d := shown[i].Date
				if d.Format("Jan 2006") != m.Name || !strings.HasPrefix(c.Text, d.Format("Mon 2006-01-02")) {
					t.Fatalf("%s is shown in %s as %s", d, m.Name, c.Text)
				}
				if weekday := (int(d.Weekday()) + 6) % 7; c.Y != weekday*pitch {
					t.Errorf("%s is in row %d", d, c.Y/pitch)
				}
				if i > 0 {
					want := m.Cells[i-1].X
					if d.Weekday() == time.Monday {
						want += pitch
					}
					if c.X != want {
						t.Errorf("%s is in column %d", d, c.X/pitch)
					}
				}
				if c.X+cellSize > m.Width || c.Y+cellSize > monthHigh {
					t.Errorf("%s is out of the drawing", d)
				}
			}
			shown = shown[len(m.Cells):]
		}
		if len(shown) != 0 {
			t.Errorf("%d days are not shown", len(shown))
		}
	}
}

// A conversation of long ago that was written in again leaves no hole behind it, where
// nobody has asked.
func TestOldConversationMakesNoHole(t *testing.T) {
	o := exporter.Overview{At: now}
	for i := range 20 {
		o.Days = append(o.Days, exporter.Day{Date: time.Date(2026, 11, 2+i, 0, 0, 0, 0, time.UTC), Covered: i >= 15})
	}
	o.Days[3].Conversations, o.Days[8].Conversations = 1, 1
	looks := func() string {
		var all strings.Builder
		for _, m := range calendar(&o) {
			for _, c := range m.Cells {
				all.WriteByte(map[string]byte{"none": '-', "hole": 'H', "empty": '0', "s1": '1'}[c.Look])
				if c.Partly {
					all.WriteByte('!')
				}
			}
		}
		return all.String()
	}
	if got, want := looks(), "---1----1------00000"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, row := range recent(&o) {
		if row.Uncovered {
			t.Errorf("a gap on %s", row.Date.Text)
		}
	}
	o.Holes = []exporter.Hole{{Period: exporter.Period{From: o.Days[6].Date.Add(time.Hour), To: o.Days[15].Date}}} // a backfill was begun
	if got, want := looks(), "---1--HH1!HHHHHH00000"; got != want {
		t.Errorf("with a hole: %s, want %s", got, want)
	}
}

// A hole looks like nothing else.
func TestLooks(t *testing.T) {
	o := exporter.Overview{At: now, Status: exporter.Status{Destinations: []exporter.DestinationStatus{{Name: "a"}, {Name: "b"}},
		Holes: []exporter.Hole{{Period: exporter.Period{From: now.AddDate(0, 0, -5).Truncate(24 * time.Hour), To: now.AddDate(0, 0, -3)}}}}}
	for i, d := range []exporter.Day{
		{},
		{Conversations: 1, Messages: 400},
		{},
		{Covered: true},
		{Covered: true, Conversations: 9, Messages: 1600, Pending: []int64{0, 4}},
		{Covered: true, Conversations: 2},
		{},
	} {
		d.Date = time.Date(2026, 11, 15+i, 0, 0, 0, 0, time.UTC)
		o.Days = append(o.Days, d)
	}
	want := []cell{
		{Look: "none", Text: "Sun 2026-11-15: not covered"},
		{Look: "s3", Partly: true, Text: "Mon 2026-11-16: 1 conversation, 400 messages captured, the day is not covered as a whole; all delivered"},
		{Look: "hole", Text: "Tue 2026-11-17: not covered"},
		{Look: "empty", Text: "Wed 2026-11-18: covered, there was nothing"},
		{Look: "s4", Pending: true, Text: "Thu 2026-11-19: 9 conversations, 1,600 messages captured; “b” has 5 of 9"},
		{Look: "s1", Text: "Fri 2026-11-20: 2 conversations, 0 messages captured; all delivered"},
		{Look: "empty", Today: true, Text: "Sat 2026-11-21: nothing captured so far"},
	}
	months := calendar(&o)
	if len(months) != 1 {
		t.Fatalf("%d months", len(months))
	}
	got := months[0].Cells
	for i := range got {
		got[i].X, got[i].Y = 0, 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if want := "November 2026: 2,000 messages captured, 3 days not covered, 1 day not wholly delivered"; months[0].Summary != want {
		t.Errorf("%s, want %s", months[0].Summary, want)
	}
}

// With many destinations a day names the first that lack some, and counts the rest.
func TestDeliveredNamesThree(t *testing.T) {
	o := overviewtest.Eleven()
	got := delivered(&o, exporter.Day{Conversations: 5, Pending: []int64{1, 2, 0, 3, 4, 9}})
	want := "“branches” has 4 of 5, “retail” has 3 of 5, “brokers” has 2 of 5, and 2 more wait for some"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
