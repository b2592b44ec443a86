package liveperson

import (
	"slices"
	"testing"
)

type aboutMessage struct {
	dialog   string
	sequence int64
}

func TestStatuses(t *testing.T) {
	for name, test := range map[string]struct {
		list string
		sure bool // the scan can be relied on
		want []aboutMessage
	}{
		"as documented": {`[{"messageId":"ms::dialog:d::msg:7","seq":7,"participantId":"q","dialogId":"d"},{"seq":0,"dialogId":"01234567-89ab-cdef-0123-456789abcdef"}]`, true,
			[]aboutMessage{{"d", 7}, {"01234567-89ab-cdef-0123-456789abcdef", 0}}},
		"in quotes":        {`[{"seq":"12","dialogId":"d"}]`, true, []aboutMessage{{"d", 12}}},
		"spaced":           {"[ { \"seq\" : 3 , \"dialogId\" : \"d\" } ]", false, []aboutMessage{{"d", 3}}},
		"dialog first":     {`[{"dialogId":"d","seq":3}]`, false, []aboutMessage{{"d", 3}}},
		"escaped":          {`[{"\u0073eq":3,"dialogId":"d"}]`, false, []aboutMessage{{"d", 3}}},
		"named in a value": {`[{"x":"seq","y":"\"seq\":9","seq":1,"dialogId":"d"}]`, false, []aboutMessage{{"d", 1}}},
		"only a value":     {`[{"x":"seq","seq":1,"dialogId":"d"}]`, true, []aboutMessage{{"d", 1}}},
		"by its id":        {`[{"messageId":"ms::conv:c::msg:4"}]`, false, []aboutMessage{{"", 4}}},
		"null":             {`[{"seq":null,"messageId":"ms::conv:c::msg:4","dialogId":"undefined"}]`, false, []aboutMessage{{"", 4}}},
		"negative":         {`[{"seq":-1}]`, false, nil},
		"fraction":         {`[{"seq":1.5}]`, false, nil},
		"none":             {`[]`, true, nil},
		"absent":           {``, true, nil},
		"null list":        {`null`, true, nil},
		"no list":          {`"seq"`, false, nil},
	} {
		var read, scanned []aboutMessage
		Value(test.list).Each(func(v Value) bool {
			if dialog, n, ok := ReadStatus(v); ok {
				read = append(read, aboutMessage{dialog.ID(), n})
			}
			return true
		})
		if !slices.Equal(read, test.want) {
			t.Errorf("%s: read %v, want %v", name, read, test.want)
		}
		sure := ScanStatuses(Value(test.list), true, func(dialog Value, n int64) { scanned = append(scanned, aboutMessage{dialog.ID(), n}) })
		if sure != test.sure || sure && !slices.Equal(scanned, test.want) {
			t.Errorf("%s: scanned %v, sure %v", name, scanned, sure)
		}
	}
}

// FuzzStatuses holds the scan to what the reader finds.
func FuzzStatuses(f *testing.F) {
	f.Add([]byte(`[{"seq":1,"dialogId":"d"}]`))
	f.Add([]byte(`[{"seq":"1","x":{"seq":2},"dialogId":"q"},{"dialogId":"}","seq":3}]`))
	f.Add([]byte(`[{"seq":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := parse(raw)
		if err != nil || len(raw) == 0 || raw[0] != '[' {
			return
		}
		for _, dialogs := range []bool{false, true} {
			scanned := map[int64]bool{}
			sure := ScanStatuses(v, dialogs, func(_ Value, n int64) { scanned[n] = true })
			v.Each(func(e Value) bool {
				if n, ok := e.Get("seq").Int(); ok && n >= 0 && sure && !scanned[n] {
					t.Errorf("%s: %d was not scanned", raw, n)
				}
				return true
			})
		}
	})
}
