package exporter

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// secret is in all that is said.
const secret = "PIN"

// world is a small account and what it has told of itself: the model that an
// archive is compared with. It shares nothing with the exporter.
type world struct {
	random *rand.Rand
	at     int64 // ms
	talks  []*worldTalk
	outbox [][]byte // events on their way
}

// worldTalk is one conversation of it.
type worldTalk struct {
	id       string
	started  int64
	skill    string
	said     []*worldMessage
	came     []int64 // of agent 7
	went     []int64
	moved    []int64 // to skill 1
	closed   int64
	sequence map[string]int
}

type worldMessage struct {
	dialog        string
	sequence      int
	at            int64
	by            string // "": the consumer
	spoken, words string // as the event had it, and as history has it now
	changes       int
}

func (w *world) chance(p float64) bool { return w.random.Float64() < p }

// speak has something said in a conversation.
func (w *world) speak(k *worldTalk) {
	dialog := k.id
	if k.closed != 0 || w.chance(0.15) {
		dialog = k.id + "-survey"
	}
	m := &worldMessage{dialog: dialog, sequence: k.sequence[dialog], at: w.at, words: fmt.Sprintf("%s %s %d", secret, k.id, w.random.IntN(1000))}
	k.sequence[dialog] += 1 + w.random.IntN(2)
	if w.chance(0.3) {
		m.words += "\n  more"
	}
	if m.spoken = m.words; w.chance(0.3) {
		m.spoken += " \n"
	}
	if len(k.came) > len(k.went) && w.chance(0.5) {
		m.by = "7"
	}
	k.said = append(k.said, m)
	w.outbox = append(w.outbox, m.event(k, w.chance(0.1)))
}

func worldJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(b)
}

func (m *worldMessage) event(k *worldTalk, old bool) []byte {
	who, role, place := "c", "CONSUMER", `"conversationId":"`+k.id+`",`
	if m.by != "" {
		who, role = "pid-"+m.by, "ASSIGNED_AGENT"
	}
	if old && m.dialog == k.id {
		place = ""
	}
	return fmt.Appendf(nil, `{"kind":"notification","body":{"changes":[{"sequence":%d,"originatorId":"%s","originatorMetadata":{"id":"%[2]s","role":"%s"},
		"serverTimestamp":%d,"event":{"type":"ContentEvent","message":%s,"contentType":"text/plain"},%s"dialogId":"%s","messageAudience":"ALL"}]},"type":"ms.MessagingEventNotification"}`,
		m.sequence, who, role, m.at, worldJSON(m.spoken), place, m.dialog)
}

// turn has somebody come or go, or the conversation move or end, and tells the state.
func (w *world) turn(k *worldTalk) {
	switch {
	case k.closed == 0 && w.chance(0.1):
		k.closed = w.at
	case k.id == "c" && k.skill == "2" && w.chance(0.3):
		k.skill, k.moved = "1", append(k.moved, w.at)
	case k.closed != 0:
	case len(k.came) > len(k.went):
		k.went = append(k.went, w.at)
	default:
		k.came = append(k.came, w.at)
	}
	if w.chance(0.5) {
		w.at += w.random.Int64N(3000) // when that became the state
	}
	w.outbox = append(w.outbox, k.state(w.at))
	w.at++
}

func (k *worldTalk) state(at int64) []byte {
	present, main := `{"id":"c","role":"CONSUMER"}`, `"state":"OPEN"`
	if len(k.came) > len(k.went) {
		present += `,{"id":"pid-7","role":"ASSIGNED_AGENT"}`
	}
	if k.closed != 0 {
		main = fmt.Sprintf(`"state":"CLOSE","endTs":%d`, k.closed)
	}
	return fmt.Appendf(nil, `{"kind":"notification","body":{"changes":[{"type":"UPSERT","result":{"convId":"%[1]s","conversationDetails":{"skillId":"%[2]s","participants":[%[3]s],
		"dialogs":[{"dialogId":"%[1]s","dialogType":"MAIN",%[4]s},{"dialogId":"%[1]s-survey","dialogType":"POST_SURVEY","state":"OPEN"}],
		"brandId":"sandbox","startTs":%[5]d,"metaDataLastUpdateTs":%[6]d}}}]},"type":"cqm.ExConversationChangeNotification"}`,
		k.id, k.skill, present, main, k.started, at)
}

// record is what history has of a conversation up to a time.
func (k *worldTalk) record(until int64) string {
	var said, came, went, moved []string
	for _, m := range k.said {
		if m.at > until {
			continue
		}
		who, by := "c", "Consumer"
		if m.by != "" {
			who, by = m.by, "Agent"
		}
		said = append(said, fmt.Sprintf(`{"type":"TEXT_PLAIN","messageData":{"msg":{"text":%s}},"messageId":"ms::dialog:%s::msg:%d","seq":%d,"dialogId":"%[2]s","participantId":"%[5]s","sentBy":"%s","timeL":%d}`,
			worldJSON(m.words), m.dialog, m.sequence, m.sequence, who, by, m.at))
	}
	for _, at := range k.came {
		if at <= until {
			came = append(came, fmt.Sprintf(`{"agentId":"7","timeL":%d}`, at))
		}
	}
	for _, at := range k.went {
		if at <= until {
			went = append(went, fmt.Sprintf(`{"agentId":"7","timeL":%d}`, at))
		}
	}
	skill := cmp.Or(map[bool]string{true: "2"}[k.id == "c"], k.skill)
	for _, at := range k.moved {
		if at <= until {
			skill = "1"
			moved = append(moved, fmt.Sprintf(`{"timeL":%d,"sourceSkillId":"2","targetSkillId":"1"}`, at))
		}
	}
	status := `"status":"OPEN"`
	if k.closed != 0 && k.closed <= until {
		status = fmt.Sprintf(`"status":"CLOSE","conversationEndTimeL":%d`, k.closed)
	}
	list := func(name string, l []string) string { return fmt.Sprintf(`,"%s":[%s]`, name, strings.Join(l, ",")) }
	return fmt.Sprintf(`{"info":{"conversationId":"%s","startTimeL":%d,"latestSkillId":"%s",%s},"consumerParticipants":[{"participantId":"c","joinTimeL":%[2]d}]`,
		k.id, k.started, skill, status) + list("agentParticipants", came) + list("agentParticipantsLeave", went) + list("transfers", moved) + list("messageRecords", said) + "}"
}
