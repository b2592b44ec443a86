package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/robfig/cron/v3"

	"lpexport/archive/profile"
)

// The errors of this file say what a value must be. The decoder adds what it
// is, unless that is a secret.

const maxDuration = 100 * 365 * 24 * time.Hour

var (
	accountPattern     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	destinationPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	durationPattern    = regexp.MustCompile(`^([0-9]{1,5}d)?([0-9]+(\.[0-9]+)?(h|m|s|ms|us|ns))*$`)
	hostPattern        = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)*$`)
	bucketPattern      = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	prefixPattern      = regexp.MustCompile(`^[A-Za-z0-9_./-]{1,200}$`)
	headerName         = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,59}$`)
	sizePattern        = regexp.MustCompile(`^([0-9]{1,15})(B|KiB|MiB|GiB|KB|MB|GB)$`)
)

// parseDuration reads a Go duration that may begin with days, such as 7d or 1d12h.
func parseDuration(text string) (time.Duration, error) {
	must := errors.New("must be a duration such as 30m, 24h or 7d")
	if text == "" || !durationPattern.MatchString(text) {
		return 0, must
	}
	var total time.Duration
	if days, rest, found := strings.Cut(text, "d"); found {
		n, err := strconv.Atoi(days)
		if err != nil {
			return 0, must
		}
		total, text = time.Duration(n)*24*time.Hour, rest
	}
	if text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, must
		}
		total += d
	}
	if total < 0 || total > maxDuration {
		return 0, errors.New("must be a duration of at most 36500d")
	}
	return total, nil
}

// formatDuration writes what parseDuration reads, without parts that are zero.
func formatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// parseDate reads a UTC day or a moment with its zone.
func parseDate(text string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1970 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errors.New("must be a date such as 2026-01-31")
}

func formatDate(t time.Time) string {
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}

func parseSince(text string) (Since, error) {
	if at, err := parseDate(text); err == nil {
		return Since{At: at}, nil
	}
	ago, err := parseDuration(text)
	if err != nil || ago == 0 {
		return Since{}, errors.New("must be a duration such as 24h or a date such as 2026-01-31")
	}
	return Since{Ago: ago}, nil
}

func parseCut(text string) (Cut, error) {
	switch text {
	case "immediately":
		return Cut{Mode: CutImmediately}, nil
	case "closed":
		return Cut{Mode: CutClosed, After: closedAtMost}, nil
	}
	after, err := parseDuration(text)
	if err != nil || after == 0 {
		return Cut{}, errors.New("must be immediately, closed, or a duration such as 24h")
	}
	return Cut{Mode: CutAfter, After: after}, nil
}

func parseFrom(text string) (From, error) {
	switch text {
	case "":
		return From{}, nil
	case "all":
		return From{Mode: FromAll}, nil
	case "new":
		return From{Mode: FromNew}, nil
	}
	date, err := parseDate(text)
	if err != nil {
		return From{}, errors.New("must be all, new, or a date such as 2026-01-31")
	}
	return From{Mode: FromDate, Date: date}, nil
}

var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1},
}

func parseSize(text string) (int64, error) {
	must := errors.New("must be a size such as 32MiB")
	parts := sizePattern.FindStringSubmatch(text)
	if parts == nil {
		return 0, must
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return 0, must
	}
	for _, unit := range sizeUnits {
		if unit.name == parts[2] && n <= math.MaxInt64/unit.bytes {
			return n * unit.bytes, nil
		}
	}
	return 0, must
}

func formatSize(n int64) string {
	for _, unit := range sizeUnits {
		if n != 0 && n%unit.bytes == 0 {
			return fmt.Sprintf("%d%s", n/unit.bytes, unit.name)
		}
	}
	return "0B"
}

// CheckAccount says what an account id must be; nil: text is one.
func CheckAccount(text string) error {
	return checkMatch(accountPattern, "must be 1 to 64 letters, digits, - or _")(text)
}

func checkMatch(pattern *regexp.Regexp, must string) func(string) error {
	return func(text string) error {
		if !pattern.MatchString(text) {
			return errors.New(must)
		}
		return nil
	}
}

// checkLine accepts printable text of least to most characters.
func checkLine(least, most int) func(string) error {
	return func(text string) error {
		n := utf8.RuneCountInString(text)
		if n < least || n > most || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return fmt.Errorf("must be %d to %d printable characters", least, most)
		}
		return nil
	}
}

func checkPath(text string) error {
	if text == "" || strings.ContainsRune(text, 0) {
		return errors.New("must be a path")
	}
	return checkTilde(text)
}

// checkTilde refuses what a shell would expand: here it would be a folder of that name.
func checkTilde(text string) error {
	if strings.HasPrefix(text, "~") {
		return errors.New("must be a whole path, such as /home/name/file, or relative to the working directory: ~ is not expanded")
	}
	return nil
}

// scheduleParser knows the five fields of cron and no descriptors.
var scheduleParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

func checkSchedule(text string) error {
	// The parser takes a leading TZ=, and panics where no space follows.
	if strings.Contains(text, "=") {
		return errors.New(`must be a schedule of five fields; its time zone is poll.time_zone`)
	}
	schedule, err := scheduleParser.Parse(text)
	if err != nil {
		return errors.New(`must be a schedule of five fields, such as "*/5 * * * *"`)
	}
	// From a year with a February 29, so that nothing else than the fields decides.
	if schedule.Next(time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return errors.New("names a day that never comes, such as February 30")
	}
	return nil
}

func checkTimeZone(text string) error {
	if _, err := time.LoadLocation(text); err != nil || text == "" || text == "Local" {
		return errors.New("must be the name of a time zone, such as UTC or Europe/London")
	}
	return nil
}

func parseOptionalDate(text string) (Date, error) {
	if text == "" {
		return Date{}, nil
	}
	at, err := parseDate(text)
	return Date{at}, err
}

// checkOptional accepts an empty text, for none.
func checkOptional(check func(string) error) func(string) error {
	return func(text string) error {
		if text == "" {
			return nil
		}
		return check(text)
	}
}

func orEmpty(parse func(string) (string, error)) func(string) (string, error) {
	return func(text string) (string, error) {
		if text == "" {
			return "", nil
		}
		return parse(text)
	}
}

// Archives lists the archives that a destination can name.
func Archives() []string {
	var names []string
	for _, p := range profile.All() {
		names = append(names, p.Name)
	}
	return names
}
