package exporter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// unwatchedFolder is a flat folder that nobody looks into.
type unwatchedFolder struct{ archive.Destination }

func (unwatchedFolder) Left(context.Context, []string) ([]string, error) { return nil, nil }
func (unwatchedFolder) Close() error                                     { return nil }

// crowded is a state in which something of each kind is counted, and more than one
// of most: five conversations of each sort, two destinations.
func crowded(t *testing.T) *trial {
	t.Helper()
	r, _ := handTrial(t, func(s *Settings) {
		s.ConfirmWithin, s.Files.Fetch = time.Hour, true
		drop := Destination{Name: "drop", Archive: "generic", Stay: time.Hour, Target: unwatchedFolder{}}
		s.Destinations = append(s.Destinations[:1], drop, Destination{Name: "never", Archive: "generic"})
	})
	now := r.millis()
	hour := time.Hour.Milliseconds()
	fill := func(tx *checkpoint.Tx) error {
		var errs []error
		note := func(err error) { errs = append(errs, err) }
		note(tx.Register("local", "generic", checkpoint.FromNew, 0, now))
		note(tx.Register("drop", "generic", checkpoint.FromNew, 0, now))
		note(tx.Register("former", "generic", checkpoint.FromNew, 0, now)) // not in the configuration
		for i := range 25 {
			c := checkpoint.Conversation{SourceID: fmt.Sprintf("c%02d", i), Revision: 1, Recorded: 1, Status: closedStatus, StartedAt: now - int64(i)*hour, Seen: []byte{}}
			switch i / 5 {
			case 0:
				c.Status, c.RereadAt = "OPEN", now+int64(i%2)*hour // two times for five of them
			case 2:
				c.Unconfirmed = now - 2*hour - int64(i%2)
			case 3:
				c.Unconfirmed = now // not for long enough
			}
			note(tx.PutConversation(&c))
			switch i / 5 {
			case 1:
				note(tx.SetCut(c.ID, now-hour))
			case 2:
				note(tx.SetFailed(c.ID, now-hour, "status 500"))
			}
			note(tx.AddDay(checkpoint.Day{Day: dayOf(c.StartedAt), Conversations: 1}))
			if i >= 20 {
				note(tx.MakeDue(c.ID, 1, now, now-int64(i)))
			}
			f := checkpoint.HostedFile{Conversation: c.ID, Path: "p/" + c.SourceID, NotedAt: now - 100}
			f.State = []string{checkpoint.FileWaiting, checkpoint.FileKept, checkpoint.FileMissing, checkpoint.FileAmong, checkpoint.FileDoubtful}[i%5]
			note(tx.PutFile(&f))
		}
		for i := range 3 {
			_, err := tx.LeaveOut(checkpoint.LeftOut{SourceID: fmt.Sprint("out", i), Skills: `["2","3"]`, Reason: reasonSkill, SHA256: []byte{1}}, now)
			note(err)
			note(tx.Quarantine(checkpoint.Quarantined{Kind: checkpoint.KindRecord, SourceID: fmt.Sprint("bad\x1b", i), Reason: "no JSON", SHA256: []byte{1}}, now))
			note(tx.Quarantine(checkpoint.Quarantined{Kind: checkpoint.KindRecord, SourceID: fmt.Sprint("up", i), Reason: "no JSON", SHA256: []byte{2}}, now))
			_, err = tx.NoteUnknown(fmt.Sprint("TYPE", i), now)
			note(err)
			note(tx.AddEvents([]checkpoint.Event{{ReceivedAt: now, Frame: []byte{}}}))
			_, err = tx.AddBackfill(now-int64(i+10)*24*hour, now, now, "", []checkpoint.Window{{From: 1, To: 2}, {From: 2, To: 3}}, now)
			note(err)
		}
		for i := range int64(3) {
			from := now - (200-30*i)*24*hour
			note(cover(tx, checkpoint.Coverage{Reading: checkpoint.ByBackfill, From: from, To: from + 24*hour, ReadAt: now - 24*hour}))
			note(cover(tx, checkpoint.Coverage{Reading: checkpoint.ByCatchUp, From: from + 5*24*hour, To: from + 9*24*hour, ReadAt: from + 9*24*hour}))
		}
		for i := range int64(3) { // every other one that was put aside
			decision, err := tx.Decide(checkpoint.Decision{At: now, Kind: checkpoint.DecidedItem, Reason: "of no use"})
			note(err)
			note(tx.Dismiss(checkpoint.Quarantined{ID: 2 * (i + 1), Kind: checkpoint.KindRecord}, decision, now))
		}
		_, err := tx.Decide(checkpoint.Decision{At: now, Person: "olga", Kind: checkpoint.DecidedHole, Reason: "agreed",
			Facts: fmt.Sprintf(`{"holes":[{"from":%d,"to":%d}]}`, now-199*24*hour, now-198*24*hour)})
		note(err)
		note(tx.LetWait(checkpoint.Event{ID: 1, Waits: waitsSender, Conversation: "c01"}))
		note(tx.LetWait(checkpoint.Event{ID: 2, Waits: waitsConversation, Dialog: "d"}))
		note(tx.PutSelection(checkpoint.Selection{Chosen: []checkpoint.ChosenSkill{{Entry: "Billing", ID: "1", Called: "Old billing", Since: now}},
			Namesakes: []checkpoint.Namesake{{Entry: "Billing", ID: "8", Since: now}, {Entry: "Billing", ID: "9", Since: now}}}))
		note(tx.SetSince(now - 100*24*hour))
		note(tx.SetWatermark(now - 90*24*hour))
		return errors.Join(errs...)
	}
	if err := r.cp.Update(context.Background(), fill); err != nil {
		t.Fatal(err)
	}
	for n, name := range []string{"local", "drop"} {
		row, found, err := r.cp.Destination(context.Background(), name)
		if err != nil || !found {
			t.Fatal(err)
		}
		if err := r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error { return bundles(tx, row.ID, n+1, now, hour) }); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// bundles makes two for a destination that it has not taken: one is cut, and one is
// rendered with items in each state.
func bundles(tx *checkpoint.Tx, destination int64, more int, now, hour int64) error {
	var errs []error
	for serial := 1; serial <= 2; serial++ {
		id, err := tx.PrepareBundle(destination, serial, fmt.Sprintf("a/2026/03/02/b-%09d", serial), []byte("{}"), now)
		errs = append(errs, err, tx.PutSlice(id, 0, &checkpoint.Line{Conversation: fmt.Sprintf("c%02d", serial), Listing: []byte("{}"), Frame: []byte{}}))
		b := checkpoint.Bundle{Head: []byte("{}"), ID: id, Serial: serial, Path: fmt.Sprintf("a/2026/03/02/b-%09d", serial), Slices: 1}
		errs = append(errs, tx.FinishCut(destination, b))
		errs = append(errs, tx.Quarantine(checkpoint.Quarantined{Kind: checkpoint.KindConversation, Destination: destination, SourceID: fmt.Sprintf("c%02d", serial), Reason: "nobody"}, now))
		if serial == 2 {
			continue
		}
		items := make([]checkpoint.Item, 12)
		for i := range items {
			items[i].File = fmt.Sprintf("%d.eml", i)
		}
		errs = append(errs, tx.SetRendered(destination, b, "b", items))
		for i := range more {
			errs = append(errs, tx.Find(checkpoint.Finding{Destination: destination, Path: b.Path, Kind: checkpoint.FoundChanged, Found: fmt.Sprint(i), Detail: "x", FoundAt: now}))
		}
		first := int64(0) // items are numbered over all destinations
		if destination == 2 {
			first = 12
		}
		for i := int64(1); i <= 4; i++ {
			item := first + i
			if i <= int64(2+more)/2 {
				errs = append(errs, tx.SetWaiting(item, now+hour))
			}
			errs = append(errs, tx.Reject(first+4+i, checkpoint.Quarantined{Destination: destination, SourceID: fmt.Sprint(i), SHA256: []byte{1}}, now))
			errs = append(errs, tx.AddUncertain(item, "{}", now), tx.AddUncertain(item, "{}", now))
			errs = append(errs, tx.SetTaken(first+8+i, "{}", now-i*hour/2)) // two have lain for over an hour
		}
	}
	for i := range int64(more) {
		errs = append(errs, tx.PutGiven(destination, i+1, checkpoint.Given{Revision: 1, Private: 2, Unsaid: int(i)}))
	}
	if destination == 2 {
		errs = append(errs, tx.Halt(destination, "another host key", ""))
	} else {
		errs = append(errs, tx.SetTrouble(destination, checkpoint.Trouble{Attempts: 1, Since: now - hour, NextAt: now + hour, Error: "no route"}))
	}
	return errors.Join(errs...)
}

// all lists a kind in pages of a size.
func (r *trial) all(kind string, page int, destinations ...string) (items []Item) {
	r.t.Helper()
	q := ListQuery{Kind: kind, Limit: page, Destinations: destinations}
	for {
		part, next, err := r.List(context.Background(), q)
		if err != nil {
			r.t.Fatalf("list %s after %q: %v", kind, q.After, err)
		}
		if len(part) > page {
			r.t.Fatalf("a page of %s has %d items of %d", kind, len(part), page)
		}
		if items = append(items, part...); next == "" {
			return items
		}
		q.After = next
	}
}

// Each number that the status counts of the state is the length of its list.
func TestEachNumberOfTheStatusIsTheLengthOfItsList(t *testing.T) {
	r := crowded(t)
	s, err := r.Overview(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	captured, undelivered, failing := int64(0), map[string]int64{}, 0
	for _, d := range s.Days {
		captured += d.Conversations
		for i, n := range d.Pending {
			undelivered[s.Destinations[i].Name] += n
		}
	}
	windows := 0
	for _, b := range []int64{1, 2, 3} {
		open, err := r.cp.OpenWindows(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		windows += len(open)
	}
	numbers := map[string]int64{
		"covered": int64(len(s.Coverage)), "backfills": s.OpenBackfills, "windows": int64(windows), "conversations": captured, "open": s.OpenConversations, "cut": s.Partial,
		"dismissed": int64(s.Dismissed), "unconfigured": int64(len(s.Dropped)), "excluded": s.Selection.LeftOut, "skills": 1, "namesakes": int64(len(s.Selection.Namesakes)), "quarantine": int64(s.Quarantined), "unknown-types": 3,
		"events": s.Events.Waiting, "unconfirmed": s.Events.Unconfirmed, "files-waiting": s.Files.Waiting, "files-missing": s.Files.Missing,
		"files-among": 5, "files-kept": s.Files.Kept, "files-doubtful": s.Files.Doubtful,
		"failed-looks": s.FailedLooks, "holes": int64(len(s.Holes)), "doubts": int64(len(s.Doubts)), "given-up": int64(len(s.GivenUp)),
	}
	for _, d := range s.Destinations {
		for kind, n := range map[string]int{"pending": d.Pending, "failed": d.Failed, "rejected": d.Rejected, "held": d.Held, "found": d.Found, "uncertain": d.Uncertain, "left": d.Left,
			"withheld": int(d.WithheldFrom)} {
			numbers[kind+" "+d.Name], numbers[kind] = int64(n), numbers[kind]+int64(n)
		}
		numbers["undelivered "+d.Name], numbers["undelivered"] = undelivered[d.Name], numbers["undelivered"]+undelivered[d.Name]
		if d.Halted || !d.FailingSince.IsZero() {
			failing++
		}
	}
	numbers["failing"] = int64(failing)
	for _, k := range ListKinds() {
		want, is := numbers[k.Name]
		if !is {
			t.Errorf("no number goes with %s", k.Name)
		}
		whole := r.all(k.Name, 1000)
		if int64(len(whole)) != want || want == 0 {
			t.Errorf("%s: %d are listed, the number is %d", k.Name, len(whole), want)
		}
		for _, page := range []int{1, 2, 3} {
			if got := r.all(k.Name, page); !slices.Equal(got, whole) {
				t.Errorf("%s in pages of %d:\n%v\nwant\n%v", k.Name, page, got, whole)
			}
		}
		for _, d := range s.Destinations {
			if want, is := numbers[k.Name+" "+d.Name]; k.Destinations && is && int64(len(r.all(k.Name, 2, d.Name))) != want {
				t.Errorf("%s of %s: %d are listed, the number is %d", k.Name, d.Name, len(r.all(k.Name, 2, d.Name)), want)
			}
		}
	}
}

func TestListedItems(t *testing.T) {
	r := crowded(t)
	now := r.clock.Now()
	for _, c := range []struct {
		kind string
		at   int
		want Item
	}{
		{"open", 0, Item{ID: "c00", Since: now, Next: now, Why: "not closed"}},
		{"excluded", 2, Item{ID: "out2", Since: now, Why: "none of its skills is in select.skills: 2 3"}},
		{"namesakes", 1, Item{ID: "9", Since: now, Command: "lpexport status --list skills",
			Why: `called "Billing", which stands for 1 in select.skills: to capture it write its id there, and backfill`}},
		{"events", 0, Item{ID: "1", Conversation: "c01", Since: now, Why: "no user has the id of its sender"}},
		{"events", 1, Item{ID: "2", Since: now, Why: "nobody has named its conversation yet: dialog d"}},
		{"unconfirmed", 0, Item{ID: "c11", Since: now.Add(-2*time.Hour - time.Millisecond), Why: "history lacks messages that events told: they are delivered",
			Command: "lpexport export --from 2026-03-01 --to 2026-03-02"}},
		{"backfills", 0, Item{ID: "1", Since: now.Add(-240 * time.Hour), Why: "2026-02-20T00:00:00Z to 2026-03-02T00:00:00Z: 2 windows to be read",
			Command: "lpexport export --from 2026-02-20T00:00:00Z --to 2026-03-02T00:00:00Z"}},
		{"withheld", 2, Item{ID: "c01", Destination: "drop", Since: now.Add(-time.Hour), Why: "2 messages for agents and managers only; 1 message until history says who may read them"}},
		{"pending", 0, Item{ID: "c20", Destination: "local", Since: now.Add(-20 * time.Millisecond), Why: "conversation to be cut, up to revision 1: no route",
			Next: now.Add(time.Hour), Command: "lpexport export --destination local"}},
		{"pending", 13, Item{ID: "b-000000002", Destination: "drop", Since: now, Why: "bundle of 1 conversation, cut: halted: another host key",
			Command: "lpexport export --destination drop"}},
		{"failed", 0, Item{ID: "b-000000001/0.eml", Destination: "local", Since: now, Next: now.Add(time.Hour), Why: "tried 1 time in vain: no route",
			Command: "lpexport export --destination local"}},
		{"left", 0, Item{ID: "b-000000001/10.eml", Destination: "drop", Since: now.Add(-90 * time.Minute), Why: "still in the folder: does the importer run?", Command: "lpexport check"}},
	} {
		list := r.all(c.kind, 1000)
		if c.at >= len(list) || list[c.at] != c.want {
			t.Errorf("%s %d:\n%+v\nwant\n%+v", c.kind, c.at, list, c.want)
		}
	}
}

func TestListsThatCannotBe(t *testing.T) {
	r := crowded(t)
	for _, q := range []ListQuery{
		{Kind: "nonsense", Limit: 1}, {Kind: "open"}, {Kind: "open", Limit: 1, Destinations: []string{"local"}},
		{Kind: "open", Limit: 1, After: "1.2.3"}, {Kind: "open", Limit: 1, After: "0.2"}, {Kind: "open", Limit: 1, After: "0.x.3"}, {Kind: "open", Limit: 1, After: "-1.2.3"},
	} {
		_, _, err := r.List(context.Background(), q)
		var bad *ListError
		if !errors.As(err, &bad) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	called := func(name string) string { return strings.ToUpper(name) }
	items, _, err := r.List(context.Background(), ListQuery{Kind: "failing", Limit: 5, Called: called})
	if err != nil || len(items) != 2 || items[0].ID != "LOCAL" || items[1].Command != "lpexport check" {
		t.Errorf("called otherwise: %+v, %v", items, err)
	}
}
