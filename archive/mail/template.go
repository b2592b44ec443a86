package mail

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"lpexport/archive"
)

// template is a header's value before the names in braces are filled in.
type template []segment

// segment is a literal, or where value is set, what it appends.
type segment struct {
	literal string
	value   placeholder
}

// placeholder appends its value for one mail. What comes from outside is shown
// on one line and cut.
type placeholder func(f *Format, p *part, dst []byte) []byte

// placeholders are the names that a template may hold between braces.
var placeholders = map[string]placeholder{
	"account":          text(func(_ *Format, p *part) string { return p.slice.Account }),
	"conversation":     text(func(_ *Format, p *part) string { return p.slice.Conversation }),
	"slice":            number(func(p *part) int { return p.slice.Number }),
	"revision":         number(func(p *part) int { return p.slice.Revision }),
	"part":             number(func(p *part) int { return p.number }),
	"parts":            number(func(p *part) int { return p.of }),
	"messages":         number(func(p *part) int { return len(p.slice.Messages) }),
	"status":           text(func(_ *Format, p *part) string { return p.slice.Status }),
	"skill":            text(func(_ *Format, p *part) string { return skillName(&p.slice.Skill) }),
	"skill_id":         text(func(_ *Format, p *part) string { return p.slice.Skill.ID }),
	"destination":      text(func(f *Format, _ *part) string { return f.settings.Destination }),
	"started_at":       moment(func(s *archive.Slice) int64 { return s.StartedAt }),
	"ended_at":         moment(func(s *archive.Slice) int64 { return s.EndedAt }),
	"participants":     people(anybody, addressOf),
	"agents":           people(isAgent, nameOf),
	"agent_addresses":  people(isAgent, addressOf),
	"consumer":         people(isConsumer, nameOf),
	"consumer_address": people(isConsumer, addressOf),
}

// CheckTemplate tells whether text is a template: printable characters, names of
// placeholders in braces, "{{" and "}}" for braces themselves.
//
//	account conversation slice revision part parts messages status skill
//	skill_id destination       as the mail has them; skill is its id where it has no name
//	started_at ended_at        in UTC, to the second
//	participants               the addresses of all, joined with ", "
//	agents agent_addresses     the names, the addresses of the agents
//	consumer consumer_address  the name, the address of the consumer
//
// What a mail does not have is empty, and a header without any value is left out.
func CheckTemplate(text string) error {
	_, err := parseTemplate(text)
	return err
}

// maxTemplate bounds a template, in bytes.
const maxTemplate = 2000

func parseTemplate(text string) (template, error) {
	if len(text) > maxTemplate || !utf8.ValidString(text) || string(onOneLine.append(nil, text)) != text {
		return nil, fmt.Errorf("must be at most %d printable characters", maxTemplate)
	}
	var t template
	var literal strings.Builder
	for text != "" {
		i := strings.IndexAny(text, "{}")
		if i < 0 {
			literal.WriteString(text)
			break
		}
		literal.WriteString(text[:i])
		brace := text[i]
		text = text[i+1:]
		if text != "" && text[0] == brace {
			literal.WriteByte(brace)
			text = text[1:]
			continue
		}
		name, rest, closed := strings.Cut(text, "}")
		if brace == '}' || !closed {
			return nil, errors.New(`a single brace: write "{{" or "}}" for one that is meant`)
		}
		value, known := placeholders[name]
		if !known {
			return nil, fmt.Errorf("{%s} is not known, there are: %s", name, strings.Join(slices.Sorted(maps.Keys(placeholders)), " "))
		}
		t = append(t, segment{literal: literal.String()}, segment{value: value})
		literal.Reset()
		text = rest
	}
	return append(t, segment{literal: literal.String()}), nil
}

// append appends what the template is for a mail, without white space at its
// ends and with single spaces.
func (t template) append(f *Format, p *part, dst []byte) []byte {
	start := len(dst)
	for _, s := range t {
		dst = append(dst, s.literal...)
		if s.value != nil {
			dst = s.value(f, p, dst)
		}
	}
	return squeeze(dst, start)
}

// squeeze removes from dst[start:] the spaces that a header would not keep.
func squeeze(dst []byte, start int) []byte {
	kept := start
	for _, c := range dst[start:] {
		if c == ' ' && (kept == start || dst[kept-1] == ' ') {
			continue
		}
		dst[kept] = c
		kept++
	}
	if kept > start && dst[kept-1] == ' ' {
		kept--
	}
	return dst[:kept]
}

func text(of func(*Format, *part) string) placeholder {
	return func(f *Format, p *part, dst []byte) []byte { return appendShort(dst, of(f, p)) }
}

func number(of func(*part) int) placeholder {
	return func(_ *Format, p *part, dst []byte) []byte { return strconv.AppendInt(dst, int64(of(p)), 10) }
}

func moment(of func(*archive.Slice) int64) placeholder {
	return func(_ *Format, p *part, dst []byte) []byte {
		if ms := of(&p.slice); ms != 0 {
			dst = time.UnixMilli(ms).UTC().AppendFormat(dst, time.RFC3339)
		}
		return dst
	}
}

// people joins what is known of some of the participants, each thing once
// without regard to case, as far as listedBytes go.
func people(which func(*person) bool, what func(*person) string) placeholder {
	return func(f *Format, _ *part, dst []byte) []byte {
		start := len(dst)
		seen := make(map[string]bool)
		for i := range f.cast.people {
			p := &f.cast.people[i]
			s := what(p)
			if !which(p) || s == "" || seen[strings.ToLower(s)] || len(dst)-start+len(s) > listedBytes*3/4 { // encoded it takes more
				continue
			}
			seen[strings.ToLower(s)] = true
			if len(dst) > start {
				dst = append(dst, ", "...)
			}
			dst = appendShort(dst, s)
		}
		return dst
	}
}

func anybody(*person) bool       { return true }
func isAgent(p *person) bool     { return p.Role == "agent" }
func isConsumer(p *person) bool  { return p.Role == "consumer" }
func addressOf(p *person) string { return p.address }
func nameOf(p *person) string    { return p.Name }

// skillName is how people call a skill; "" where none is assigned.
func skillName(s *archive.Skill) string {
	if s.Name != "" {
		return s.Name
	}
	return s.ID
}
