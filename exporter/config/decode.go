package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// value is what the table knows of one value: how to decode it and how to
// describe it.
type value interface {
	decode(d *decoder, path string, n *yaml.Node)
	describe() *schema
}

type field struct {
	name      string
	value     value
	required  bool
	transport bool   // exactly one of these in its object
	twin      string // the secret that this row reads from a file
}

type object struct {
	doc    string
	fields []field
}

// lazy is an object that is made only when its key is there.
type lazy func() object

type list struct {
	doc   string
	least int
	// add gives the table of one new item, and what to call once it is decoded.
	add func() (value, func())
}

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
	untold      bool // no fault repeats it
	file        bool // the text names a file whose content is the value
	set         func(text string) error
}

// Lookup is where references out of the file are resolved.
type Lookup struct {
	Env    func(name string) (string, bool)
	Secret func(path string) (string, error) // content of a secret file
}

type decoder struct {
	file   string
	look   Lookup
	faults Faults
	lines  map[string]int  // where a key stands
	given  map[string]bool // keys with a text that is not empty
	// literals are the secrets that stand in the file itself.
	literals []string
}

func (d *decoder) fault(line int, path, format string, args ...any) {
	if path == "" {
		path = "(file)"
	}
	d.faults = append(d.faults, Fault{File: d.file, Line: max(line, 1), Key: path, Detail: fmt.Sprintf(format, args...)})
}

// faulty says that a key at or below path has a fault already.
func (d *decoder) faulty(path string) bool {
	for _, f := range d.faults {
		if f.Key == path || strings.HasPrefix(f.Key, path+".") || strings.HasPrefix(f.Key, path+"[") {
			return true
		}
	}
	return false
}

// line is where path stands, or the nearest key above it.
func (d *decoder) line(path string) int {
	for path != "" {
		if line, ok := d.lines[path]; ok {
			return line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 1
}

func (o object) decode(d *decoder, path string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		d.wrongType(n, path, "a group of keys")
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		at := join(path, key.Value)
		if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" {
			d.fault(key.Line, at, "must be a plain key")
			continue
		}
		if first, twice := seen[key.Value]; twice {
			d.fault(key.Line, at, "duplicate key, first on line %d", first)
			continue
		}
		seen[key.Value] = key.Line
		row := o.find(key.Value)
		if row == nil {
			d.fault(key.Line, at, "unknown key; there are: %s", o.names())
			continue
		}
		d.lines[at] = key.Line
		row.value.decode(d, at, val)
	}
	o.complete(d, path, n.Line, seen)
}

// complete reports what is missing from, or too much in, an object whose keys
// are all read.
func (o object) complete(d *decoder, path string, line int, seen map[string]int) {
	var transports, names []string
	for _, row := range o.fields {
		at := join(path, row.name)
		_, present := seen[row.name]
		if row.required && !present {
			d.fault(line, at, "is required")
		}
		if row.twin != "" && d.given[at] && d.given[join(path, row.twin)] {
			d.fault(seen[row.name], at, "is given beside %s: keep one", row.twin)
		}
		if row.transport {
			names = append(names, row.name)
			if present {
				transports = append(transports, row.name)
			}
		}
	}
	if len(names) > 0 && len(transports) == 0 {
		d.fault(line, join(path, strings.Join(names, "|")), "is required: one transport")
	}
	if len(transports) > 1 {
		d.fault(line, path, "must have one transport, has %s", strings.Join(transports, ", "))
	}
}

func (o object) find(name string) *field {
	for i := range o.fields {
		if o.fields[i].name == name {
			return &o.fields[i]
		}
	}
	return nil
}

func (o object) names() string {
	var names []string
	for _, row := range o.fields {
		if row.twin == "" {
			names = append(names, row.name)
		}
	}
	return strings.Join(names, ", ")
}

func (l lazy) decode(d *decoder, path string, n *yaml.Node) { l().decode(d, path, n) }

func (l list) decode(d *decoder, path string, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		d.wrongType(n, path, "a list")
		return
	}
	if len(n.Content) < l.least {
		d.fault(n.Line, path, "must have at least %d item", l.least)
	}
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		d.lines[at] = item.Line
		table, done := l.add()
		table.decode(d, at, item)
		done()
	}
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
		content, err := d.look.Secret(text)
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

// wrongType never tells the value: a secret may stand in the wrong place.
func (d *decoder) wrongType(n *yaml.Node, path, want string) {
	d.fault(n.Line, path, "must be %s, is %s", want, typeName(n))
}

func typeName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a group of keys"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias, which this file cannot have"
	}
	switch n.ShortTag() {
	case "!!null":
		return "empty"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!str":
		return "text"
	case "!!timestamp":
		return "a date"
	default:
		return "of another type"
	}
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

// join names a key below path. A key from outside is bounded and escaped.
func join(path, key string) string {
	key = clip(key)
	if quoted := strconv.Quote(key); quoted != `"`+key+`"` || key == "" {
		key = quoted
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// clip bounds what is repeated from the file.
func clip(text string) string {
	const most = 64
	if len(text) <= most {
		return text
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
