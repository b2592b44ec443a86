package exporter

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"lpexport/exporter/checkpoint"
)

// GivenUp is a period that a person lets stay a hole.
type GivenUp struct {
	Period
	Destinations []string // for which; none: for all
	At           time.Time
	Person       string
	Reason       string
}

// String says who has given up which period, and why, for operators.
func (g GivenUp) String() string {
	text := periodText(floor(g.From), ceil(g.To))
	if len(g.Destinations) > 0 {
		text += " for " + strings.Join(g.Destinations, ", ")
	}
	return text + " stays uncaptured, by " + g.Person + " on " + g.At.Format(time.DateOnly) + ": " + g.Reason
}

func (g GivenUp) span() span { return span{g.From.UnixMilli(), g.To.UnixMilli()} }

// holeFacts is what the decision on a hole is about.
type holeFacts struct {
	Selection string      `json:"selection"` // ids of skills, sorted, with commas between; "": everything
	Holes     []givenHole `json:"holes"`
}

// givenHole is one hole, in epoch milliseconds.
type givenHole struct {
	From         int64    `json:"from"`
	To           int64    `json:"to"`
	Destinations []string `json:"destinations"`
}

func holeID(from, to time.Time) string { return holeTime(floor(from)) + "/" + holeTime(ceil(to)) }

func holeTime(t time.Time) string {
	if t = t.UTC(); t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}

// parseHole reads what ID writes.
func parseHole(id string) (s span, ok bool) {
	from, to, found := strings.Cut(id, "/")
	begins, ok1 := parseHoleTime(from)
	ends, ok2 := parseHoleTime(to)
	return span{begins.UnixMilli(), ends.UnixMilli()}, found && ok1 && ok2 && begins.Before(ends)
}

func parseHoleTime(text string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t, err = time.Parse(time.DateOnly, text)
	}
	return t, err == nil
}

// AcceptHole lets holes in the coverage stay, which are named by a period: what of it
// is a hole now, for the destinations that lack it, under the present selection. What
// becomes a hole later, or under a wider selection, is one.
func (e *Exporter) AcceptHole(ctx context.Context, by Acceptance, id string) (Accepted, error) {
	none := &NothingToAcceptError{checkpoint.DecidedHole, id, "no hole in the coverage is in that period", "lpexport status"}
	period, ok := parseHole(id)
	if !ok {
		none.Why = "it must be FROM/TO, each a day or a time (RFC 3339)"
		return Accepted{}, none
	}
	if err := by.check(); err != nil {
		return Accepted{}, err
	}
	if _, err := e.presentSelection(ctx); err != nil { // of which it is a hole must be known
		return Accepted{}, err
	}
	r, err := e.readings(ctx)
	if err != nil {
		return Accepted{}, err
	}
	facts := holeFacts{Selection: r.selection}
	for _, h := range r.holes(r.coveredOr(r.givenUp), e.Now()) {
		part := span{max(h.From.UnixMilli(), period.from), min(h.To.UnixMilli(), period.to)}
		if part.from < part.to {
			facts.Holes = append(facts.Holes, givenHole{part.from, part.to, append([]string{}, h.Destinations...)})
		}
	}
	if len(facts.Holes) == 0 {
		return Accepted{}, none
	}
	subject := holeID(timeOf(period.from), timeOf(period.to))
	done, err := e.decide(ctx, by, checkpoint.Decision{Kind: checkpoint.DecidedHole, Subject: subject}, facts, func(*checkpoint.Tx, int64) error { return nil })
	done.Done = "it stays uncaptured, and is no fault any more"
	return done, err
}

// givenUp lists what a person has given up that the present selection selects; known
// is false where its skills are not known.
func (e *Exporter) givenUp(ctx context.Context, selection string, known bool) (list []GivenUp, err error) {
	decisions, err := e.cp.Decisions(ctx, checkpoint.DecidedHole)
	if err != nil {
		return nil, err
	}
	for _, d := range decisions {
		var facts holeFacts
		if err := json.Unmarshal([]byte(d.Facts), &facts); err != nil {
			return nil, err
		}
		if facts.Selection != "" && (!known || !selects(facts.Selection, selection)) {
			continue
		}
		for _, h := range facts.Holes {
			list = append(list, GivenUp{Period{timeOf(h.From), timeOf(h.To)}, h.Destinations, timeOf(d.At), d.Person, d.Reason})
		}
	}
	return list, nil
}
