package liveperson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// tree reads a Value into what encoding/json would make of it.
func tree(v Value) any {
	switch {
	case v.IsObject():
		m := map[string]any{}
		v.Fields(func(name []byte, v Value) bool {
			m[string(name)] = tree(v)
			return true
		})
		return m
	case v.IsArray():
		l := []any{}
		v.Each(func(v Value) bool {
			l = append(l, tree(v))
			return true
		})
		return l
	case v[0] == '"':
		return v.Text()
	}
	var x any
	if err := json.Unmarshal(v, &x); err != nil {
		return fmt.Sprintf("not a scalar: %q", []byte(v))
	}
	return x
}

func FuzzValueAgreesWithEncodingJSON(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `[[],{}]`, ` { "a" : [ 1 , -2.5e3 , true , null , "x" ] , "b" : { } } `,
		`{"a":"\\","b":"\"","c":"\\\"","d":"}]{[","é":"ü","e\u0301":"\ud83d\ude00"}`,
		`["1234567","12345678","123456789","1234567\\","12345678\\","1234567\"","\u0000","` + strings.Repeat("a", 100) + `"]`,
		`{"` + strings.Repeat("k", 17) + `\\":"` + strings.Repeat(`\"`, 9) + `"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var want any
		if json.Unmarshal(b, &want) != nil {
			return
		}
		v := Value(bytes.TrimSpace(b))
		if got := tree(v); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %#v, want %#v", b, got, want)
		}
	})
}

func TestValueIsLenient(t *testing.T) {
	for _, test := range []struct {
		in           string
		text, id     string
		number, time int64
		isNumber     bool
		truth        bool
	}{
		{in: `"abc"`, text: "abc", id: "abc"},
		{in: `12`, text: "12", id: "12", number: 12, time: 12, isNumber: true},
		{in: `"12"`, text: "12", id: "12", number: 12, time: 12, isNumber: true},
		{in: `1041.0`, text: "1041.0", id: "1041.0", number: 1041, time: 1041, isNumber: true},
		{in: `10.5`, text: "10.5", id: "10.5"},
		{in: `-1`, text: "-1", number: -1, isNumber: true},
		{in: `"-1"`, text: "-1", number: -1, isNumber: true},
		{in: `9223372036854775807`, text: "9223372036854775807", id: "9223372036854775807", number: 9223372036854775807, isNumber: true},
		{in: `92233720368547758070`, text: "92233720368547758070", id: "92233720368547758070"},
		{in: `null`}, {in: `{"a":1}`}, {in: `[1]`}, {in: ``},
		{in: `"null"`, text: "null"}, {in: `"undefined"`, text: "undefined"},
		{in: `true`, text: "true", id: "true", truth: true}, {in: `"true"`, text: "true", id: "true", truth: true},
		{in: `1`, text: "1", id: "1", number: 1, time: 1, isNumber: true, truth: true},
		{in: `"\ud800x"`, text: "\ufffdx", id: "\ufffdx"}, {in: "\"\xff\"", text: "\ufffd", id: "\ufffd"},
	} {
		v := Value(test.in)
		if got := v.Text(); got != test.text {
			t.Errorf("%s: text %q", test.in, got)
		}
		if got := v.ID(); got != test.id {
			t.Errorf("%s: id %q", test.in, got)
		}
		if n, ok := v.Int(); ok != test.isNumber || ok && n != test.number {
			t.Errorf("%s: number %d, %v", test.in, n, ok)
		}
		if got := v.Millis(); got != test.time {
			t.Errorf("%s: time %d", test.in, got)
		}
		if got := v.Bool(); got != test.truth {
			t.Errorf("%s: truth %v", test.in, got)
		}
		if test.text != "" && (!v.Is(test.text) || v.Is(test.text+"x")) {
			t.Errorf("%s: is not %q", test.in, test.text)
		}
	}
}

func TestSplitMessageID(t *testing.T) {
	for _, test := range []struct {
		id, dialog string
		n          int64
	}{
		{"ms::dialog:d-1::msg:7", "d-1", 7}, {"ms::conv:c-1::msg:0", "", 0}, {"ms::dialog:d::msg:", "d", -1},
		{"ms::dialog:d::msg:-3", "d", -1}, {"ms::dialog:d::msg:1.0", "d", -1}, {"anything", "", -1}, {"", "", -1},
	} {
		if dialog, n := SplitMessageID(test.id); dialog != test.dialog || n != test.n {
			t.Errorf("%q: %q, %d", test.id, dialog, n)
		}
	}
}
