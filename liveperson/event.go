package liveperson

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// Types of notifications. The event type that an app subscribes to, such as
// ms.MessagingEventNotification.ContentEvent, stands in the change, not here.
const (
	MessagingNotification    = "ms.MessagingEventNotification"
	ConversationNotification = "cqm.ExConversationChangeNotification"
)

// Notification is the body of one webhook request, read in place.
//
// Sources: Connector API, "webhooks events" and its examples of 2018 to 2022; the
// raw events of the custom bot endpoint, 2022.
type Notification struct {
	Type    string
	Changes []Value // objects, at least one
}

// maxChanges bounds the changes of one notification. All published ones have one.
const maxChanges = 1000

// ErrNotification is a body that is no notification.
var ErrNotification = errors.New("it is no notification")

// ReadNotification reads a body. It may hold invalid UTF-8 and duplicate names,
// as records may.
func ReadNotification(body []byte) (Notification, error) {
	v := Value(bytes.TrimSpace(bytes.TrimPrefix(body, bom)))
	if !jsontext.Value(v).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		return Notification{}, fmt.Errorf("%w: its JSON is not valid", ErrNotification)
	}
	n := Notification{Type: v.Get("type").Text()}
	wrong := ""
	v.Get("body").Get("changes").Each(func(c Value) bool {
		switch {
		case !c.IsObject():
			wrong = "one of its changes is no object"
		case len(n.Changes) == maxChanges:
			wrong = "it has too many changes"
		}
		n.Changes = append(n.Changes, c)
		return wrong == ""
	})
	if len(n.Changes) == 0 {
		wrong = "it has no body.changes"
	}
	if wrong != "" {
		return n, fmt.Errorf("%w: %s", ErrNotification, wrong)
	}
	return n, nil
}

// Event types of a MessagingChange.
const (
	ContentEvent      = "ContentEvent"
	RichContentEvent  = "RichContentEvent"
	AcceptStatusEvent = "AcceptStatusEvent"
	ChatStateEvent    = "ChatStateEvent"
)

// MessagingChange is one change of a MessagingNotification.
type MessagingChange struct {
	Sequence, Originator, Role, Time, Conversation, Dialog, Audience Value

	EventType   string
	ContentType string // of a ContentEvent
	Content     Value  // what was sent: event.message, of rich content event.content
	Quick       Value  // quick replies, wherever they were
}

// ReadMessagingChange reads one change.
func ReadMessagingChange(v Value) MessagingChange {
	var c MessagingChange
	v.Fields(func(name []byte, v Value) bool {
		switch string(name) {
		case "sequence":
			c.Sequence = v
		case "originatorId":
			c.Originator = v
		case "originatorMetadata":
			c.Role = v.Get("role")
			if !c.Originator.Present() {
				c.Originator = v.Get("id")
			}
		case "serverTimestamp":
			c.Time = v
		case "conversationId":
			c.Conversation = v
		case "dialogId":
			c.Dialog = v
		case "messageAudience":
			c.Audience = v
		case "quickReplies":
			c.Quick = v
		case "event":
			c.readEvent(v)
		}
		return true
	})
	return c
}

func (c *MessagingChange) readEvent(event Value) {
	var message, content Value
	event.Fields(func(name []byte, v Value) bool {
		switch string(name) {
		case "type":
			c.EventType = v.Text()
		case "contentType":
			c.ContentType = v.Text()
		case "message":
			message = v
		case "content":
			content = v
		case "quickReplies":
			c.Quick = v
		}
		return true
	})
	// A published schema of rich content calls it message, too.
	if c.Content = message; c.EventType == RichContentEvent && content.Present() {
		c.Content = content
	}
}

// ConversationChange is one change of a ConversationNotification: always the
// whole state of the conversation, at UpdatedAt.
type ConversationChange struct {
	ID          string
	Account     string // brandId, "" when absent
	Skill       string // "" when there is none, or it is not told
	StartedAt   int64
	UpdatedAt   int64 // metaDataLastUpdateTs: one with a lower value came late
	CloseReason string
	Present     []Presence // who takes part at that time
	Dialogs     []DialogState
}

// Presence is somebody who takes part: consumers by their participant id, all
// others by the pid of their user.
type Presence struct{ ID, Role string }

// DialogState is one dialog of a conversation.
type DialogState struct {
	ID, Type string
	Closed   bool
	EndedAt  int64
	ClosedBy string
}

// ReadConversationChange reads one change.
func ReadConversationChange(v Value) ConversationChange {
	result := v.Get("result")
	details := result.Get("conversationDetails")
	c := ConversationChange{
		ID:          result.Get("convId").ID(),
		Account:     details.Get("brandId").ID(),
		Skill:       details.Get("skillId").ID(),
		StartedAt:   details.Get("startTs").Millis(),
		UpdatedAt:   details.Get("metaDataLastUpdateTs").Millis(),
		CloseReason: details.Get("closeReason").Text(),
	}
	if c.Skill == "-1" {
		c.Skill = ""
	}
	c.Present = presences(details.Get("participants"))
	details.Get("dialogs").Each(func(d Value) bool {
		state := DialogState{ID: d.Get("dialogId").ID(), Type: d.Get("dialogType").In(DialogType), Closed: d.Get("state").Is("CLOSE"),
			EndedAt: d.Get("endTs").Millis(), ClosedBy: d.Get("closedBy").Text()}
		c.Dialogs = append(c.Dialogs, state)
		return len(c.Dialogs) < maxChanges
	})
	return c
}

func presences(list Value) (present []Presence) {
	list.Each(func(p Value) bool {
		if id := p.Get("id").ID(); id != "" {
			present = append(present, Presence{ID: id, Role: p.Get("role").Text()})
		}
		return len(present) < maxChanges
	})
	return present
}
