package exporter

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/mail"
	"lpexport/exporter/identity"
)

// TestUnusualIDsAreDelivered: ids of any length that a manifest can hold, and of
// any characters, name a conversation.
func TestUnusualIDsAreDelivered(t *testing.T) {
	r, h := handTrial(t, nil)
	var want []string
	for _, id := range []string{strings.Repeat("x", 400), strings.Repeat("ü", 512), "a\x01\x7f\u202eb", "a\r\nb", `a"\b`, " a ", "../a", "-rf"} {
		escaped, err := json.Marshal(id)
		if err != nil {
			t.Fatal(err)
		}
		h.put(talk{id: string(escaped[1 : len(escaped)-1]), said: []said{{0, "x"}}, closed: true})
		want = append(want, id)
	}
	h.put(talk{id: strings.Repeat("x", 1025), said: []said{{0, "x"}}, closed: true})
	report, err := r.fails()
	list, lerr := r.QuarantineList(context.Background())
	if report.Quarantined != 1 || lerr != nil || len(list) != 1 || !strings.Contains(list[0].Reason, "1024 bytes") {
		t.Errorf("%v, quarantine: %+v, %v", err, list, lerr)
	}
	got := map[string]int{}
	for _, s := range r.delivered("local") {
		got[s.Conversation] += len(s.Messages)
	}
	for _, id := range want {
		if got[id] != 1 {
			t.Errorf("%.20q was delivered %d times", id, got[id])
		}
	}
	r.sound()
}

// TestMessageOfNobodyIsDelivered: where agents without an address are held, a
// message of which LivePerson names no sender cannot wait for a mapping.
func TestMessageOfNobodyIsDelivered(t *testing.T) {
	resolver, err := identity.New(identity.Settings{
		Account: "sandbox", InternalDomains: []string{"firm.example"}, ConsumerDomain: "visitors.example", BotDomain: "bots.firm.example",
		ConsumerEmail: identity.EmailVerified, UnknownAgent: identity.UnknownHold,
	})
	if err != nil {
		t.Fatal(err)
	}
	office := &postOffice{}
	r, h := handTrial(t, func(s *Settings) {
		d := &s.Destinations[0]
		d.Name, d.Target, d.Files, d.Where, d.Addresses = "post", office, true, "post office", resolver
		d.Shape = func(_, _ []byte) (archive.Shape, error) {
			format, err := mail.New(mail.Settings{Destination: "post", Domain: "lpexport.test", Per: mail.PerConversation,
				Date: mail.DateFirst, From: mail.FromInitiator, To: mail.ToOthers, Subject: "LivePerson {conversation}", Zone: "UTC"})
			return archive.Shape{Format: format}, err
		}
	})
	for i, sender := range []string{``, `"sentBy":"",`, `"sentBy":"Agent",`, `"sentBy":"Agent","participantId":"",`, `"participantId":null,`} {
		id := fmt.Sprintf("nobody-%d", i)
		h.records[id] = fmt.Sprintf(`{"info":{"conversationId":"%s","startTimeL":%d,"status":"CLOSE","conversationEndTimeL":%d},
			"messageRecords":[{%s"type":"TEXT_PLAIN","messageData":{"msg":{"text":"who am I"}},"messageId":"ms::dialog:%s::msg:0","seq":0,"dialogId":"%s","timeL":%d}]}`,
			id, talkStart, talkStart+3600_000, sender, id, id, talkStart)
	}
	r.cycle()
	if len(office.order) != 5 {
		t.Fatalf("took %q", office.order)
	}
	for name, all := range office.took {
		if raw := string(all[0]); !strings.Contains(raw, "unknown-sender@bots.firm.example") {
			t.Errorf("%s is from somebody: %.500s", name, raw)
		}
	}
}
