package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Line makes one line of at most limit runes of a text from outside: what cannot
// be seen, or would turn the direction of what follows, becomes U+FFFD.
func Line(text string, limit int) string {
	var line strings.Builder
	runes := 0
	for _, r := range strings.TrimSpace(text) {
		if runes == limit {
			line.WriteRune('…')
			break
		}
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			r = ' '
		case !unicode.IsPrint(r):
			r = utf8.RuneError
		}
		line.WriteRune(r)
		runes++
	}
	return line.String()
}

const (
	nameLimit  = 80  // runes of a destination's name, or another short text
	errorLimit = 320 // runes of what a far side said
)

func quoted(name string) string { return "“" + Line(name, nameLimit) + "”" }

// number is n with a comma at every third digit.
func number[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return sign + digits
}

// count is a number with its noun.
func count[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}

// age is a duration as people say it, with one unit or two.
func age(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 2*day:
		if minutes := d % time.Hour / time.Minute; minutes > 0 {
			return fmt.Sprintf("%d h %d min", d/time.Hour, minutes)
		}
		return fmt.Sprintf("%d h", d/time.Hour)
	default:
		return fmt.Sprintf("%s days", number(int64(d/day)))
	}
}

// moment is a time for people and for machines.
type moment struct{ ISO, Text string }

// at names a time, with its date unless that is today's.
func at(t, now time.Time) moment {
	t, now = t.UTC(), now.UTC()
	layout := "2006-01-02 15:04"
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		layout = "15:04"
	}
	return moment{ISO: t.Format(time.RFC3339), Text: t.Format(layout) + " UTC"}
}

// shell quotes an argument that comes from the configuration, so that a command
// can be pasted whatever it holds.
func shell(argument string) string {
	argument = Line(argument, errorLimit)
	plain := func(r rune) bool {
		return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._:/@%+=-", r))
	}
	if argument != "" && strings.IndexFunc(argument, func(r rune) bool { return !plain(r) }) < 0 {
		return argument
	}
	return "'" + strings.ReplaceAll(argument, "'", `'\''`) + "'"
}

// listed names two, and counts the rest.
func listed(names []string) string {
	switch len(names) {
	case 1:
		return quoted(names[0])
	case 2:
		return quoted(names[0]) + " and " + quoted(names[1])
	default:
		return fmt.Sprintf("%s, %s and %d more", quoted(names[0]), quoted(names[1]), len(names)-2)
	}
}

func isAre(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return count(n, noun) + " are"
}

// ended is a text as a sentence's end.
func ended(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") || strings.HasSuffix(text, "!") {
		return text
	}
	return text + "."
}

func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}
