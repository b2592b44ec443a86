package archive

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// TranscriptsFile is the file of a bundle that holds one slice a line.
const TranscriptsFile = "transcripts.jsonl"

// AppendLine appends the canonical JSON of s, which is one line of
// transcripts.jsonl, with "\n" at its end. The same slice gives the same bytes.
//
// Strings decode back to exactly what they were; a byte that is not UTF-8
// becomes U+FFFD. A time of 0 is null, lists are never null, and the members
// that apply to few messages are left out where they do not apply. After an
// error dst is returned as it was. It is an error if a message's Content is not
// JSON, if a time cannot be written in four digits of year, or if a number is
// out of its range.
func AppendLine(dst []byte, s *Slice) ([]byte, error) {
	line, err := appendSlice(dst, s)
	if err != nil {
		return dst, fmt.Errorf("write slice %d of %q: %w", s.Number, s.Conversation, err)
	}
	return append(line, '\n'), nil
}

func appendSlice(dst []byte, s *Slice) ([]byte, error) {
	if s.Number < 1 || s.Revision < 1 {
		return nil, errors.New("number or revision below 1")
	}
	if !writable(s.StartedAt) || !writable(s.EndedAt) {
		return nil, errTime
	}
	dst = appendString(append(dst, `{"account":`...), s.Account)
	dst = appendString(append(dst, `,"conversation_id":`...), s.Conversation)
	dst = strconv.AppendInt(append(dst, `,"slice":`...), int64(s.Number), 10)
	dst = strconv.AppendInt(append(dst, `,"revision":`...), int64(s.Revision), 10)
	dst = appendTime(append(dst, `,"started_at":`...), s.StartedAt)
	dst = appendTime(append(dst, `,"ended_at":`...), s.EndedAt)
	dst = appendString(append(dst, `,"status":`...), s.Status)
	dst = appendString(append(dst, `,"close_reason":`...), s.CloseReason)
	if s.Partial {
		dst = append(dst, `,"partial":true`...)
	}
	dst = appendOptional(dst, `,"brand_id":`, s.Brand)
	dst = appendSkill(append(dst, `,"skill":`...), &s.Skill)
	dst = appendList(append(dst, `,"skills":`...), s.Skills, appendSkill)
	dst = appendList(append(dst, `,"participants":`...), s.Participants, appendParticipant)
	dst = append(dst, `,"messages":[`...)
	var err error
	for i := range s.Messages {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendMessage(dst, &s.Messages[i]); err != nil {
			return nil, fmt.Errorf("message %d: %w", i, err)
		}
	}
	dst = append(dst, `],"happened":[`...)
	for i := range s.Happened {
		if i > 0 {
			dst = append(dst, ',')
		}
		if err := s.Happened[i].check(); err != nil {
			return nil, fmt.Errorf("happening %d: %w", i, err)
		}
		dst = appendHappening(dst, &s.Happened[i])
	}
	return append(dst, "]}"...), nil
}

func appendMessage(dst []byte, m *Message) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	dst = appendString(append(dst, `{"dialog_id":`...), m.Dialog)
	dst = append(dst, `,"sequence":`...)
	if m.Derived != "" {
		dst = append(dst, "null"...)
	} else {
		dst = strconv.AppendInt(dst, m.Sequence, 10)
	}
	dst = appendString(append(dst, `,"message_id":`...), m.ID)
	dst = appendTime(append(dst, `,"sent_at":`...), m.SentAt)
	dst = appendParticipant(append(dst, `,"sender":`...), &m.Sender)
	dst = appendString(append(dst, `,"audience":`...), m.Audience)
	dst = appendString(append(dst, `,"type":`...), m.Type)
	dst = appendString(append(dst, `,"text":`...), m.Text)
	dst = appendList(append(dst, `,"files":`...), m.Files, appendFile)
	dst = appendString(append(dst, `,"source":`...), m.Source)
	if m.Amends != 0 {
		dst = strconv.AppendInt(append(dst, `,"amends":`...), int64(m.Amends), 10)
	}
	if m.Variant != 0 {
		dst = strconv.AppendInt(append(dst, `,"variant":`...), int64(m.Variant), 10)
	}
	if m.Late {
		dst = append(dst, `,"late":true`...)
	}
	if m.Derived != "" {
		dst = appendString(append(dst, `,"derived":`...), m.Derived)
	}
	if len(m.Content) > 0 {
		dst = appendCompact(append(dst, `,"content":`...), m.Content)
	}
	if m.Assumed {
		dst = append(dst, `,"audience_assumed":true`...)
	}
	dst = appendOptional(dst, `,"sent_at_text":`, m.SentText)
	return append(appendReceived(dst, m.Received), '}'), nil
}

// check tells what of a message cannot be written, or read back.
func (m *Message) check() error {
	if !writable(m.SentAt) {
		return errTime
	}
	if m.Derived == "" && (m.Sequence < 0 || m.Sequence > MaxSequence) {
		return errors.New("sequence out of range")
	}
	if m.Variant != 0 && m.Variant < 2 {
		return errors.New("variant below 2")
	}
	if m.Amends < 0 {
		return errors.New("amends below 1")
	}
	if len(m.Content) > 0 {
		return checkContent(m.Content)
	}
	return nil
}

// lax reads JSON as it comes: lone surrogates and duplicate names are allowed.
var lax = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

func checkContent(content []byte) error {
	if !jsontext.Value(content).IsValid(lax) {
		return errContent
	}
	depth, deepest, inString := 0, 0, false
	for i := 0; i < len(content); i++ {
		switch content[i] {
		case '"':
			inString = !inString
		case '\\':
			i++
		case '{', '[':
			if !inString {
				depth++
				deepest = max(deepest, depth)
			}
		case '}', ']':
			if !inString {
				depth--
			}
		}
	}
	if deepest > maxDepth {
		return errors.New("content nests too deeply")
	}
	return nil
}

// check tells what of a happening cannot be written, or read back.
func (h *Happening) check() error {
	if !writable(h.At) {
		return errTime
	}
	if h.File != nil {
		return h.File.check()
	}
	return nil
}

// appendReceived marks what shows U+FFFD for what was received, with that beside
// it. It is base64, since the bytes in question are none that JSON can hold.
func appendReceived(dst, received []byte) []byte {
	if len(received) == 0 {
		return dst
	}
	dst = append(dst, `,"lossy":true,"received":"`...)
	return append(base64.StdEncoding.AppendEncode(dst, received), '"')
}

func appendHappening(dst []byte, h *Happening) []byte {
	dst = appendString(append(dst, `{"kind":`...), h.Kind)
	dst = appendTime(append(dst, `,"at":`...), h.At)
	dst = appendString(append(dst, `,"by":`...), h.By)
	dst = appendString(append(dst, `,"name":`...), h.Name)
	dst = appendOptional(dst, `,"dialog_id":`, h.Dialog)
	dst = appendOptional(dst, `,"participant":`, h.Participant)
	dst = appendOptional(dst, `,"reason":`, h.Reason)
	if h.FromSkill != nil {
		dst = appendSkill(append(dst, `,"from_skill":`...), h.FromSkill)
	}
	if h.ToSkill != nil {
		dst = appendSkill(append(dst, `,"to_skill":`...), h.ToSkill)
	}
	dst = appendOptional(dst, `,"to_agent":`, h.ToAgent)
	dst = appendOptional(dst, `,"text":`, h.Text)
	if h.File != nil {
		dst = appendAttachment(append(dst, `,"file":`...), h.File)
	}
	dst = appendList(append(dst, `,"answers":`...), h.Answers, appendAnswer)
	if h.Late {
		dst = append(dst, `,"late":true`...)
	}
	dst = appendOptional(dst, `,"at_text":`, h.AtText)
	return append(appendReceived(dst, h.Received), '}')
}

func appendSkill(dst []byte, s *Skill) []byte {
	dst = appendString(append(dst, `{"id":`...), s.ID)
	dst = appendString(append(dst, `,"name":`...), s.Name)
	return append(dst, '}')
}

func appendParticipant(dst []byte, p *Participant) []byte {
	dst = appendString(append(dst, `{"id":`...), p.ID)
	dst = appendString(append(dst, `,"role":`...), p.Role)
	dst = appendString(append(dst, `,"name":`...), p.Name)
	dst = appendString(append(dst, `,"login":`...), p.Login)
	dst = appendString(append(dst, `,"email":`...), p.Email)
	dst = appendString(append(dst, `,"kind":`...), p.Kind)
	dst = appendOptional(dst, `,"address":`, p.Address)
	dst = appendOptional(dst, `,"address_note":`, p.AddressNote)
	return append(dst, '}')
}

func appendFile(dst []byte, f *File) []byte {
	dst = appendString(append(dst, `{"path":`...), f.Path)
	dst = appendString(append(dst, `,"type":`...), f.Type)
	dst = appendString(append(dst, `,"caption":`...), f.Caption)
	return append(dst, '}')
}

func appendAttachment(dst []byte, a *Attachment) []byte {
	dst = appendString(append(dst, `{"path":`...), a.Path)
	dst = appendString(append(dst, `,"name":`...), a.Name)
	dst = appendString(append(dst, `,"type":`...), a.Type)
	dst = strconv.AppendInt(append(dst, `,"bytes":`...), a.Bytes, 10)
	dst = appendString(append(dst, `,"sha256":`...), a.SHA256)
	return append(dst, '}')
}

func appendAnswer(dst []byte, a *Answer) []byte {
	dst = appendString(append(dst, `{"question":`...), a.Question)
	dst = appendString(append(dst, `,"answer":`...), a.Answer)
	return append(dst, '}')
}

// appendList appends a JSON list, "[]" also for nil.
func appendList[T any](dst []byte, list []T, one func([]byte, *T) []byte) []byte {
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = one(dst, &list[i])
	}
	return append(dst, ']')
}

// appendOptional appends a member only where it says something.
func appendOptional(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	return appendString(append(dst, key...), value)
}

var errTime = errors.New("time outside of the years 0 to 9999")

// The first and the last millisecond that RFC 3339 can write.
const (
	firstMillisecond = -62167219200000
	lastMillisecond  = 253402300799999
)

func writable(ms int64) bool { return firstMillisecond <= ms && ms <= lastMillisecond }

// appendTime appends epoch milliseconds as RFC 3339 in UTC, null for 0.
func appendTime(dst []byte, ms int64) []byte {
	if ms == 0 {
		return append(dst, "null"...)
	}
	t := time.UnixMilli(ms).UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = append(dst, '"', byte('0'+year/1000), byte('0'+year/100%10))
	dst = append2(dst, year%100, '-')
	dst = append2(dst, int(month), '-')
	dst = append2(dst, day, 'T')
	dst = append2(dst, hour, ':')
	dst = append2(dst, minute, ':')
	dst = append2(dst, second, '.')
	fraction := t.Nanosecond() / 1e6
	dst = append(dst, byte('0'+fraction/100))
	return append(append2(dst, fraction%100, 'Z'), '"')
}

// append2 appends two digits and what follows them.
func append2(dst []byte, n int, after byte) []byte {
	return append(dst, byte('0'+n/10), byte('0'+n%10), after)
}
