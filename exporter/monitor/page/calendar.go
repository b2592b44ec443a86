package page

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"lpexport/exporter"
)

// daysShown is what the calendar holds at most.
const daysShown = 400

// month is a block of the calendar: a column for each week, a row for each day of
// the week, Monday first.
type month struct {
	Name    string // "Nov 2026"
	Summary string // for who does not see it
	Width   int    // of the drawing
	Cells   []cell
}

// Measures of a month's drawing, in its own units.
const (
	pitch     = 13
	cellSize  = 11
	monthHigh = 7*pitch - (pitch - cellSize)
)

// cell is one day. Look is one of the looks of the style sheet: each is told by
// form as well as by colour.
type cell struct {
	X, Y    int
	Look    string // empty, s1 to s4 (more messages), none (nobody asked for it), hole (not covered, and that or an earlier day was asked for)
	Partly  bool   // as hole, and yet something was captured
	Pending bool
	Today   bool
	Text    string
}

// MarkX and MarkY are the corner where a pending day's mark begins.
func (c cell) MarkX() int { return c.X + cellSize }
func (c cell) MarkY() int { return c.Y }

// MidX and MidY are the middle.
func (c cell) MidX() float64 { return float64(c.X) + cellSize/2.0 }
func (c cell) MidY() float64 { return float64(c.Y) + cellSize/2.0 }

// calendar draws days, the oldest first, month by month.
func calendar(o *exporter.Overview) []month {
	days := o.Days[max(len(o.Days)-daysShown, 0):]
	busy := busyDay(days)
	first := firstAsked(o, days)
	var months []month
	for start := 0; start < len(days); {
		end := start
		for end < len(days) && sameMonth(days[start].Date, days[end].Date) {
			end++
		}
		months = append(months, drawMonth(o, days[start:end], busy, first-start))
		start = end
	}
	return months
}

// firstAsked is the first day that somebody has asked for, len(days) when nobody has
// for any. An old conversation that is captured since it was written in again asks for
// no day.
func firstAsked(o *exporter.Overview, days []exporter.Day) int {
	i := slices.IndexFunc(days, func(d exporter.Day) bool {
		return d.Covered || slices.ContainsFunc(o.Holes, func(h exporter.Hole) bool { return h.From.Before(d.Date.AddDate(0, 0, 1)) && h.To.After(d.Date) })
	})
	if i < 0 {
		return len(days)
	}
	return i
}

func sameMonth(a, b time.Time) bool {
	a, b = a.UTC(), b.UTC()
	return a.Year() == b.Year() && a.Month() == b.Month()
}

// drawMonth draws what is shown of one month. The first day that was asked for, at
// first, may lie before the month or behind it.
func drawMonth(o *exporter.Overview, days []exporter.Day, busy int64, first int) month {
	date := days[0].Date.UTC()
	m := month{Name: date.Format("Jan 2006")}
	before := (int(time.Date(date.Year(), date.Month(), 1, 0, 0, 0, 0, time.UTC).Weekday()) + 6) % 7
	messages, uncovered, pending := int64(0), 0, 0
	for i, d := range days {
		place := before + d.Date.UTC().Day() - 1
		c := cell{X: place / 7 * pitch, Y: place % 7 * pitch, Text: dayText(o, d), Pending: waits(d),
			Today: d.Date.UTC().Format(time.DateOnly) == o.At.UTC().Format(time.DateOnly)}
		switch {
		case d.Conversations > 0:
			c.Look, c.Partly = fmt.Sprintf("s%d", shade(d.Messages, busy)), !d.Covered && !c.Today && i >= first
		case d.Covered || c.Today:
			c.Look = "empty"
		case i >= first:
			c.Look = "hole"
		default:
			c.Look = "none"
		}
		if !d.Covered && !c.Today {
			uncovered++
		}
		if c.Pending {
			pending++
		}
		messages += d.Messages
		m.Width = max(m.Width, c.X+cellSize)
		m.Cells = append(m.Cells, c)
	}
	m.Summary = fmt.Sprintf("%s: %s captured, %s not covered, %s not wholly delivered",
		date.Format("January 2006"), count(messages, "message"), count(uncovered, "day"), count(pending, "day"))
	return m
}

// busyDay is what a day has that is busier than nineteen of twenty: the busiest of
// all may be one of a kind, beside which no other would show.
func busyDay(days []exporter.Day) int64 {
	var all []int64
	for _, d := range days {
		if d.Messages > 0 {
			all = append(all, d.Messages)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)*19/20]
}

// shade is 1 to 4. The square root lets quiet days be told from each other though
// a busy one has a hundred times as much.
func shade(messages, busy int64) int {
	if busy <= 0 || messages <= 0 {
		return 1
	}
	return min(1+int(4*math.Sqrt(float64(messages)/float64(busy))), 4)
}

func waits(d exporter.Day) bool {
	return slices.ContainsFunc(d.Pending, func(n int64) bool { return n > 0 })
}

// dayText is all that is known of a day, in words.
func dayText(o *exporter.Overview, d exporter.Day) string {
	date := d.Date.UTC().Format("Mon 2006-01-02")
	today := d.Date.UTC().Format(time.DateOnly) == o.At.UTC().Format(time.DateOnly)
	switch {
	case d.Conversations <= 0 && today:
		return date + ": nothing captured so far"
	case d.Conversations <= 0 && d.Covered:
		return date + ": covered, there was nothing"
	case d.Conversations <= 0:
		return date + ": not covered"
	}
	text := fmt.Sprintf("%s: %s, %s captured", date, count(d.Conversations, "conversation"), count(d.Messages, "message"))
	switch {
	case today:
		text += " so far"
	case !d.Covered:
		text += ", the day is not covered as a whole"
	}
	return text + "; " + delivered(o, d)
}

// delivered says which destinations have a day, by their conversations.
func delivered(o *exporter.Overview, d exporter.Day) string {
	var short []string
	for i, pending := range d.Pending {
		if pending > 0 && i < len(o.Destinations) {
			short = append(short, fmt.Sprintf("%s has %s of %s", quoted(o.Destinations[i].Name),
				number(max(d.Conversations-pending, 0)), number(d.Conversations)))
		}
	}
	const named = 3
	switch {
	case len(o.Destinations) == 0:
		return "no destination"
	case len(short) == 0:
		return "all delivered"
	case len(short) > named:
		return fmt.Sprintf("%s, and %d more wait for some", strings.Join(short[:named], ", "), len(short)-named)
	default:
		return strings.Join(short, ", ")
	}
}

// dayRow is a line of the table of the last days.
type dayRow struct {
	Date                    moment
	Covered                 string
	Conversations, Messages string
	Delivered               string
	Waits                   string // who has what, where not all is delivered
	Uncovered               bool
}

// recent are the last days with their numbers, the newest first.
func recent(o *exporter.Overview) []dayRow {
	const shown = 14
	days := o.Days[max(len(o.Days)-shown, 0):]
	rows := make([]dayRow, 0, len(days))
	first := firstAsked(o, o.Days) - (len(o.Days) - len(days))
	for i, d := range slices.Backward(days) {
		row := dayRow{Date: moment{d.Date.UTC().Format(time.DateOnly), d.Date.UTC().Format("Mon 2 Jan")}, Covered: "yes", Conversations: number(d.Conversations),
			Messages: number(d.Messages), Delivered: "all"}
		switch {
		case d.Date.UTC().Format(time.DateOnly) == o.At.UTC().Format(time.DateOnly):
			row.Covered = "so far"
		case !d.Covered && d.Conversations > 0:
			row.Covered, row.Uncovered = "partly", i >= first
		case !d.Covered:
			row.Covered, row.Uncovered = "no", i >= first
		}
		switch {
		case d.Conversations <= 0:
			row.Delivered = "–"
		case waits(d):
			row.Delivered, row.Waits = "not all", capital(delivered(o, d))
		}
		rows = append(rows, row)
	}
	return rows
}
