package config

import "gopkg.in/yaml.v3"

// mapping is a group whose keys the file chooses.
type mapping struct {
	doc   string
	names string // pattern of the keys for the schema; check checks
	check func(key string) error
	fold  func(key string) string // two keys with the same result are the same key
	// add gives the table of one new entry, and what to call once it is decoded.
	add func(key string) (value, func())
}

// entries are what a mapping holds, by folded key: where it stands first, and
// the keys without faults in their order.
type entries struct {
	first map[string]int
	good  []string
}

func (m mapping) decode(d *decoder, path string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		d.wrongType(n, path, "a group of keys")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		// Ids are digits.
		if tag := key.ShortTag(); key.Kind != yaml.ScalarNode || tag != "!!str" && tag != "!!int" {
			d.fault(key.Line, join(path, key.Value), "must be a plain key")
			continue
		}
		m.entry(d, path, key.Value, key.Line, n.Content[i+1])
	}
}

// entry decodes one entry, from line, of the mapping at path.
func (m mapping) entry(d *decoder, path, key string, line int, n *yaml.Node) {
	at, folded := join(path, key), m.fold(key)
	have, there := d.entries[path]
	if !there {
		have.first = map[string]int{}
	}
	if first, twice := have.first[folded]; twice {
		d.fault(line, at, "duplicate key, first on line %d", first)
		return
	}
	have.first[folded] = line
	if err := m.check(key); err != nil {
		d.fault(line, at, "%s", err)
	} else if d.lines[at] = line; m.value(d, at, key, n) {
		have.good = append(have.good, key)
	}
	d.entries[path] = have
}

func (m mapping) value(d *decoder, path, key string, n *yaml.Node) (good bool) {
	before := len(d.faults)
	table, done := m.add(key)
	table.decode(d, path, n)
	if good = len(d.faults) == before; good {
		done()
	}
	return good
}

func (m mapping) describe() *schema {
	entry, _ := m.add("")
	s := &schema{Description: m.doc, Type: "object", AdditionalProperties: entry.describe()}
	if m.names != "" {
		s.PropertyNames = &schema{Pattern: m.names}
	}
	return s
}
