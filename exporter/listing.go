package exporter

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// Item is one of the things that a number of the status counts. It holds nothing
// that people wrote.
type Item struct {
	ID           string // of its kind: a conversation's, a path, a number
	Conversation string // whose it is; "" where that is not known, or its ID is the conversation's
	Destination  string // "" where the kind is of none
	Since        time.Time
	Next         time.Time // when it is tried, or looked at, again; zero: with the next run, or never
	Why          string
	Command      string // what to type; "" nothing
}

// ListKind is a kind of things that the status counts.
type ListKind struct {
	Name         string
	About        string // what is listed, and since when
	Destinations bool   // it can be narrowed to some of them
}

// ListQuery says what List lists.
type ListQuery struct {
	Kind         string   // name of a ListKind
	Destinations []string // for kinds of destinations; none: all that are configured
	After        string   // the place where an earlier list ended; "" from the beginning
	Limit        int
	Called       func(name string) string // what a destination is called where commands name it; nil: as here
}

// ListError is a query that cannot be answered.
type ListError struct{ What string }

func (e *ListError) Error() string { return e.What }

// part is a stretch of a list, in the order of its keys. A list is one or several.
type part func(ctx context.Context, after [2]int64, limit int) ([]keyed, error)

type keyed struct {
	key [2]int64
	Item
}

// kind is a ListKind with what it is listed by: the state, or each of the destinations.
type kind struct {
	ListKind
	ofState       func(e *Exporter) part
	ofDestination func(e *Exporter, d *Destination, row *checkpoint.Destination) []part
}

// ListKinds are all kinds, in the order in which the status has their numbers.
func ListKinds() []ListKind {
	list := make([]ListKind, len(kinds))
	for i, k := range kinds {
		list[i] = k.ListKind
	}
	return list
}

// List lists a kind, and tells where to go on; next is "" at the end. What changes
// between two pages may be missing or come again. Memory grows with the limit alone.
func (e *Exporter) List(ctx context.Context, q ListQuery) (items []Item, next string, err error) {
	parts, err := e.partsOf(ctx, q)
	if err != nil {
		return nil, "", err
	}
	at, after, err := parsePlace(q.After, len(parts))
	if err != nil {
		return nil, "", err
	}
	for ; at < len(parts); at, after = at+1, [2]int64{} {
		page, err := parts[at](ctx, after, q.Limit+1-len(items))
		if err != nil {
			return nil, "", err
		}
		for _, one := range page {
			if len(items) == q.Limit {
				return items, next, nil
			}
			items = append(items, one.Item)
			next = fmt.Sprintf("%d.%d.%d", at, one.key[0], one.key[1])
		}
	}
	return items, "", nil
}

// parsePlace reads what List has told as the next place.
func parsePlace(text string, parts int) (at int, after [2]int64, err error) {
	if text == "" {
		return 0, after, nil
	}
	fields := strings.Split(text, ".")
	bad := &ListError{fmt.Sprintf("%q is no place where a list ended", text)}
	if len(fields) != 3 {
		return 0, after, bad
	}
	var numbers [3]int64
	for i := range fields {
		if numbers[i], err = strconv.ParseInt(fields[i], 10, 64); err != nil {
			return 0, after, bad
		}
	}
	if numbers[0] < 0 || numbers[0] >= int64(parts) {
		return 0, after, bad
	}
	return int(numbers[0]), [2]int64{numbers[1], numbers[2]}, nil
}

func (e *Exporter) partsOf(ctx context.Context, q ListQuery) (parts []part, err error) {
	at := slices.IndexFunc(kinds, func(k kind) bool { return k.Name == q.Kind })
	switch {
	case at < 0:
		return nil, &ListError{fmt.Sprintf("the status has no list %q", q.Kind)}
	case q.Limit < 1:
		return nil, &ListError{"a list has at least one item"}
	case kinds[at].ofState != nil && len(q.Destinations) > 0:
		return nil, &ListError{q.Kind + " is of no destination"}
	case kinds[at].ofState != nil:
		return []part{kinds[at].ofState(e)}, nil
	}
	for _, d := range e.Destinations {
		if len(q.Destinations) > 0 && !slices.Contains(q.Destinations, d.Name) {
			continue
		}
		row, found, err := e.cp.Destination(ctx, d.Name)
		if err != nil {
			return nil, err
		}
		if q.Called != nil {
			d.Name = q.Called(d.Name)
		}
		if found {
			parts = append(parts, kinds[at].ofDestination(e, &d, &row)...)
		}
	}
	return parts, nil
}

// from is a part that a query gives.
func (e *Exporter) from(l checkpoint.List, item func(checkpoint.Listed) Item, args ...any) part {
	return func(ctx context.Context, after [2]int64, limit int) ([]keyed, error) {
		rows, err := e.cp.List(ctx, l, after, limit, args...)
		page := make([]keyed, len(rows))
		for i, r := range rows {
			page[i] = keyed{r.Key, item(r)}
		}
		return page, err
	}
}

// few is a part that is short, whatever the account: all of it is made at once.
func few(all func(ctx context.Context) ([]Item, error)) part {
	return func(ctx context.Context, after [2]int64, limit int) ([]keyed, error) {
		items, err := all(ctx)
		var page []keyed
		for i := max(after[1], 0); i < int64(len(items)) && len(page) < limit; i++ {
			page = append(page, keyed{[2]int64{0, i + 1}, items[i]})
		}
		return page, err
	}
}

// inState is a kind that a query of the state gives; args are its arguments.
func inState(name, about string, l checkpoint.List, item func(checkpoint.Listed) Item, args func(*Exporter) []any) kind {
	return kind{ListKind: ListKind{Name: name, About: about}, ofState: func(e *Exporter) part {
		var values []any
		if args != nil {
			values = args(e)
		}
		return e.from(l, item, values...)
	}}
}

// briefly is a kind of which there are never many.
func briefly(name, about string, all func(ctx context.Context, e *Exporter) ([]Item, error)) kind {
	return kind{ListKind: ListKind{Name: name, About: about}, ofState: func(e *Exporter) part {
		return few(func(ctx context.Context) ([]Item, error) { return all(ctx, e) })
	}}
}

// forEach is a kind that queries give for each destination.
func forEach(name, about string, parts func(e *Exporter, d *Destination, row *checkpoint.Destination) []part) kind {
	return kind{ListKind: ListKind{Name: name, About: about, Destinations: true}, ofDestination: parts}
}

// byQuery is one query for each destination, whose number is its argument.
func byQuery(l checkpoint.List, item func(d *Destination, row *checkpoint.Destination, r checkpoint.Listed) Item) func(*Exporter, *Destination, *checkpoint.Destination) []part {
	return func(e *Exporter, d *Destination, row *checkpoint.Destination) []part {
		return []part{e.from(l, func(r checkpoint.Listed) Item { return item(d, row, r) }, row.ID)}
	}
}

// leftBefore is since when a file has been lying in a flat folder for too long;
// watched is whether anybody looks.
func (e *Exporter) leftBefore(d *Destination) (at int64, watched bool) {
	_, watched = d.Target.(archive.Watcher)
	return e.millis() - d.Stay.Milliseconds(), watched && d.Stay > 0
}

func (e *Exporter) countLeft(ctx context.Context, d Destination, id int64) (n int, err error) {
	if at, watched := e.leftBefore(&d); watched {
		return e.cp.Count(ctx, checkpoint.ListLeft, id, at)
	}
	return 0, nil
}
