package liveperson

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// A mark in front of JSON changes nothing; anywhere else it is content.
func TestBOMBeforeJSON(t *testing.T) {
	for _, text := range []string{"", "{}", "\ufeff{}", "\ufeff", "\ufeff\ufeff", "1", "\xef\xbb", "\xef{}"} {
		for name, r := range map[string]io.Reader{
			"whole": strings.NewReader(text), "a byte at a time": iotest.OneByteReader(strings.NewReader(text)), "with its end": iotest.DataErrReader(strings.NewReader(text)),
		} {
			got, err := io.ReadAll(iotest.OneByteReader(&afterBOM{r: r}))
			if want := strings.TrimPrefix(text, "\ufeff"); err != nil || string(got) != want {
				t.Errorf("%q, %s: %q, %v", text, name, got, err)
			}
		}
	}
	sink := &kept{}
	page, err := decode(strings.NewReader("\ufeff"+`{"_metadata":{"count":1},"conversationHistoryRecords":[{"info":{"conversationId":"a"}}]}`), 1<<20, sink)
	if err != nil || page.records != 1 {
		t.Errorf("a search: %+v, %v", page, err)
	}
	n, err := ReadNotification([]byte("\ufeff" + `{"type":"ms.MessagingEventNotification","body":{"changes":[{"conversationId":"a"}]}}`))
	if err != nil || len(n.Changes) != 1 {
		t.Errorf("an event: %+v, %v", n, err)
	}
}
