package exporter

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"lpexport/archive"
	"lpexport/liveperson"
)

// happenings lists what a record tells besides messages. The names are stable:
// they are made of what the source does not change, except a survey's, which
// ends in a hash of its answers, so that answers that come late are a happening
// of their own.
//
// It notes in the header which of them earlier versions knew by other names.
func (n *normaliser) happenings(h *header, r *liveperson.Record) []archive.Happening {
	list := n.readHappenings(h, r)
	if h.reader.odd {
		h.formerly = n.formerNames(r, list)
	}
	return list
}

func (n *normaliser) readHappenings(h *header, r *liveperson.Record) []archive.Happening {
	list := []archive.Happening{{Kind: archive.Started, At: h.startedAt, AtText: h.startedText, Name: happeningName(archive.Started, h.startedAt, h.id)}}
	add := func(e archive.Happening, id string) {
		e.Name = happeningName(e.Kind, e.At, id)
		list = append(list, e)
	}
	presences(h, archive.Joined, r.Agents, add)
	presences(h, archive.Joined, r.Consumers, add)
	presences(h, archive.Left, r.AgentsLeft, add)
	r.Transfers.Each(func(t liveperson.Value) bool {
		n.transfer(h, t, add)
		return true
	})
	endings(h, add)
	n.surveys(h, r, add)
	h.summary(r.Summary, add)
	return list
}

func (h *header) summary(s liveperson.Value, add func(archive.Happening, string)) {
	text := h.reader.words(s.Get("text"))
	at, unread := h.reader.when(moment{number: s.Get("lastUpdatedTime")})
	if text == "" || at == 0 && h.reader.former {
		return
	}
	add(archive.Happening{Kind: archive.Summary, At: at, AtText: unread, Text: text, Received: h.reader.lossy(s)}, h.id)
}

// lossy is what was received of something whose words show U+FFFD for what UTF-8
// cannot hold; nil for all else.
func (r *reader) lossy(v liveperson.Value) []byte {
	if v.IsWhole() {
		return nil
	}
	if r.odd = true; r.former {
		return nil
	}
	return bytes.Clone(v)
}

// endings tells when the conversation was closed and reopened: by its main
// dialogs, of which a reopened one has several, else by its own end, the only
// one that a record without dialogs tells.
func endings(h *header, add func(archive.Happening, string)) {
	first, told := int64(0), false
	for _, d := range h.dialogs {
		if d.kind != mainDialog {
			continue
		}
		if first != 0 && d.start > first {
			add(archive.Happening{Kind: archive.Reopened, At: d.start, Dialog: d.id}, h.id)
		}
		first = cmp.Or(first, d.start)
		if d.end != 0 {
			told = true
			add(archive.Happening{Kind: archive.Closed, At: d.end, Dialog: d.id, Reason: d.reason}, h.id)
		}
	}
	if h.closedAt != 0 && !told {
		e := archive.Happening{Kind: archive.Closed, At: h.closedAt, AtText: h.closedText, Dialog: h.id, Reason: h.closeDetail}
		if e.AtText != "" {
			e.At = 0 // closedAt is only a time by which the state can go on
		}
		add(e, h.id)
	}
}

const mainDialog = "MAIN"

// happeningName is a happening's name: kind, source time, source id.
func happeningName(kind string, at int64, id string) string {
	b := make([]byte, 0, 80)
	b = append(b, kind...)
	b = append(b, '@')
	b = strconv.AppendInt(b, at, 10)
	b = append(b, '/')
	return string(append(b, id...))
}

// presences reads who came or went, from a list of agents or consumers. Of a
// consumer, timeL is the last change of the data and joinTimeL the joining.
func presences(h *header, kind string, list liveperson.Value, add func(archive.Happening, string)) {
	list.Each(func(v liveperson.Value) bool {
		var id, dialog string
		var changed, came moment
		agent := false
		v.Fields(func(name []byte, v liveperson.Value) bool {
			switch string(name) {
			case "agentId":
				id, agent = v.ID(), true
			case "participantId":
				id = v.ID()
			case "dialogId":
				dialog = v.ID()
			case "timeL":
				changed.number = v
			case "time":
				changed.text = v
			case "joinTimeL":
				came.number = v
			case "joinTime":
				came.text = v
			}
			return true
		})
		if agent {
			came = changed
		}
		at, unread := h.reader.when(came)
		if at == 0 && unread == "" || id == "" {
			return true
		}
		key := id
		if dialog != "" && dialog != h.id {
			key += "@" + dialog
		}
		add(archive.Happening{Kind: kind, At: at, AtText: unread, Dialog: cmp.Or(dialog, h.id), By: id, Participant: id}, key)
		return true
	})
}

func (n *normaliser) transfer(h *header, t liveperson.Value, add func(archive.Happening, string)) {
	at, unread := h.reader.when(moment{t.Get("timeL"), t.Get("time")})
	if at == 0 && unread == "" {
		return
	}
	e := archive.Happening{
		Kind: archive.Transferred, At: at, AtText: unread, Dialog: cmp.Or(t.Get("dialogId").ID(), h.id), By: t.Get("by").ID(), Reason: t.Get("reason").Text(),
		ToAgent:   t.Get("assignedAgentId").ID(),
		FromSkill: n.skillOf(t.Get("sourceSkillId"), t.Get("sourceSkillName")),
		ToSkill:   n.skillOf(t.Get("targetSkillId"), t.Get("targetSkillName")),
	}
	add(e, fmt.Sprintf("%s>%s", t.Get("sourceSkillId").ID(), t.Get("targetSkillId").ID()))
}

func (n *normaliser) skillOf(id, name liveperson.Value) *archive.Skill {
	s := archive.Skill{ID: id.ID(), Name: name.Text()}
	if s.ID == "" {
		return nil
	}
	s.Name = cmp.Or(s.Name, n.skills[s.ID])
	return &s
}

// surveys reads what consumers and agents answered. A survey without a word in
// it has not happened yet.
func (n *normaliser) surveys(h *header, r *liveperson.Record, add func(archive.Happening, string)) {
	r.Surveys.Each(func(s liveperson.Value) bool {
		dialog := s.Get("dialogId").ID()
		e := archive.Happening{Kind: archive.Survey, At: dialogStart(h, dialog), Dialog: dialog, Reason: s.Get("surveyStatus").Text(), Received: h.reader.lossy(s)}
		s.Get("surveyData").Each(func(q liveperson.Value) bool {
			e.Answers = append(e.Answers, archive.Answer{Question: h.reader.words(q.Get("question")), Answer: h.reader.words(q.Get("answer"))})
			return true
		})
		addSurvey(e, cmp.Or(s.Get("surveyId").ID(), dialog), add)
		return true
	})
	n.agentSurvey(h, r.AgentSurvey, add)
	r.EarlierSurveys.Each(func(s liveperson.Value) bool {
		n.agentSurvey(h, s, add)
		return true
	})
}

// agentSurvey reads what an agent answered. Who that was stands flat in the API's
// example, and as an object in its table.
func (n *normaliser) agentSurvey(h *header, s liveperson.Value, add func(archive.Happening, string)) {
	if !s.IsObject() {
		return
	}
	at, unread := h.reader.when(moment{number: s.Get("lastUpdateTime")})
	agent := s.Get("performedByAgent")
	e := archive.Happening{
		Kind: archive.Survey, At: cmp.Or(at, h.startedAt), AtText: unread, Dialog: s.Get("dialogId").ID(), Reason: s.Get("surveyStatus").Text(),
		By:       cmp.Or(s.Get("performedByAgentId").ID(), agent.Get("performedByAgentId").ID(), agent.Get("id").ID()),
		Received: h.reader.lossy(s),
	}
	s.Get("submittedAnswers").Each(func(q liveperson.Value) bool {
		var answers []string
		q.Get("answers").Each(func(a liveperson.Value) bool {
			answers = append(answers, h.reader.words(a.Get("answer")))
			return true
		})
		e.Answers = append(e.Answers, archive.Answer{Question: h.reader.words(q.Get("questionText")), Answer: strings.Join(answers, "; ")})
		return true
	})
	addSurvey(e, cmp.Or(s.Get("surveyId").ID(), s.Get("acSurveyId").ID()), add)
}

func addSurvey(e archive.Happening, id string, add func(archive.Happening, string)) {
	if len(e.Answers) == 0 {
		return
	}
	words := make([]byte, 0, 256)
	for _, a := range e.Answers {
		words = strconv.AppendQuote(words, a.Question)
		words = strconv.AppendQuote(words, a.Answer)
	}
	if len(e.Received) > 0 {
		words = strconv.AppendUint(words, archive.LostWords(e.Received), 16)
	}
	add(e, fmt.Sprintf("%s#%016x", id, hash64(words)))
}

// dialogStart is when a survey's dialog began: it does not move, as its end does.
func dialogStart(h *header, id string) int64 {
	for _, d := range h.dialogs {
		if d.id == id && d.start != 0 {
			return d.start
		}
	}
	return h.startedAt
}

// reopening is a happening that no record holds: a closed conversation was
// found open again.
func reopening(conversation string, at int64) archive.Happening {
	return archive.Happening{Kind: archive.Reopened, At: at, Dialog: conversation, Name: happeningName(archive.Reopened, at, conversation)}
}
