package exporter

import (
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
func (n *normaliser) happenings(h *header, r *liveperson.Record) []archive.Happening {
	list := []archive.Happening{{Kind: archive.Started, At: h.startedAt, Name: happeningName(archive.Started, h.startedAt, h.id)}}
	add := func(e archive.Happening, id string) {
		e.Name = happeningName(e.Kind, e.At, id)
		list = append(list, e)
	}
	r.Agents.Each(func(a liveperson.Value) bool {
		n.presence(h, archive.Joined, a.Get("timeL").Millis(), a.Get("agentId"), a, add)
		return true
	})
	r.Consumers.Each(func(c liveperson.Value) bool {
		// timeL is the last change of the consumer's data, not the joining.
		n.presence(h, archive.Joined, c.Get("joinTimeL").Millis(), c.Get("participantId"), c, add)
		return true
	})
	r.AgentsLeft.Each(func(a liveperson.Value) bool {
		n.presence(h, archive.Left, a.Get("timeL").Millis(), a.Get("agentId"), a, add)
		return true
	})
	r.Transfers.Each(func(t liveperson.Value) bool {
		n.transfer(h, t, add)
		return true
	})
	n.endings(h, r, add)
	n.surveys(h, r, add)
	if at := r.Summary.Get("lastUpdatedTime").Millis(); at != 0 {
		if text := r.Summary.Get("text").Name(); text != "" {
			add(archive.Happening{Kind: archive.Summary, At: at, Text: text}, h.id)
		}
	}
	return list
}

// endings tells when the conversation was closed and reopened: by its main
// dialogs, of which a reopened one has several, else by its own end, the only
// one that a record without dialogs tells.
func (n *normaliser) endings(h *header, r *liveperson.Record, add func(archive.Happening, string)) {
	first, told := int64(0), false
	r.Dialogs.Each(func(d liveperson.Value) bool {
		if d.Get("dialogType").Name() != mainDialog {
			return true
		}
		start, end := d.Get("startTimeL").Millis(), d.Get("endTimeL").Millis()
		if first != 0 && start > first {
			add(archive.Happening{Kind: archive.Reopened, At: start, Dialog: d.Get("dialogId").ID()}, h.id)
		}
		first = cmp.Or(first, start)
		if end != 0 {
			told = true
			add(archive.Happening{Kind: archive.Closed, At: end, Dialog: d.Get("dialogId").ID(), Reason: closeReason(d)}, h.id)
		}
		return true
	})
	if h.closedAt != 0 && !told {
		add(archive.Happening{Kind: archive.Closed, At: h.closedAt, Dialog: h.id, Reason: closeReason(r.Info.Value)}, h.id)
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

func closeReason(i liveperson.Value) string {
	reason, more := i.Get("closeReason").Name(), i.Get("closeReasonDescription").Name()
	if more == "" || more == reason {
		return reason
	}
	return strings.TrimPrefix(reason+": "+more, ": ")
}

func (n *normaliser) presence(h *header, kind string, at int64, who, v liveperson.Value, add func(archive.Happening, string)) {
	id := who.ID()
	if at == 0 || id == "" {
		return
	}
	dialog := v.Get("dialogId").ID()
	key := id
	if dialog != "" && dialog != h.id {
		key += "@" + dialog
	}
	add(archive.Happening{Kind: kind, At: at, Dialog: cmp.Or(dialog, h.id), By: id, Participant: id}, key)
}

func (n *normaliser) transfer(h *header, t liveperson.Value, add func(archive.Happening, string)) {
	at := t.Get("timeL").Millis()
	if at == 0 {
		return
	}
	e := archive.Happening{
		Kind: archive.Transferred, At: at, Dialog: cmp.Or(t.Get("dialogId").ID(), h.id), By: t.Get("by").ID(), Reason: t.Get("reason").Name(),
		ToAgent:   t.Get("assignedAgentId").ID(),
		FromSkill: n.skillOf(t.Get("sourceSkillId"), t.Get("sourceSkillName")),
		ToSkill:   n.skillOf(t.Get("targetSkillId"), t.Get("targetSkillName")),
	}
	add(e, fmt.Sprintf("%s>%s", t.Get("sourceSkillId").ID(), t.Get("targetSkillId").ID()))
}

func (n *normaliser) skillOf(id, name liveperson.Value) *archive.Skill {
	s := archive.Skill{ID: id.ID(), Name: name.Name()}
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
		e := archive.Happening{Kind: archive.Survey, At: dialogStart(r, dialog, h), Dialog: dialog, Reason: s.Get("surveyStatus").Name()}
		s.Get("surveyData").Each(func(q liveperson.Value) bool {
			e.Answers = append(e.Answers, archive.Answer{Question: q.Get("question").Name(), Answer: q.Get("answer").Name()})
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

func (n *normaliser) agentSurvey(h *header, s liveperson.Value, add func(archive.Happening, string)) {
	if !s.IsObject() {
		return
	}
	e := archive.Happening{
		Kind: archive.Survey, At: cmp.Or(s.Get("lastUpdateTime").Millis(), h.startedAt), Dialog: s.Get("dialogId").ID(),
		By: s.Get("performedByAgent").Get("performedByAgentId").ID(), Reason: s.Get("surveyStatus").Name(),
	}
	s.Get("submittedAnswers").Each(func(q liveperson.Value) bool {
		var answers []string
		q.Get("answers").Each(func(a liveperson.Value) bool {
			answers = append(answers, a.Get("answer").Name())
			return true
		})
		e.Answers = append(e.Answers, archive.Answer{Question: q.Get("questionText").Name(), Answer: strings.Join(answers, "; ")})
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
	add(e, fmt.Sprintf("%s#%016x", id, hash64(words)))
}

// dialogStart is when a survey's dialog began: it does not move, as its end does.
func dialogStart(r *liveperson.Record, dialog string, h *header) int64 {
	at := h.startedAt
	r.Dialogs.Each(func(d liveperson.Value) bool {
		if d.Get("dialogId").ID() == dialog {
			at = cmp.Or(d.Get("startTimeL").Millis(), at)
		}
		return true
	})
	return at
}

// reopening is a happening that no record holds: a closed conversation was
// found open again.
func reopening(conversation string, at int64) archive.Happening {
	return archive.Happening{Kind: archive.Reopened, At: at, Dialog: conversation, Name: happeningName(archive.Reopened, at, conversation)}
}
