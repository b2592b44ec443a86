package filedump

import (
	"encoding/base64"
	"slices"
	"strconv"
	"time"
)

// Conversation is one element of that name: a slice.
type Conversation struct {
	Perspective string
	RoomID      string
	Start, End  int64 // StartTimeUTC and EndTimeUTC in the dialect's unit; 0 where absent
	Elements    []Element
}

// Element is one of what stands in a Conversation: ParticipantEntered, Message,
// FileTransferStarted, FileTransferEnded or ParticipantLeft. A field that the
// element or its dialect does not have is "".
type Element struct {
	Kind             string `xml:"-"` // its name
	MessageID        string `xml:"MessageId"`
	LoginName        string
	UserType         string
	At               int64 `xml:"DateTimeUTC"`
	InternalFlag     string
	ConversationID   string
	CorporateEmailID string
	UpdatedType      string
	Content          string
	Base64Content    string
	UserFileName     string
	FileName         string
	Status           string
}

// Kinds of elements.
const (
	entered         = "ParticipantEntered"
	left            = "ParticipantLeft"
	message         = "Message"
	transferStarted = "FileTransferStarted"
	transferEnded   = "FileTransferEnded"
)

// dialect is what stands in each kind of element, in order.
type dialect map[string][]string

// tellsInternal tells whether participants have an InternalFlag.
func (d dialect) tellsInternal() bool { return slices.Contains(d[entered], "InternalFlag") }

// dialects by Settings.Order. Base64Content, where it is asked for, follows
// Content in each.
var dialects = map[string]dialect{
	"mattermost": {
		entered:         {"LoginName", "UserType", "DateTimeUTC", "CorporateEmailID"},
		left:            {"LoginName", "UserType", "DateTimeUTC", "CorporateEmailID"},
		message:         {"MessageId", "LoginName", "UserType", "DateTimeUTC", "UpdatedType", "Content", "Base64Content"},
		transferStarted: {"LoginName", "DateTimeUTC", "UserFileName", "FileName"},
		transferEnded:   {"LoginName", "DateTimeUTC", "UserFileName", "FileName", "Status"},
	},
	"microsoft": {
		entered:         {"LoginName", "DateTimeUTC", "InternalFlag", "ConversationID", "CorporateEmailID"},
		left:            {"LoginName", "DateTimeUTC", "InternalFlag", "ConversationID", "CorporateEmailID"},
		message:         {"LoginName", "DateTimeUTC", "Content", "Base64Content"},
		transferStarted: {"LoginName", "DateTimeUTC", "FileName"},
		transferEnded:   {"LoginName", "DateTimeUTC", "FileName", "Status"},
	},
	"vendor": {
		entered:         {"LoginName", "DateTimeUTC", "InternalFlag", "ConversationID"},
		left:            {"LoginName", "DateTimeUTC", "InternalFlag", "ConversationID"},
		message:         {"LoginName", "Content", "Base64Content", "DateTimeUTC", "ConversationID"},
		transferStarted: {"LoginName", "UserFileName", "FileName", "DateTimeUTC"},
		transferEnded:   {"LoginName", "UserFileName", "FileName", "Status", "DateTimeUTC"},
	},
}

func (f *Format) appendConversation(dst []byte, c *Conversation) []byte {
	dst = appendText(append(dst, `  <Conversation Perspective="`...), c.Perspective)
	dst = append(dst, "\">\n"...)
	dst = appendField(dst, "    ", "RoomID", c.RoomID)
	dst = f.appendTime(dst, "    ", "StartTimeUTC", c.Start)
	for i := range c.Elements {
		e := &c.Elements[i]
		dst = append(append(append(dst, "    <"...), e.Kind...), ">\n"...)
		for _, name := range f.dialect[e.Kind] {
			dst = f.appendElementField(dst, e, name, c.RoomID)
		}
		dst = append(append(append(dst, "    </"...), e.Kind...), ">\n"...)
	}
	dst = f.appendTime(dst, "    ", "EndTimeUTC", c.End)
	return append(dst, "  </Conversation>\n"...)
}

// appendElementField appends one field of an element. Those that are not
// required are left out where they are empty: importers refuse empty ones.
func (f *Format) appendElementField(dst []byte, e *Element, name, conversation string) []byte {
	const indent = "      "
	value := ""
	switch name {
	case "LoginName":
		return appendField(dst, indent, name, e.LoginName)
	case "DateTimeUTC":
		return f.appendTime(dst, indent, name, e.At)
	case "Content":
		return appendField(dst, indent, name, e.Content)
	case "FileName":
		return appendField(dst, indent, name, e.FileName)
	case "Base64Content":
		if !f.set.Base64 {
			return dst
		}
		dst = append(dst, indent+"<Base64Content>"...)
		dst = base64.StdEncoding.AppendEncode(dst, []byte(e.Content))
		return append(dst, "</Base64Content>\n"...)
	case "ConversationID":
		value = conversation
	case "Status":
		value = e.Status
	case "MessageId":
		value = e.MessageID
	case "UserType":
		value = e.UserType
	case "InternalFlag":
		value = e.InternalFlag
	case "CorporateEmailID":
		value = e.CorporateEmailID
	case "UpdatedType":
		value = e.UpdatedType
	case "UserFileName":
		value = e.UserFileName
	}
	if value == "" {
		return dst
	}
	return appendField(dst, indent, name, value)
}

func appendField(dst []byte, indent, name, value string) []byte {
	dst = open(dst, indent, name)
	dst = appendText(dst, value)
	return end(dst, name)
}

// appendTime appends epoch milliseconds in the dialect's unit.
func (f *Format) appendTime(dst []byte, indent, name string, ms int64) []byte {
	if f.set.TimeUnit == "s" {
		ms = time.UnixMilli(ms).Unix() // rounds down, of times before 1970 too
	}
	dst = open(dst, indent, name)
	dst = strconv.AppendInt(dst, ms, 10)
	return end(dst, name)
}

func open(dst []byte, indent, name string) []byte {
	return append(append(append(append(dst, indent...), '<'), name...), '>')
}

func end(dst []byte, name string) []byte {
	return append(append(append(dst, "</"...), name...), ">\n"...)
}
