package exporter

import (
	"strconv"
	"strings"
	"time"

	"lpexport/liveperson"
)

// reader is how words and times are taken from a record or an event: as now, or
// as earlier versions took them (former.go).
type reader struct {
	former bool
	odd    bool // something was met that the other way takes otherwise
}

// words is what a person wrote.
func (r *reader) words(v liveperson.Value) string {
	s := v.Text()
	if isFormerNothing(s) {
		if r.odd = true; r.former {
			return ""
		}
	}
	return s
}

// moment is a time as a record has it: epoch milliseconds, and a text.
type moment struct{ number, text liveperson.Value }

// when reads a time of which either may be missing, or in the other's place: 0
// where there is none. unread is the text, where there is one that cannot be read.
//
// Where both are there, as in official samples that do not agree, the number is right.
func (r *reader) when(m moment) (at int64, unread string) {
	if at = m.number.Millis(); at != 0 {
		return at, ""
	}
	for _, v := range []liveperson.Value{m.text, m.number} {
		s := v.In(liveperson.Time)
		if s == "" {
			continue
		}
		if r.odd = true; r.former {
			return 0, ""
		}
		if at = parseTime(s); at != 0 {
			return at, ""
		}
		if unread == "" {
			unread = strings.ToValidUTF8(s[:min(len(s), longestTime)], "\uFFFD")
		}
	}
	return 0, unread
}

// sent is when for the two times whose texts have always been read: a message's,
// and a conversation's start.
func (r *reader) sent(m moment) (at int64, unread string) {
	if at = m.number.Millis(); at == 0 && r.former {
		return parseFormerTime(m.text.Text()), ""
	}
	return r.when(m)
}

// longestTime bounds what is kept of a time that cannot be read.
const longestTime = 64

// clockForm is how LivePerson's dates and clocks begin, with a space or a T between.
const clockForm = "2006-01-02 15:04:05"

// epochDigits are those of epoch milliseconds from 2001 on.
const epochDigits = 13

// parseTime reads a time that says which moment it is, as epoch milliseconds, 0 for
// none: a date and a clock, a fraction of any length, and an offset in any spelling
// of ISO 8601, Z, UTC or GMT. Epoch milliseconds are read as well, seconds are not:
// nothing tells how many digits a time has.
//
// Without an offset it is UTC in the one form in which LivePerson writes such times
// (data APIs reference, trap 14: "2015-06-22 19:20:03"), and no time in any other.
func parseTime(s string) int64 {
	s = strings.TrimSpace(s)
	if len(s) == epochDigits {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 && n <= liveperson.EndOfTime {
			return n
		}
	}
	if len(s) < len(clockForm) {
		return 0
	}
	spaced := s[10] == ' '
	if !spaced && s[10] != 'T' && s[10] != 't' {
		return 0
	}
	t, err := time.Parse(clockForm, s[:10]+" "+s[11:len(clockForm)])
	if err != nil {
		return 0
	}
	fraction, zone := cutFraction(s[len(clockForm):])
	offset, ok := zoneOffset(strings.TrimLeft(zone, " "), spaced)
	if !ok {
		return 0
	}
	if at := t.UnixMilli() + fraction - offset; at > 0 && at <= liveperson.EndOfTime {
		return at
	}
	return 0
}

// cutFraction cuts a fraction of a second, in whole milliseconds.
func cutFraction(s string) (ms int64, rest string) {
	if len(s) < 2 || s[0] != '.' && s[0] != ',' {
		return 0, s
	}
	i := 1
	for unit := int64(100); i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		ms += int64(s[i]-'0') * unit
		unit /= 10
	}
	return ms, s[i:]
}

// farthestZone is the greatest offset that any clock has, in hours.
const farthestZone = 14

// zoneOffset is an offset from UTC in milliseconds.
func zoneOffset(s string, mayLack bool) (ms int64, ok bool) {
	switch s {
	case "":
		return 0, mayLack
	case "Z", "z", "UTC", "GMT":
		return 0, true
	}
	sign := int64(1)
	switch s[0] {
	case '-':
		sign = -1
	case '+':
	default:
		return 0, false
	}
	digits := s[1:]
	if len(digits) == 5 && digits[2] == ':' {
		digits = digits[:2] + digits[3:]
	}
	if len(digits) == 2 {
		digits += "00"
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	hours, minutes := int64(n/100), int64(n%100)
	if err != nil || len(digits) != 4 || minutes > 59 || hours > farthestZone || hours == farthestZone && minutes > 0 {
		return 0, false
	}
	return sign * (hours*60 + minutes) * time.Minute.Milliseconds(), true
}
