package sandbox_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/liveperson/sandbox"
)

func itoa(n int) string { return strconv.Itoa(n) }

// served is a message as read off the wire, named as an archive names it.
type served struct {
	Dialog, Sequence, Sender, Audience, Type, Text string
	SentAt                                         string
}

var numberInID = regexp.MustCompile(`::msg:(\d+)$`)

func servedMessages(t *testing.T, record object) []served {
	t.Helper()
	id := record["info"].(object)["conversationId"].(string)
	var list []served
	for _, raw := range record["messageRecords"].([]any) {
		m := raw.(object)
		s := served{
			Dialog: m["dialogId"].(string), Sequence: fmt.Sprint(m["seq"]), Sender: m["participantId"].(string),
			Audience: "ALL", Type: m["type"].(string), SentAt: m["timeL"].(json.Number).String(),
		}
		if s.Dialog == "undefined" {
			s.Dialog = id
		}
		if m["seq"] == nil {
			s.Sequence = numberInID.FindStringSubmatch(m["messageId"].(string))[1]
		}
		if audience, ok := m["audience"].(string); ok {
			s.Audience = audience
		}
		if s.Type == "TEXT_PLAIN" {
			s.Text = m["messageData"].(object)["msg"].(object)["text"].(string)
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(x, y served) int { return slices.Compare([]string{x.SentAt}, []string{y.SentAt}) })
	return list
}

func TestTruthIsWhatIsServed(t *testing.T) {
	for name, hostile := range map[string]bool{"plain": false, "hostile": true} {
		t.Run(name, func(t *testing.T) {
			now := epoch.Add(4 * 24 * time.Hour)
			settings := small(now)
			settings.Hostile = hostile
			r := connect(t, settings)
			records := r.all(everythingSince(epoch))
			byID := map[string]object{}
			for _, record := range records {
				byID[record["info"].(object)["conversationId"].(string)] = record
			}
			held := 0
			for c := range r.account.Truth(now) {
				held++
				record := byID[c.ID]
				if record == nil {
					t.Fatalf("conversation %d is not served", c.Number)
				}
				if got := record["info"].(object)["status"]; got != c.Status {
					t.Errorf("conversation %d: status %v, want %v", c.Number, got, c.Status)
				}
				var want []served
				for _, m := range c.Messages {
					want = append(want, served{m.Dialog, fmt.Sprint(m.Sequence), m.Sender, m.Audience, m.Type, m.Text, fmt.Sprint(m.SentAt)})
				}
				if diff := cmp.Diff(want, servedMessages(t, record)); diff != "" {
					t.Fatalf("conversation %d (-truth +served)\n%s", c.Number, diff)
				}
				compareHappenings(t, c, record)
			}
			if held != len(records) || held < 200 {
				t.Errorf("%d conversations are true, %d served", held, len(records))
			}
		})
	}
}

// compareHappenings checks that the record tells of all that is true, and of
// nothing else.
func compareHappenings(t *testing.T, c sandbox.Conversation, record object) {
	t.Helper()
	var want []string
	for _, h := range c.Happened {
		if h.Kind != "reopened" {
			want = append(want, fmt.Sprint(h.Kind, "@", h.At, "/", h.ID))
		}
	}
	got := []string{fmt.Sprint("started@", record["info"].(object)["startTimeL"], "/", c.ID)}
	each := func(section string, tell func(object) string) {
		list, _ := record[section].([]any)
		for _, e := range list {
			if s := tell(e.(object)); s != "" {
				got = append(got, s)
			}
		}
	}
	each("agentParticipants", func(p object) string { return fmt.Sprint("joined@", p["timeL"], "/", p["agentId"]) })
	each("consumerParticipants", func(p object) string { return fmt.Sprint("joined@", p["joinTimeL"], "/", p["participantId"]) })
	each("agentParticipantsLeave", func(p object) string { return fmt.Sprint("left@", p["timeL"], "/", p["agentId"]) })
	each("transfers", func(p object) string {
		return fmt.Sprint("transferred@", p["timeL"], "/", p["sourceSkillId"], ">", p["targetSkillId"])
	})
	starts := map[any]any{}
	each("dialogs", func(d object) string {
		starts[d["dialogId"]] = d["startTimeL"]
		if d["status"] == "OPEN" || d["dialogType"] != "MAIN" {
			return ""
		}
		return fmt.Sprint("closed@", d["endTimeL"], "/", d["dialogId"])
	})
	if record["dialogs"] == nil && c.EndedAt > 0 {
		got = append(got, fmt.Sprint("closed@", record["info"].(object)["endTimeL"], "/", c.ID))
	}
	each("conversationSurveys", func(s object) string { return fmt.Sprint("survey@", starts[s["dialogId"]], "/", s["surveyId"]) })
	each("previouslySubmittedAgentSurveys", func(s object) string { return fmt.Sprint("survey@", s["lastUpdateTime"], "/", s["surveyId"]) })
	if summary := record["summary"].(object); summary["text"] != nil {
		got = append(got, fmt.Sprint("summary@", summary["lastUpdatedTime"], "/", c.ID))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("conversation %d (-truth +served)\n%s", c.Number, diff)
	}
}

func TestSameSettingsSameAccount(t *testing.T) {
	now := epoch.Add(3 * 24 * time.Hour)
	one, other := connect(t, small(now)), connect(t, small(now))
	other.search("limit=1&sort=end:desc", everythingSince(epoch)) // what was asked before does not matter
	a := one.do("POST", searchPath+"limit=100&offset=50", body(everythingSince(epoch)))
	b := other.do("POST", searchPath+"limit=100&offset=50", body(everythingSince(epoch)))
	if a.Body.Len() < 100_000 || a.Body.String() != b.Body.String() {
		t.Error("two accounts of the same settings differ")
	}
	settings := small(now)
	settings.Seed++
	if c := connect(t, settings).do("POST", searchPath+"limit=100&offset=50", body(everythingSince(epoch))); c.Body.String() == a.Body.String() {
		t.Error("the seed does not matter")
	}
}

func TestAccountOnlyGrows(t *testing.T) {
	settings := small(epoch)
	settings.LateChanges = false
	account := sandbox.New(settings)
	before := map[string]sandbox.Conversation{}
	grown := 0
	for at := epoch; at.Before(epoch.Add(36 * time.Hour)); at = at.Add(47 * time.Minute) {
		for c := range account.Truth(at) {
			old := before[c.ID]
			if len(c.Messages) < len(old.Messages) || !cmp.Equal(old.Messages, c.Messages[:len(old.Messages)], equateEmpty) {
				t.Fatalf("conversation %d lost or changed a message", c.Number)
			}
			for i := 1; i < len(c.Messages); i++ {
				if c.Messages[i].SentAt <= c.Messages[i-1].SentAt {
					t.Fatalf("conversation %d: message %d is not later than the one before", c.Number, i)
				}
			}
			if len(old.Messages) > 0 && len(c.Messages) > len(old.Messages) {
				grown++
			}
			before[c.ID] = c
		}
	}
	if grown < 50 {
		t.Errorf("only %d times a conversation grew", grown)
	}
}

var equateEmpty = cmp.FilterValues(func(x, y []sandbox.Message) bool { return len(x) == 0 && len(y) == 0 }, cmp.Comparer(func(_, _ []sandbox.Message) bool { return true }))
