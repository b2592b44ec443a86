package page

import (
	"math"
	"testing"
	"time"
	"unicode/utf8"
)

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		number(0): "0", number(999): "999", number(1000): "1,000", number(-1234567): "-1,234,567",
		number(int64(math.MinInt64)): "-9,223,372,036,854,775,808",
		count(1, "item"):             "1 item", count(1000, "item"): "1,000 items",
		age(-time.Hour): "0 s", age(59 * time.Second): "59 s", age(time.Minute): "1 min", age(time.Hour): "1 h",
		age(25*time.Hour + 61*time.Second): "25 h 1 min", age(48 * time.Hour): "2 days",
		at(now, now).Text: "17:10 UTC", at(now.Add(-18*time.Hour), now).Text: "2026-11-20 23:10 UTC",
		at(now.In(time.FixedZone("", 9*3600)), now).ISO: "2026-11-21T17:10:58Z",
		shell("journal-2"): "journal-2", shell(""): "''", shell("a b"): "'a b'", shell("$(id)"): "'$(id)'",
		shell("a'b"): `'a'\''b'`, shell("a\nb"): "'a b'", shell("ä"): "'ä'",
		Line("  a\r\nb\tc ", 80): "a  b c", Line("\x1b[31m\u202e\xff\u200b", 80): "\uFFFD[31m\uFFFD\uFFFD\uFFFD",
		Line("äöü", 2): "äö…", Line("äö", 2): "äö", Line("", 2): "",
		capital("über"): "Über", capital(""): "",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Whatever a far side says becomes one bounded line of what can be seen.
func FuzzLine(f *testing.F) {
	f.Add("plain", 3)
	f.Add("\u2067\x00\xc3", 80)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = max(limit%1000, 1)
		line := Line(text, limit)
		if !utf8.ValidString(line) || utf8.RuneCountInString(line) > limit+1 {
			t.Errorf("%q is cut to %q", text, line)
		}
		for _, r := range line {
			if !visible(r) {
				t.Errorf("%U is left of %q", r, text)
			}
		}
	})
}
