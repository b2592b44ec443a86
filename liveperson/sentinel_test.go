package liveperson

import (
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Words are words; only members that are known to are emptied by what they say.
func TestOnlyKnownMembersAreEmptied(t *testing.T) {
	for word, want := range map[string]struct{ status, consumer, time string }{
		"undefined": {"", "", ""}, "null": {"", "null", ""}, "NA": {"", "NA", ""}, "-1": {"-1", "-1", ""}, "0": {"0", "0", ""},
		"Unassigned": {"Unassigned", "Unassigned", "Unassigned"}, "": {}, "na": {"na", "na", "na"}, "CLOSE": {"CLOSE", "CLOSE", "CLOSE"},
	} {
		v := Value(`"` + word + `"`)
		if got := v.Text(); got != word {
			t.Errorf("Text of %q is %q", word, got)
		}
		if s, c, at := v.In(Status), v.In(ConsumerName), v.In(Time); s != want.status || c != want.consumer || at != want.time {
			t.Errorf("%q: status %q, consumer %q, time %q, want %q", word, s, c, at, want)
		}
	}
}

var wholeness = []struct {
	value string
	whole bool
}{
	{`"plain"`, true}, {`""`, true}, {`"caf\u00e9 \n \\ud83d"`, true}, {`"\ud83d\ude00"`, true}, {`"😀 \ufffd"`, true}, {"\"\ufffd\"", true},
	{`"\ud83d"`, false}, {`"\ude00"`, false}, {`"\ude00\ud83d"`, false}, {`"\ud83d\ud83d\ude00"`, false}, {`"\uD83Dx"`, false},
	{"\"\xff\"", false}, {"\"\xed\xa0\xbd\xed\xb8\x80\"", false}, {"\"12345678\xe9\"", false}, {`"12345678\ud83d"`, false},
	{`"\ud83d\n"`, false}, {`"\\\ud83d"`, false},
}

func TestDecodeTellsWhatUTF8CannotHold(t *testing.T) {
	for _, c := range wholeness {
		v := Value(c.value)
		text, whole := v.Decode()
		if whole != c.whole || v.IsWhole() != c.whole || text != v.Text() {
			t.Errorf("%s: %q, whole %v, IsWhole %v, want %v", c.value, text, whole, v.IsWhole(), c.whole)
		}
		for _, around := range []Value{Value(`{"a":[` + c.value + `],"b":1}`), Value(`{` + c.value + `:1}`)} {
			if around.IsWhole() != c.whole {
				t.Errorf("%s: %v, want %v", around, !c.whole, c.whole)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range wholeness {
		f.Add([]byte(c.value))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 || b[0] != '"' || !jsontext.Value(b).IsValid(jsontext.AllowInvalidUTF8(true)) {
			return
		}
		v := Value(b)[:len(b):len(b)]
		for len(v) > 0 && v[len(v)-1] != '"' {
			v = v[:len(v)-1] // white space
		}
		text, whole := v.Decode()
		if !utf8.ValidString(text) || whole != v.IsWhole() || whole != jsontext.Value(v).IsValid() {
			t.Errorf("%q: %q, whole %v, IsWhole %v", v, text, whole, v.IsWhole())
		}
	})
}
