package exporter

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"

	"lpexport/exporter/checkpoint"
)

// kinds are all that the status, its page and the metrics count of the state.
var kinds = []kind{
	briefly("covered", "periods that are known to be captured", coveredItems),
	briefly("holes", "periods between these that are not known to be captured", holeItems),
	briefly("given-up", "periods that a person lets stay uncaptured", givenUpItems),
	briefly("doubts", "periods of which something can no longer be told", doubtItems),
	inState("backfills", "backfills that are not at their end, and since when they were asked for", checkpoint.ListBackfills, backfillItem, nil),
	inState("windows", "windows of those backfills that are still to be read, since the window's start", checkpoint.ListWindows, windowItem, nil),
	inState("conversations", "captured conversations, since their start", checkpoint.ListConversations, conversationItem, nil),
	inState("open", "conversations that are still being written, since their start, and when they are looked at again", checkpoint.ListOpen, openItem, nil),
	inState("cut", "conversations whose record LivePerson cut short, since then, and when they are looked at again", checkpoint.ListCut, cutItem, nil),
	inState("failed-looks", "conversations that could not be read by their id, since then, and when that is tried again", checkpoint.ListFailedLooks, failedLookItem, nil),
	inState("excluded", "conversations that select.skills leaves out, since they were left out", checkpoint.ListLeftOut, leftOutItem, nil),
	briefly("skills", "skills that the entries of select.skills stand for, since they were looked up", skillItems),
	briefly("namesakes", "skills that bear a name which stands for another in select.skills: they are not captured", namesakeItems),
	inState("quarantine", "what needs a person, since it was put aside", checkpoint.ListQuarantine, quarantineItem, nil),
	inState("dismissed", "what a person has given up of that, since then, and why", checkpoint.ListDismissed, dismissedItem, nil),
	briefly("unknown-types", "types of messages and events that this version does not know, since the first of them", unknownTypeItems),
	inState("events", "real-time events that are not in a conversation yet, since they came", checkpoint.ListEvents, eventItem, nil),
	inState("unconfirmed", "conversations of which history lacks what events told, since then", checkpoint.ListUnconfirmed, unconfirmedItem,
		func(e *Exporter) []any { return []any{e.Now().Add(-e.ConfirmWithin).UnixMilli()} }),
	filesIn("files-waiting", "files that messages name and that are not fetched yet, since they were named", checkpoint.FileWaiting),
	filesIn("files-doubtful", "files that may be a page in a file's place, since they were named", checkpoint.FileDoubtful),
	filesIn("files-missing", "files that LivePerson does not have", checkpoint.FileMissing),
	filesIn("files-among", "files that are kept without anybody knowing which of the conversation's they are", checkpoint.FileAmong),
	filesIn("files-kept", "files that are kept", checkpoint.FileKept),
	forEach("pending", "conversations to be cut, since they became due, and bundles to be delivered, since they were cut", pendingParts),
	forEach("undelivered", "conversations of which a destination lacks something, since their start", undeliveredParts),
	forEach("withheld", "conversations with messages that private_messages withholds from a destination, since their start", byQuery(checkpoint.ListWithheld, withheldItem)),
	forEach("failed", "items that were tried in vain and are tried again, since their bundle was cut", byQuery(checkpoint.ListFailed, failedItem)),
	forEach("rejected", "items that a destination rejected, since their bundle was cut", byQuery(checkpoint.ListRejected, rejectedItem)),
	forEach("held", "conversations that could not be cut, since that was found", byQuery(checkpoint.ListHeld, heldItem)),
	forEach("found", "bundles that were found changed or missing, since then", byQuery(checkpoint.ListFound, foundItem)),
	forEach("uncertain", "deliveries of which nobody knows whether the item was taken", byQuery(checkpoint.ListUncertain, uncertainItem)),
	forEach("left", "files that no importer has taken from the folder, since they were put there", leftParts),
	briefly("unconfigured", "destinations that the configuration no longer names and something is owed to", unconfiguredItems),
	forEach("failing", "destinations that fail or halt, since then", failingParts),
}

func coveredItems(ctx context.Context, e *Exporter) (items []Item, err error) {
	s, err := e.Status(ctx)
	for _, p := range s.Coverage {
		items = append(items, Item{ID: periodText(p.From, p.To), Since: p.From})
	}
	return items, err
}

func holeItems(ctx context.Context, e *Exporter) (items []Item, err error) {
	s, err := e.Status(ctx)
	for _, h := range s.Holes {
		items = append(items, Item{ID: h.ID(), Since: h.From, Why: h.String(), Command: h.Command()})
	}
	return items, err
}

func givenUpItems(ctx context.Context, e *Exporter) (items []Item, err error) {
	s, err := e.Status(ctx)
	for _, g := range s.GivenUp {
		items = append(items, Item{ID: holeID(g.From, g.To), Since: g.From, Why: g.String()})
	}
	return items, err
}

func doubtItems(ctx context.Context, e *Exporter) (items []Item, err error) {
	s, err := e.Status(ctx)
	for _, d := range s.Doubts {
		items = append(items, Item{ID: periodText(d.From, d.To), Since: d.From, Why: d.String()})
	}
	return items, err
}

// dayCommand asks history once more for the day of a time.
func dayCommand(at int64) string {
	if at == 0 {
		return ""
	}
	day := timeOf(at).Truncate(24 * time.Hour)
	return "lpexport export --from " + day.Format(time.DateOnly) + " --to " + day.AddDate(0, 0, 1).Format(time.DateOnly)
}

func backfillItem(r checkpoint.Listed) Item {
	from, to := timeOf(r.Since), timeOf(r.Next)
	return Item{ID: r.ID, Since: from, Why: periodText(from, to) + ": " + plural(r.N, "window") + " to be read", Command: backfillCommand(from, to)}
}

func windowItem(r checkpoint.Listed) Item {
	from, to := timeOf(r.Since), timeOf(r.Next)
	why := fmt.Sprintf("%s, of backfill %s", periodText(from, to), r.Of)
	if r.Why != "" {
		why += ", only " + r.Why
	}
	return Item{ID: r.ID, Since: from, Why: why, Command: "lpexport status --list backfills"}
}

func conversationItem(r checkpoint.Listed) Item {
	return Item{ID: r.ID, Since: timeOf(r.Since), Next: looked(r.Next), Why: fmt.Sprintf("%s, revision %d", r.Why, r.N)}
}

// looked is a time of the next look; 1 stands for every cycle.
func looked(ms int64) time.Time {
	if ms <= 1 {
		return time.Time{}
	}
	return timeOf(ms)
}

func openItem(r checkpoint.Listed) Item {
	why := "not closed"
	if r.Why == closedStatus {
		why = "closed, and its survey is open"
	}
	return Item{ID: r.ID, Since: timeOf(r.Since), Next: looked(r.Next), Why: why}
}

func cutItem(r checkpoint.Listed) Item {
	return Item{ID: r.ID, Since: timeOf(r.Since), Next: looked(r.Next), Why: "its record lacks messages: what LivePerson gave is delivered"}
}

func failedLookItem(r checkpoint.Listed) Item {
	return Item{ID: r.ID, Since: timeOf(r.Since), Next: looked(r.Next), Why: r.Why, Command: "lpexport check"}
}

func leftOutItem(r checkpoint.Listed) Item {
	why := "none of its skills is in select.skills"
	var skills []string
	if json.Unmarshal([]byte(r.Of), &skills) == nil && len(skills) > 0 {
		why += ": " + strings.Join(skills, " ")
	}
	return Item{ID: r.ID, Since: timeOf(r.Since), Why: why}
}

func skillItems(ctx context.Context, e *Exporter) (items []Item, err error) {
	known, err := e.cp.Selection(ctx)
	for _, k := range known.Chosen {
		items = append(items, Item{ID: k.ID, Since: timeOf(k.Since), Why: fmt.Sprintf("select.skills has %q; it is called %q", k.Entry, k.Called)})
	}
	return items, err
}

func namesakeItems(ctx context.Context, e *Exporter) (items []Item, err error) {
	known, err := e.cp.Selection(ctx)
	for _, n := range known.Namesakes {
		items = append(items, Item{ID: n.ID, Since: timeOf(n.Since), Command: "lpexport status --list skills",
			Why: fmt.Sprintf("called %q, which stands for %s in select.skills: to capture it write its id there, and backfill", n.Entry, skillIDs(standsFor(known, n.Entry)))})
	}
	return items, err
}

func quarantineItem(r checkpoint.Listed) Item {
	return Item{ID: fmt.Sprint(r.N), Conversation: r.ID, Since: timeOf(r.Since), Why: r.Of + ": " + r.Why, Command: fmt.Sprintf("lpexport quarantine show %d", r.N)}
}

func dismissedItem(r checkpoint.Listed) Item {
	return Item{ID: fmt.Sprint(r.N), Conversation: r.ID, Since: timeOf(r.Since), Why: r.Of + ": " + r.Why}
}

func heldItem(d *Destination, _ *checkpoint.Destination, r checkpoint.Listed) Item {
	return Item{ID: r.ID, Destination: d.Name, Since: timeOf(r.Since), Why: r.Why, Command: fmt.Sprintf("lpexport quarantine show %d", r.N)}
}

func unconfiguredItems(ctx context.Context, e *Exporter) (items []Item, err error) {
	list, err := e.dropped(ctx)
	for _, d := range list {
		items = append(items, Item{ID: d.Name, Since: e.Now().Add(-d.OldestPending), Command: "lpexport retire " + d.Name,
			Why: fmt.Sprintf("%d pending, %d rejected: configure it again, or end it", d.Pending, d.Rejected)})
	}
	return items, err
}

func unknownTypeItems(ctx context.Context, e *Exporter) (items []Item, err error) {
	types, err := e.cp.UnknownTypes(ctx)
	for _, t := range types {
		items = append(items, Item{ID: t.Type, Since: timeOf(t.FirstAt), Why: plural(t.Messages, "message") + ", delivered with the text and the raw JSON"})
	}
	if err != nil {
		return nil, err
	}
	events, err := e.cp.UnknownEvents(ctx)
	for _, u := range events {
		items = append(items, Item{ID: u.Type, Since: timeOf(u.FirstAt), Why: plural(u.Events, "event") + ", kept until a version knows the type"})
	}
	return items, err
}

// waitsFor says for what an event waits.
var waitsFor = map[string]string{
	"":                "not looked at yet",
	waitsConversation: "nobody has named its conversation yet",
	waitsSkill:        "the skill of its conversation is not known yet",
	waitsSender:       "no user has the id of its sender",
	waitsHistory:      "only history can tell what it is",
	waitsSections:     "its conversation is being captured in sections",
}

func eventItem(r checkpoint.Listed) Item {
	i := Item{ID: r.ID, Conversation: r.Of, Since: timeOf(r.Since), Why: cmp.Or(waitsFor[r.Why], r.Why)}
	if r.N != 0 && r.Of != "" {
		i.Conversation, i.Why = "", i.Why+": dialog "+r.Of
	}
	return i
}

func unconfirmedItem(r checkpoint.Listed) Item {
	return Item{ID: r.ID, Since: timeOf(r.Since), Next: looked(r.Next), Why: "history lacks messages that events told: they are delivered", Command: dayCommand(r.N)}
}

func filesIn(name, about, state string) kind {
	return inState(name, about, checkpoint.ListFiles, func(r checkpoint.Listed) Item {
		i := Item{ID: r.ID, Conversation: r.Of, Since: timeOf(r.Since), Why: r.Why}
		if r.Next > 0 { // below 0 it is new
			i.Next = timeOf(r.Next)
		}
		if state == checkpoint.FileWaiting && r.Why != "" {
			i.Command = "lpexport check"
		}
		return i
	}, func(*Exporter) []any { return []any{state} })
}

// exportCommand has one destination tried at once.
func exportCommand(d *Destination) string { return "lpexport export --destination " + d.Name }

// standing is why nothing goes to a destination, and until when; "" where it does.
func standing(row *checkpoint.Destination) (why string, next time.Time) {
	if row.Halted != "" {
		return "halted: " + row.Halted, time.Time{}
	}
	return row.Trouble.Error, timeOf(row.Trouble.NextAt)
}

func pendingParts(e *Exporter, d *Destination, row *checkpoint.Destination) []part {
	why, next := standing(row)
	item := func(id, state string, since int64) Item {
		return Item{ID: id, Destination: d.Name, Since: timeOf(since), Next: next, Why: because(state, why), Command: exportCommand(d)}
	}
	return []part{
		e.from(checkpoint.ListDue, func(r checkpoint.Listed) Item {
			return item(r.ID, fmt.Sprintf("conversation to be cut, up to revision %d", r.N), r.Since)
		}, row.ID),
		e.from(checkpoint.ListBundles, func(r checkpoint.Listed) Item {
			return item(itemLabel(r.ID, ""), "bundle of "+plural(r.N, "conversation")+", "+r.Why, r.Since)
		}, row.ID),
	}
}

func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func because(fact, why string) string {
	if why == "" {
		return fact
	}
	return fact + ": " + why
}

func undeliveredParts(e *Exporter, d *Destination, row *checkpoint.Destination) []part {
	why, next := standing(row)
	return []part{e.from(checkpoint.ListUndelivered, func(r checkpoint.Listed) Item {
		return Item{ID: r.ID, Destination: d.Name, Since: timeOf(r.Since), Next: next, Why: because("something of it is pending", why), Command: exportCommand(d)}
	}, row.ID, row.ID)}
}

func withheldItem(d *Destination, _ *checkpoint.Destination, r checkpoint.Listed) Item {
	var why []string
	if r.N > 0 {
		why = append(why, plural(r.N, "message")+" for agents and managers only")
	}
	if r.Next > 0 {
		why = append(why, plural(r.Next, "message")+" until history says who may read them")
	}
	return Item{ID: r.ID, Destination: d.Name, Since: timeOf(r.Since), Why: strings.Join(why, "; ")}
}

func failedItem(d *Destination, row *checkpoint.Destination, r checkpoint.Listed) Item {
	why, next := standing(row)
	if own := timeOf(r.Next); own.After(next) {
		next = own
	}
	return Item{ID: itemLabel(r.ID, r.Of), Destination: d.Name, Since: timeOf(r.Since), Next: next,
		Why: because("tried "+plural(r.N, "time")+" in vain", why), Command: exportCommand(d)}
}

func rejectedItem(d *Destination, _ *checkpoint.Destination, r checkpoint.Listed) Item {
	return Item{ID: itemLabel(r.ID, r.Of), Destination: d.Name, Since: timeOf(r.Since), Why: "rejected: the quarantine has the reason", Command: "lpexport quarantine list"}
}

func uncertainItem(d *Destination, _ *checkpoint.Destination, r checkpoint.Listed) Item {
	return Item{ID: itemLabel(r.ID, r.Of), Destination: d.Name, Since: timeOf(r.Since),
		Why: "nobody knows whether it arrived then, so it may be there twice; now it is " + r.Why}
}

func foundItem(d *Destination, _ *checkpoint.Destination, r checkpoint.Listed) Item {
	name := path.Base(r.ID)
	return Item{ID: name, Destination: d.Name, Since: timeOf(r.Since), Why: r.Of + ": " + r.Why, Command: "lpexport accept bundle " + name + " --reason TEXT"}
}

func leftParts(e *Exporter, d *Destination, row *checkpoint.Destination) []part {
	before, watched := e.leftBefore(d)
	if !watched {
		return nil
	}
	return []part{e.from(checkpoint.ListLeft, func(r checkpoint.Listed) Item {
		return Item{ID: itemLabel(r.ID, r.Of), Destination: d.Name, Since: timeOf(r.Since), Why: "still in the folder: does the importer run?", Command: "lpexport check"}
	}, row.ID, before)}
}

func failingParts(_ *Exporter, d *Destination, row *checkpoint.Destination) []part {
	why, next := standing(row)
	if why == "" {
		return nil
	}
	command := (DestinationStatus{LastError: why, Halted: row.Halted != "", Remedy: row.Remedy}).Command()
	return []part{few(func(context.Context) ([]Item, error) {
		return []Item{{ID: d.Name, Destination: d.Name, Since: timeOf(row.Trouble.Since), Next: next, Why: why, Command: command}}, nil
	})}
}
