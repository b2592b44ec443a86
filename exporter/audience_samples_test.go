package exporter

import (
	"os"
	"path/filepath"
	"testing"

	"lpexport/liveperson"
)

// LivePerson's own examples of messages: those of 2018 do not say for whom they are.
func TestAudienceOfOfficialExamples(t *testing.T) {
	const samples = "../../shared/samples"
	if _, err := os.Stat(samples); err != nil {
		t.Skip("the official examples are not here")
	}
	for name, assumed := range map[string]bool{"webhook-text-consumer.json": true, "webhook-text-with-audience.json": false} {
		raw, err := os.ReadFile(filepath.Join(samples, name))
		if err != nil {
			t.Fatal(err)
		}
		n, err := liveperson.ReadNotification(raw)
		if err != nil {
			t.Fatal(err)
		}
		change := liveperson.ReadMessagingChange(n.Changes[0])
		m, ok := newNormaliser(nil, nil).toldMessage(&header{}, change.Dialog.ID(), n.Changes[0])
		if !ok || m.Assumed != assumed || m.Audience != "all" {
			t.Errorf("%s: %v, assumed %v, for %s", name, ok, m.Assumed, m.Audience)
		}
	}
}
