package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lpexport/archive/profile"
)

// destinationsResult is the table of archives.
type destinationsResult struct {
	header
	Archives []knownArchive `json:"archives"`
	full     bool
}

type knownArchive struct {
	Name       string     `json:"name"`
	Title      string     `json:"title"`
	Format     string     `json:"format"`
	Ways       []knownWay `json:"ways"` // the first is the recommended one
	Cut        string     `json:"cut"`
	MaxAgeDays int        `json:"max_age_days"` // 0: no limit
	OlderGo    string     `json:"older_go"`
	Must       []string   `json:"must"`
	Confirm    []string   `json:"confirm"`
	Arrival    string     `json:"arrival"`
	Confidence string     `json:"confidence"`
	Sources    []string   `json:"sources"`
}

type knownWay struct {
	Transport string `json:"transport"`
	Layout    string `json:"layout"`
}

func newDestinations(p *program) *cobra.Command {
	return p.command(&cobra.Command{
		Use:   "destinations [ARCHIVE]",
		Short: "List the archives it knows, and what each wants",
		Long: `List the archives that the key archive of a destination can name: in which format
and by which ways they are delivered to, and how sure that is. With the name of
one, everything that is known of it. doc/destinations has a page for each.`,
		Args: arguments(0, 1),
	}, func() result { return &destinationsResult{Archives: []knownArchive{}} }, func(_ context.Context, args []string) (result, error) {
		found := &destinationsResult{Archives: []knownArchive{}, full: len(args) > 0}
		for _, each := range profile.All() {
			if len(args) == 0 || each.Name == args[0] {
				found.Archives = append(found.Archives, fromProfile(each))
			}
		}
		if len(found.Archives) == 0 {
			return found, usage(fmt.Sprintf("no archive is called %q", args[0]), "lpexport destinations")
		}
		return found, nil
	})
}

func fromProfile(k profile.Profile) knownArchive {
	a := knownArchive{
		Name: k.Name, Title: k.Title, Format: k.Rendering.Format(), Ways: []knownWay{}, Cut: k.Cut,
		MaxAgeDays: int(k.MaxAge.Hours() / 24), OlderGo: k.OlderGo,
		Must: slices.Concat([]string{}, k.Must), Confirm: slices.Concat([]string{}, k.Confirm),
		Arrival: k.Arrival, Confidence: k.Confidence, Sources: slices.Concat([]string{}, k.Sources),
	}
	for _, w := range k.Ways {
		a.Ways = append(a.Ways, knownWay{w.Transport, w.Layout})
	}
	return a
}

func (a knownArchive) ways() string {
	var ways []string
	for _, w := range a.Ways {
		name := w.Transport
		if w.Layout == profile.LayoutDrop {
			name += "+drop"
		}
		ways = append(ways, name)
	}
	return strings.Join(ways, " ")
}

func (r *destinationsResult) text(w io.Writer) {
	if len(r.Archives) == 0 {
		return
	}
	if r.full {
		r.Archives[0].text(w)
		return
	}
	fmt.Fprintf(w, "%-22s %-34s %-9s %-10s %s\n", "ARCHIVE", "PRODUCT", "FORMAT", "SURE", "WAYS")
	for _, a := range r.Archives {
		fmt.Fprintf(w, "%-22s %-34s %-9s %-10s %s\n", a.Name, a.Title, a.Format, a.Confidence, a.ways())
	}
}

func (a knownArchive) text(w io.Writer) {
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "%-12s %s\n", name, text)
		}
	}
	line("archive", a.Name)
	line("product", a.Title)
	line("format", a.Format)
	line("ways", a.ways())
	line("cut", a.Cut)
	if a.MaxAgeDays > 0 {
		line("not older", fmt.Sprintf("than %s: %s", count(a.MaxAgeDays, "day"), a.OlderGo))
	}
	line("must be set", strings.Join(a.Must, ", "))
	line("to confirm", strings.Join(a.Confirm, ", "))
	line("arrival", a.Arrival)
	line("sure", a.Confidence)
	for _, s := range a.Sources {
		line("source", s)
	}
}
