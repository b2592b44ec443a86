package liveperson

import "strings"

// Record is one conversation as the API answered it, its sections read in
// place. Names that changed over the years (consumerParticipant, messageScore)
// are folded into today's. A section that is absent is nil.
//
// Sources: Messaging Interactions API, "conversations" method, response tables
// and examples of 2017, 2018 and 2021.
type Record struct {
	Info              Info
	Messages          []Value // arrays; more than one only where the name was repeated
	Agents            Value   // agentParticipants[]
	AgentsLeft        Value   // agentParticipantsLeave[]
	Consumers         Value   // consumerParticipants[]
	Transfers         Value
	Dialogs           Value
	SkillChanges      Value
	Surveys           Value // conversationSurveys[]
	AgentSurvey       Value // latestAgentSurvey{}
	EarlierSurveys    Value // previouslySubmittedAgentSurveys[]
	Summary           Value
	Attributes        Value // sdes
	UnauthAttributes  Value // unAuthSdes
	Campaign          Value
	Statuses          Value // messageStatuses[]
	MalformedMessages bool  // messageRecords is there, but no array
}

// ReadRecord reads the sections of one record. Anything but an object gives an
// empty record.
func ReadRecord(raw Value) Record {
	var r Record
	raw.Fields(func(name []byte, v Value) bool {
		r.Add(string(name), v)
		return true
	})
	return r
}

// Add sets one section, as ReadRecord does for a whole record. It is for
// records that were fetched section by section. Messages add up; any other
// section is replaced.
func (r *Record) Add(section string, v Value) {
	switch section {
	case "info":
		r.Info = Info{v}
	case "messageRecords":
		if v.IsArray() {
			r.Messages = append(r.Messages, v)
		} else if v.Present() {
			r.MalformedMessages = true
		}
	case "messageStatuses":
		r.Statuses = v
	case "agentParticipants":
		r.Agents = v
	case "agentParticipantsLeave":
		r.AgentsLeft = v
	case "consumerParticipants", "consumerParticipant":
		r.Consumers = v
	case "transfers":
		r.Transfers = v
	case "dialogs":
		r.Dialogs = v
	case "skillChanges":
		r.SkillChanges = v
	case "conversationSurveys":
		r.Surveys = v
	case "latestAgentSurvey":
		r.AgentSurvey = v
	case "previouslySubmittedAgentSurveys":
		r.EarlierSurveys = v
	case "summary":
		r.Summary = v
	case "sdes":
		r.Attributes = v
	case "unAuthSdes":
		r.UnauthAttributes = v
	case "campaign":
		r.Campaign = v
	}
}

// Info is the `info` section.
type Info struct{ Value }

// ID is the conversation's id, "" when the record has none.
func (i Info) ID() string { return i.Get("conversationId").ID() }

// Message is one element of messageRecords, read in place.
type Message struct {
	Type, Data, ID, Sequence, Dialog, Participant, SentBy, Audience, Time, TimeText Value
}

// ReadMessage reads one element of messageRecords.
func ReadMessage(v Value) Message {
	var m Message
	v.Fields(func(name []byte, v Value) bool {
		switch string(name) {
		case "type":
			m.Type = v
		case "messageData":
			m.Data = v
		case "messageId":
			m.ID = v
		case "seq":
			m.Sequence = v
		case "dialogId":
			m.Dialog = v
		case "participantId":
			m.Participant = v
		case "sentBy":
			m.SentBy = v
		case "audience":
			m.Audience = v
		case "timeL":
			m.Time = v
		case "time":
			m.TimeText = v
		}
		return true
	})
	return m
}

// SplitMessageID takes a messageId of the forms ms::dialog:<id>::msg:<n> and
// ms::conv:<id>::msg:<n> apart. dialog is "" for the second form and where a
// sentinel stands for it, n is -1 when there is no usable number. The id is opaque otherwise: official samples carry
// numbers and conversations that are not the message's own.
func SplitMessageID(id string) (dialog string, n int64) {
	head, tail, ok := strings.Cut(id, "::msg:")
	if !ok {
		return "", -1
	}
	n = -1
	if i, ok := Value(tail).Int(); ok && i >= 0 && !strings.ContainsAny(tail, `." `) {
		n = i
	}
	if d, ok := strings.CutPrefix(head, "ms::dialog:"); ok && d != "undefined" && d != "null" {
		dialog = d
	}
	return dialog, n
}
