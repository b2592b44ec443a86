package config

import (
	"errors"
	"regexp"
	"strconv"

	"gopkg.in/yaml.v3"
)

type kind int

const (
	kindText kind = iota
	kindWhole
	kindBool
)

type scalar struct {
	doc         string
	kind        kind
	pattern     string // for the schema; set checks
	options     []string
	least, most int
	value       any // the default
	secret      bool
	untold      bool           // no fault repeats it
	file        bool           // the text names a file whose content is the value
	pending     func() *string // of a file: where its content belongs when it can be read later
	set         func(text string) error
}

func (s scalar) decode(d *decoder, path string, n *yaml.Node) {
	text, from, ok := d.text(path, n)
	if !ok {
		return
	}
	if from == "" && !s.accepts(n.ShortTag()) {
		d.wrongType(n, path, s.kind.String())
		return
	}
	d.given[path] = text != ""
	if s.file && text != "" {
		if err := checkTilde(text); err != nil {
			d.fault(n.Line, path, "%s%s", err, scalar{}.is(text, from))
			return
		}
		content, err := d.look.Secret(text)
		if err != nil && ofDestination(path) {
			d.unread = append(d.unread, Unread{d.newFault(n.Line, path, reason(err)), text, s.pending(), d.look.Secret})
			return
		}
		if err != nil {
			d.fault(n.Line, path, "%s", reason(err))
			return
		}
		text = content
	} else if s.secret && from == "" && text != "" {
		d.literals = append(d.literals, path)
	}
	if err := s.set(text); err != nil {
		d.fault(n.Line, path, "%s%s", err, s.is(text, from))
	}
}

// is says what a value is, where that can be said.
func (s scalar) is(text, from string) string {
	switch {
	case s.untold:
		return ""
	case from != "":
		return ", and ${" + from + "} is not"
	default:
		return ", is " + strconv.Quote(clip(text))
	}
}

func (s scalar) accepts(tag string) bool {
	switch s.kind {
	case kindWhole:
		return tag == "!!int"
	case kindBool:
		return tag == "!!bool"
	default:
		// Account ids and skills are digits, dates are timestamps to YAML.
		return tag == "!!str" || tag == "!!int" || tag == "!!timestamp"
	}
}

var (
	reference = regexp.MustCompile(`^\$\{(.*)\}$`)
	envName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// text gives the text of a scalar, and the environment variable it came from.
func (d *decoder) text(path string, n *yaml.Node) (text, from string, ok bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		d.wrongType(n, path, "a value")
		return "", "", false
	}
	parts := reference.FindStringSubmatch(n.Value)
	if parts == nil {
		return n.Value, "", true
	}
	name := parts[1]
	if !envName.MatchString(name) {
		d.fault(n.Line, path, "${…} must name one environment variable")
		return "", "", false
	}
	text, set := d.look.Env(name)
	if !set {
		d.fault(n.Line, path, "environment variable %s is not set", name)
		return "", "", false
	}
	return text, name, true
}

func (k kind) String() string {
	return [...]string{"text (put it in quotes)", "a whole number", "true or false"}[k]
}

func parseWhole(text string) (int, error) { return strconv.Atoi(text) }

func parseBool(text string) (bool, error) {
	switch text {
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	return false, errors.New("must be true or false")
}
