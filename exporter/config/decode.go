package config

import (
	"fmt"
	"slices"
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

// Lookup is where references out of the file are resolved.
type Lookup struct {
	Env    func(name string) (string, bool)
	Secret func(path string) (string, error) // content of a secret file
	File   func(path string) ([]byte, error) // content of another file
}

type decoder struct {
	file    string
	look    Lookup
	faults  Faults
	lines   map[string]int     // where a key stands
	given   map[string]bool    // keys with a text that is not empty
	entries map[string]entries // of a mapping
	// literals are the secrets that stand in the file itself.
	literals []string
	unread   []Unread
}

func newDecoder(file string, look Lookup) *decoder {
	return &decoder{file: file, look: look, lines: map[string]int{}, given: map[string]bool{}, entries: map[string]entries{}}
}

func (d *decoder) fault(line int, path, format string, args ...any) {
	if path == "" {
		path = "(file)"
	}
	d.faults = append(d.faults, d.newFault(line, path, fmt.Sprintf(format, args...)))
}

func (d *decoder) newFault(line int, path, detail string) Fault {
	return Fault{File: d.file, Line: max(line, 1), Key: path, Detail: detail}
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

// faultyAt says that a key has a fault as a whole.
func (d *decoder) faultyAt(path string) bool {
	return slices.ContainsFunc(d.faults, func(f Fault) bool { return f.Key == path })
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
