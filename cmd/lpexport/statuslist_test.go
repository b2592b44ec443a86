package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/exporter"
)

// listOf is which list has what a number of the status counts, by its JSON path; ""
// is a number that counts nothing of the state.
var listOf = map[string]string{
	"exit": "", "lag_seconds": "",
	"coverage":           "covered",
	"open_backfills":     "backfills",
	"open_conversations": "open",
	"partial":            "cut",
	"failed_looks":       "failed-looks",
	"holes":              "holes",
	"doubts":             "doubts",
	"given_up":           "given-up",
	"excluded":           "excluded",
	"namesakes":          "namesakes",
	"quarantined":        "quarantine", "waiting": "quarantine", "waiting.count": "quarantine", "waiting.first": "",
	"dismissed": "dismissed",
	"backfills": "backfills", "backfills.windows": "windows",
	"unconfigured": "unconfigured", "unconfigured.pending": "", "unconfigured.oldest_pending_seconds": "", "unconfigured.failed": "", "unconfigured.rejected": "",
	"unconfigured.held": "", "unconfigured.dismissed": "", "unconfigured.uncertain": "", "unconfigured.left": "", "unconfigured.failing_seconds": "", "unconfigured.next_try_seconds": "",
	"events.waiting": "events", "events.oldest_waiting_seconds": "", "events.unconfirmed": "unconfirmed",
	"files.waiting": "files-waiting", "files.missing": "files-missing", "files.doubtful": "files-doubtful", "files.kept": "files-kept", "files.bytes": "", "files.oldest_waiting_seconds": "",
	"destinations":         "failing",
	"destinations.pending": "pending", "destinations.oldest_pending_seconds": "", "destinations.failed": "failed", "destinations.rejected": "rejected",
	"destinations.held": "held", "destinations.dismissed": "dismissed", "destinations.found": "found", "destinations.uncertain": "uncertain", "destinations.left": "left", "destinations.failing_seconds": "", "destinations.next_try_seconds": "",
	"destinations.withheld": "", "destinations.audience_unknown": "", "destinations.withheld_conversations": "withheld",
	"unconfigured.found": "", "unconfigured.withheld": "", "unconfigured.audience_unknown": "", "unconfigured.withheld_conversations": "",
}

// numbersIn gives the JSON paths of all numbers and lists of objects.
func numbersIn(t reflect.Type, at string) (paths []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		of := f.Type
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		switch {
		case f.Anonymous:
			paths = append(paths, numbersIn(of, at)...)
		case name == "":
		case of.Kind() == reflect.Struct && of != reflect.TypeFor[time.Time]():
			if f.Type.Kind() == reflect.Slice {
				paths = append(paths, at+name)
			}
			paths = append(paths, numbersIn(of, at+name+".")...)
		case of.Kind() >= reflect.Int && of.Kind() <= reflect.Float64:
			paths = append(paths, at+name)
		}
	}
	return paths
}

// Whoever adds a number to the status says here by which list it can be seen what it
// counts; that the two agree is tested beside the lists.
func TestEachNumberOfTheStatusHasAList(t *testing.T) {
	kinds := exporter.ListKinds()
	paths := numbersIn(reflect.TypeFor[statusResult](), "")
	if len(paths) < 20 {
		t.Fatalf("only %q", paths)
	}
	for _, path := range paths {
		kind, known := listOf[path]
		there := kind == "" || slices.ContainsFunc(kinds, func(k exporter.ListKind) bool { return k.Name == kind })
		if !known || !there {
			t.Errorf("the number %s has no list", path)
		}
	}
}

func TestListIsOneItemALine(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := newStatusListResult("failed")
	r.command = (&statusResult{config: "a.yaml"}).command
	r.Items = []listedItem{
		r.item(exporter.Item{ID: "a\x1b[2J\nb", Conversation: "c1", Since: at, Why: "no\troute\nat all"}),
		r.item(exporter.Item{ID: "b", Destination: "vault", Next: at, Why: "rejected", Command: "lpexport quarantine list"}),
	}
	r.Next = "0.0.7"
	r.more = r.command(listOptions{kind: "failed", destinations: []string{"vault"}, limit: 2}.goOn(r.Next))
	want := "ID             SINCE                 NEXT                  WHY              TYPE\n" +
		"a\uFFFD[2J b of c1  2026-03-01T12:00:00Z  -                     no route at all  -\n" +
		"b for vault    -                     2026-03-01T12:00:00Z  rejected         lpexport quarantine list --config a.yaml\n" +
		"2 items, and more: lpexport status --list failed --destination vault --limit 2 --after 0.0.7 --config a.yaml\n"
	if got := textOf(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
