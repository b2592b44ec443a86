package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// accepts is the part of JSON Schema 2020-12 that the schema uses. A keyword
// that it does not know fails the test.
type accepts struct {
	t    *testing.T
	root map[string]any
}

func (a accepts) value(s map[string]any, v any) error {
	for keyword, want := range s {
		if err := a.keyword(s, keyword, want, v); err != nil {
			return err
		}
	}
	return nil
}

func (a accepts) keyword(s map[string]any, keyword string, want, v any) error {
	number, isNumber := v.(float64)
	text, isText := v.(string)
	object, isObject := v.(map[string]any)
	array, isArray := v.([]any)
	switch keyword {
	case "$schema", "$defs", "title", "description", "default", "writeOnly":
	case "$ref":
		name := strings.TrimPrefix(want.(string), "#/$defs/")
		return a.value(a.root["$defs"].(map[string]any)[name].(map[string]any), v)
	case "type":
		types, isList := want.([]any)
		if !isList {
			types = []any{want}
		}
		_, isBool := v.(bool)
		is := map[string]bool{"object": isObject, "array": isArray, "string": isText, "integer": isNumber && number == float64(int64(number)), "boolean": isBool}
		if !slices.ContainsFunc(types, func(name any) bool { return is[name.(string)] }) {
			return fmt.Errorf("%v is not %v", v, want)
		}
	case "enum":
		if !slices.Contains(want.([]any), v) {
			return fmt.Errorf("%v is not one of %v", v, want)
		}
	case "pattern":
		if isText && !regexp.MustCompile(want.(string)).MatchString(text) {
			return fmt.Errorf("%q does not match %v", text, want)
		}
	case "minimum":
		if isNumber && number < want.(float64) {
			return fmt.Errorf("%v is below %v", v, want)
		}
	case "maximum":
		if isNumber && number > want.(float64) {
			return fmt.Errorf("%v is above %v", v, want)
		}
	case "minItems":
		if isArray && float64(len(array)) < want.(float64) {
			return fmt.Errorf("%d items", len(array))
		}
	case "items":
		for _, item := range array {
			if err := a.value(want.(map[string]any), item); err != nil {
				return err
			}
		}
	case "required":
		for _, name := range want.([]any) {
			if _, ok := object[name.(string)]; isObject && !ok {
				return fmt.Errorf("%v is missing", name)
			}
		}
	case "properties":
		for name, below := range want.(map[string]any) {
			if item, ok := object[name]; ok {
				if err := a.value(below.(map[string]any), item); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		}
	case "additionalProperties":
		properties, _ := s["properties"].(map[string]any)
		below, open := want.(map[string]any)
		for name, item := range object {
			if _, ok := properties[name]; ok {
				continue
			}
			if !open {
				return fmt.Errorf("%s is not a property", name)
			}
			if err := a.value(below, item); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	case "propertyNames":
		for name := range object {
			if err := a.value(want.(map[string]any), name); err != nil {
				return err
			}
		}
	case "anyOf", "oneOf":
		matches := 0
		for _, each := range want.([]any) {
			if a.value(each.(map[string]any), v) == nil {
				matches++
			}
		}
		if matches == 0 || keyword == "oneOf" && matches > 1 {
			return fmt.Errorf("%v matches %d of %s", v, matches, keyword)
		}
	default:
		a.t.Fatalf("unknown keyword %q", keyword)
	}
	return nil
}

func readSchema(t *testing.T) accepts {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	a := accepts{t: t}
	if err := json.Unmarshal(text, &a.root); err != nil {
		t.Fatal(err)
	}
	return a
}

// instance reads YAML as a JSON value.
func instance(t *testing.T, data []byte) (value any, ok bool) {
	t.Helper()
	var decoded any
	if yaml.Unmarshal(data, &decoded) != nil {
		return nil, false
	}
	text, err := json.Marshal(decoded)
	if err != nil {
		return nil, false
	}
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value, true
}

func TestSchemaAcceptsTheExamples(t *testing.T) {
	files, err := filepath.Glob("../../testdata/eleven/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("none found", err)
	}
	schema := readSchema(t)
	for _, file := range append(files, "../../config.example.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		value, ok := instance(t, data)
		if !ok {
			t.Fatal(file, "is not YAML")
		}
		if err := schema.value(schema.root, value); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestSchemaRefuses runs the schema over inputs that break one key at a time.
func TestSchemaRefuses(t *testing.T) {
	schema := readSchema(t)
	for _, name := range []string{"empty", "types", "more-types", "missing", "missing-in-destination", "values", "list-at-root", "mails", "transports", "identity"} {
		data, err := os.ReadFile(filepath.Join("testdata/faults", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if value, ok := instance(t, data); ok && schema.value(schema.root, value) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	for _, text := range []string{
		"{account: sandbox, destinations: [{name: a, archive: generic, directory: {path: a}, sftp: {}}]}",
		"{account: sandbox, destinations: [{name: a, archive: generic}]}",
		"{account: sandbox, unknown: 1, destinations: [{name: a, archive: generic, directory: {path: a}}]}",
		"{account: sandbox, liveperson: {concurrency: 65}, destinations: [{name: a, archive: generic, directory: {path: a}}]}",
	} {
		if value, ok := instance(t, []byte(text)); !ok || schema.value(schema.root, value) == nil {
			t.Errorf("%s is accepted", text)
		}
	}
	good := "{account: '${A}', liveperson: {concurrency: '${B}', rollover: '${C}'}, destinations: [{name: '${D}', archive: generic, directory: {path: a}}]}"
	if value, ok := instance(t, []byte(good)); !ok || schema.value(schema.root, value) != nil {
		t.Error("references to the environment are refused")
	}
}

// example finds the keys that the starter shows without effect.
var example = regexp.MustCompile(`(?m)^( *)#([a-z])`)

// TestStarterShowsEveryKeyWithItsDefault walks the table beside the text, with
// its examples in effect.
func TestStarterShowsEveryKeyWithItsDefault(t *testing.T) {
	var document yaml.Node
	if err := yaml.Unmarshal(example.ReplaceAll(Starter, []byte("$1$2")), &document); err != nil {
		t.Fatal(err)
	}
	chosen := []string{"account", "state", "destinations[0].name", "destinations[0].archive", "destinations[0].from", "destinations[0].directory.path", "destinations[0].sftp.host",
		"destinations[0].s3.lock.days"}
	showObject(t, keys(newDraft()), "", document.Content[0], chosen)
	if _, err := Parse("config.yaml", Starter, testLookup); err != nil {
		t.Error(err)
	}
}

func showObject(t *testing.T, o object, path string, n *yaml.Node, chosen []string) {
	t.Helper()
	for _, row := range o.fields {
		at := join(path, row.name)
		i := slices.IndexFunc(n.Content, func(key *yaml.Node) bool { return key.Value == row.name })
		if row.twin != "" {
			continue
		}
		if i < 0 {
			t.Errorf("%s is not shown", at)
			continue
		}
		shown := n.Content[i+1]
		switch below := row.value.(type) {
		case object:
			showObject(t, below, at, shown, chosen)
		case lazy:
			showObject(t, below(), at, shown, chosen)
		case list:
			if item, _ := below.add(); len(shown.Content) > 0 {
				if item, is := item.(object); is {
					showObject(t, item, at+"[0]", shown.Content[0], chosen)
				}
			}
		case scalar:
			// What the archive has the default of is shown by an example.
			open := below.value == "" && strings.HasPrefix(at, "destinations")
			if !open && !slices.Contains(chosen, at) && shown.Value != fmt.Sprint(below.value) {
				t.Errorf("%s is shown as %q, its default is %v", at, shown.Value, below.value)
			}
		}
	}
}
