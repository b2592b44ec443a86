package config

import (
	"bytes"
	"encoding/json"
)

// schema is the part of JSON Schema 2020-12 that describes the table.
type schema struct {
	Dialect              string     `json:"$schema,omitempty"`
	Title                string     `json:"title,omitempty"`
	Description          string     `json:"description,omitempty"`
	Ref                  string     `json:"$ref,omitempty"`
	Type                 any        `json:"type,omitempty"` // a name or a list of names
	Enum                 []string   `json:"enum,omitempty"`
	Pattern              string     `json:"pattern,omitempty"`
	Minimum              *int       `json:"minimum,omitempty"`
	Maximum              *int       `json:"maximum,omitempty"`
	Default              any        `json:"default,omitempty"`
	WriteOnly            bool       `json:"writeOnly,omitempty"`
	Items                *schema    `json:"items,omitempty"`
	MinItems             int        `json:"minItems,omitempty"`
	Properties           properties `json:"properties,omitempty"`
	Required             []string   `json:"required,omitempty"`
	PropertyNames        *schema    `json:"propertyNames,omitempty"`
	AdditionalProperties any        `json:"additionalProperties,omitempty"` // false, or the schema of what a file names itself
	AnyOf                []*schema  `json:"anyOf,omitempty"`
	OneOf                []*schema  `json:"oneOf,omitempty"`
	Defs                 properties `json:"$defs,omitempty"`
}

type property struct {
	name   string
	schema *schema
}

// properties keeps the order of the table, which a map would lose.
type properties []property

func (p properties) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, each := range p {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := json.Marshal(each.name)
		if err != nil {
			return nil, err
		}
		body, err := json.Marshal(each.schema)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(body)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// Schema returns the JSON Schema (2020-12) of the configuration, indented,
// with a newline at the end. What spans several keys, such as the one complete
// login, is checked by Load only.
func Schema() ([]byte, error) {
	root := keys(newDraft()).describe()
	root.Dialect = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "lpexport"
	root.Defs = properties{{"environment", &schema{
		Description: "a value out of the environment",
		Type:        "string", Pattern: `^\$\{[A-Za-z_][A-Za-z0-9_]*\}$`,
	}}}
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

func (o object) describe() *schema {
	s := &schema{Description: o.doc, Type: "object", AdditionalProperties: false}
	for _, row := range o.fields {
		s.Properties = append(s.Properties, property{row.name, row.value.describe()})
		if row.required {
			s.Required = append(s.Required, row.name)
		}
		if row.transport {
			s.OneOf = append(s.OneOf, &schema{Required: []string{row.name}})
		}
	}
	return s
}

func (l lazy) describe() *schema { return l().describe() }

func (l list) describe() *schema {
	item, _ := l.add()
	return &schema{Description: l.doc, Type: "array", MinItems: l.least, Items: item.describe()}
}

func (s scalar) describe() *schema {
	literal := &schema{Pattern: s.pattern, Enum: s.options}
	switch s.kind {
	case kindWhole:
		literal.Type, literal.Minimum, literal.Maximum = "integer", &s.least, &s.most
	case kindBool:
		literal.Type = "boolean"
	default:
		literal.Type = []string{"string", "integer"}
	}
	described := literal
	if s.kind != kindText || s.pattern != "" || s.options != nil {
		described = &schema{AnyOf: []*schema{literal, {Ref: "#/$defs/environment"}}}
	}
	described.Description, described.WriteOnly = s.doc, s.secret && !s.file
	if s.value != "" {
		described.Default = s.value
	}
	return described
}
