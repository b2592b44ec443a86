package exporter

import (
	"slices"

	"lpexport/liveperson"
)

// A record whose messageStatuses are about messages that its messageRecords lack is
// cut short, though it may not say so. Statuses are compared by dialog and number:
// gaps between numbers are normal, a status of a number that nothing has is not. In
// official samples all statuses of a record name a dialog that none of its messages
// has; so where no status names a dialog of the messages, a number of any dialog will do.

// numbers is a set of sequence numbers, as intervals in order.
type numbers []interval

type interval struct{ from, to int64 } // both inclusive

func (s *numbers) add(n int64) {
	list := *s
	if last := len(list) - 1; last >= 0 && n >= list[last].from {
		switch {
		case n <= list[last].to:
		case n == list[last].to+1:
			list[last].to = n
		default:
			*s = append(list, interval{n, n})
		}
		return
	}
	i, found := list.find(n)
	switch {
	case found:
	case i < len(list) && list[i].from == n+1:
		list[i].from = n
	default:
		*s = slices.Insert(list, i, interval{n, n})
	}
}

// find is the interval that holds n, or the place of one that would.
func (s numbers) find(n int64) (int, bool) {
	return slices.BinarySearchFunc(s, n, func(v interval, n int64) int {
		switch {
		case v.to < n:
			return -1
		case v.from > n:
			return 1
		}
		return 0
	})
}

func (s numbers) has(n int64) bool {
	if len(s) == 1 {
		return n >= s[0].from && n <= s[0].to
	}
	_, found := s.find(n)
	return found
}

// numbered are numbers of messages by their dialogs. The zero value is empty; reset
// makes it so again.
type numbered struct {
	dialogs []dialogNumbers
	derived int // messages besides, which have no number: a status may be about one of them
}

type dialogNumbers struct {
	id string
	numbers
}

func (d *numbered) reset() { d.dialogs, d.derived = d.dialogs[:0], 0 }

func (d *numbered) add(dialog string, sequence int64) {
	for i := range d.dialogs {
		if d.dialogs[i].id == dialog {
			d.dialogs[i].add(sequence)
			return
		}
	}
	if n := len(d.dialogs); n < cap(d.dialogs) { // keep the intervals of an earlier record
		d.dialogs = d.dialogs[:n+1]
		d.dialogs[n] = dialogNumbers{dialog, d.dialogs[n].numbers[:0]}
	} else {
		d.dialogs = append(d.dialogs, dialogNumbers{id: dialog})
	}
	d.dialogs[len(d.dialogs)-1].add(sequence)
}

func (d *numbered) addMessage(m *capturedMessage) {
	if m.derived != 0 {
		d.derived++
	} else {
		d.add(m.dialog, m.sequence)
	}
}

// has reports whether a message has that number: in that dialog when there are any
// of it (named), else in any dialog.
func (d *numbered) has(dialog liveperson.Value, sequence int64) (has, named bool) {
	for i := range d.dialogs {
		holds := d.dialogs[i].has(sequence)
		if dialog.Is(d.dialogs[i].id) {
			return holds, true
		}
		has = has || holds
	}
	return has, false
}

// statusName is the message that a status is about. dialog is "" where the record's
// statuses do not name the dialogs of its messages.
type statusName struct {
	dialog   string
	sequence int64
}

// beyond lists the messages that a record's statuses are about and its list does not
// have, each once. dialogs is how many dialogs the record lists.
func (d *numbered) beyond(messages []capturedMessage, dialogs int, statuses liveperson.Value) (names []statusName) {
	d.reset()
	for i := range messages {
		d.addMessage(&messages[i])
	}
	all, named, strange := true, false, false
	several := max(dialogs, len(d.dialogs)) > 1
	sure := liveperson.ScanStatuses(statuses, several, func(dialog liveperson.Value, n int64) {
		has, is := d.has(dialog, n)
		all, named, strange = all && has, named || is, strange || !is
	})
	if sure && all && !(named && strange) {
		return nil
	}
	named = false
	var lacking, elsewhere []statusName
	statuses.Each(func(v liveperson.Value) bool {
		dialog, n, ok := liveperson.ReadStatus(v)
		if !ok {
			return true
		}
		has, is := d.has(dialog, n)
		name := statusName{dialog.ID(), n}
		named = named || is
		switch {
		case !has:
			lacking = append(lacking, name)
		case !is && name.dialog != "":
			elsewhere = append(elsewhere, name)
		}
		return true
	})
	if named {
		lacking = append(lacking, elsewhere...)
	}
	return d.unexplained(lacking, named)
}

// unexplained leaves each name once, and none when they may be those of the messages
// without a number.
func (d *numbered) unexplained(names []statusName, named bool) []statusName {
	if !named {
		for i := range names {
			names[i].dialog = ""
		}
	}
	names = unique(names)
	if len(names) <= d.derived {
		return nil
	}
	return names
}

// unknown lists those that are not known, as beyond does.
func (d *numbered) unknown(s *seen) (names []statusName) {
	named := slices.ContainsFunc(d.dialogs, func(d dialogNumbers) bool { return s.find(d.id) != nil })
	for _, dialog := range d.dialogs {
		name := statusName{}
		if named {
			name.dialog = dialog.id
		}
		for _, v := range dialog.numbers {
			for name.sequence = v.from; name.sequence <= v.to; name.sequence++ {
				if !s.knows(name) {
					names = append(names, name)
				}
			}
		}
	}
	return d.unexplained(names, named)
}

// knows reports whether a message is known that a status is about: one that a record
// no longer has may have been captured before.
func (s *seen) knows(name statusName) bool {
	if name.dialog != "" {
		d := s.find(name.dialog)
		return d != nil && d.holds(name.sequence)
	}
	return slices.ContainsFunc(s.dialogs, func(d seenDialog) bool { return d.holds(name.sequence) })
}

func (d *seenDialog) holds(sequence int64) bool {
	from, to := d.group(sequence)
	return from < to
}
