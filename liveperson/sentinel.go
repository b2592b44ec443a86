package liveperson

import "slices"

// A Member is one that a machine fills, and in which LivePerson is known to write
// certain words where there is nothing. Only the members below are ever emptied
// for what they say: everywhere else the same words may be a person's own.
type Member struct{ nothing []string }

// In is Text, read as the value of a known member: "" where LivePerson writes one
// of the words that it has for "nothing" there.
func (v Value) In(m Member) string {
	s := v.Text()
	if slices.Contains(m.nothing, s) {
		return ""
	}
	return s
}

// Members that hold one of a fixed set of words, and no person's: info.status,
// info.fullDialogStatus, dialogs[].status and dialogType, messageRecords[].audience.
//
// Source: Messaging Interactions API, examples of 2016 to 2021, which write
// "undefined", "null" or "NA" instead of null in `info` and beside it
// (endTime, device, dialogId "undefined"; operatingSystem "NA"; assignedAgentId "null").
var (
	Status     = Member{[]string{"undefined", "null", "NA"}}
	DialogType = Status
	Audience   = Status
)

// Members of consumerParticipants[] that are a consumer's own: what a visitor is
// not known by is "undefined". No other word is known to stand for nothing there,
// and some people are called Null.
//
// Source: Messaging Interactions API, consumerParticipants table and examples
// (email, token, avatarURL "undefined").
var (
	ConsumerName  = Member{[]string{"undefined"}}
	ConsumerEmail = ConsumerName
)

// Time is a time written as text, or the number beside it.
//
// Source: Messaging Interactions API, examples: an open conversation has endTime
// "undefined" and endTimeL -1.
var Time = Member{[]string{"undefined", "null", "NA", "-1", "0"}}
