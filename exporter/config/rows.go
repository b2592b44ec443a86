package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// This file builds rows of the table.

func text(at *string, doc, pattern string, check func(string) error) scalar {
	return scalar{
		doc: doc, kind: kindText, pattern: pattern, value: *at,
		set: func(text string) error {
			if check != nil {
				if err := check(text); err != nil {
					return err
				}
			}
			*at = text
			return nil
		},
	}
}

// untold is a row whose value no fault repeats: a URL may hold a password.
func untold(row scalar) scalar {
	row.untold = true
	return row
}

func choice(at *string, doc string, options ...string) scalar {
	row := text(at, doc, "", func(text string) error {
		if !slices.Contains(options, text) {
			return fmt.Errorf("must be one of: %s", strings.Join(options, ", "))
		}
		return nil
	})
	row.options = options
	return row
}

// canonical is a text that is kept in another spelling: a domain, an address.
func canonical(at *string, doc string, parse func(string) (string, error)) scalar {
	row := text(at, doc, "", nil)
	row.set = func(text string) error {
		parsed, err := parse(text)
		if err == nil {
			*at = parsed
		}
		return err
	}
	return row
}

// texts is a list of rows of one kind.
func texts(at *[]string, doc string, row func(*string) scalar) list {
	return list{doc: doc, add: func() (value, func()) {
		item := new(string)
		return row(item), func() { *at = append(*at, *item) }
	}}
}

// given is a row whose default is not known here: at stays nil where the key is
// absent.
func given[T any](at **T, row func(*T) scalar) scalar {
	made := new(T)
	s := row(made)
	set := s.set
	s.value = ""
	s.set = func(text string) error {
		err := set(text)
		if err == nil {
			*at = made
		}
		return err
	}
	return s
}

// parsed is a text that stands for a value of another type.
func parsed[T fmt.Stringer](at *T, doc, pattern string, parse func(string) (T, error)) scalar {
	return scalar{
		doc: doc, kind: kindText, pattern: pattern, value: (*at).String(),
		set: func(text string) (err error) {
			*at, err = parse(text)
			return err
		},
	}
}

func whole(at *int, doc string, least, most int) scalar {
	return scalar{
		doc: doc, kind: kindWhole, least: least, most: most, value: *at,
		set: func(text string) error {
			n, err := parseWhole(text)
			if err != nil || n < least || n > most {
				return fmt.Errorf("must be a whole number from %d to %d", least, most)
			}
			*at = n
			return nil
		},
	}
}

func boolean(at *bool, doc string) scalar {
	return scalar{
		doc: doc, kind: kindBool, value: *at,
		set: func(text string) (err error) {
			*at, err = parseBool(text)
			return err
		},
	}
}

func duration(at *time.Duration, doc string, least, most time.Duration) scalar {
	return scalar{
		doc: doc, kind: kindText, value: formatDuration(*at),
		set: func(text string) error {
			d, err := parseDuration(text)
			if err == nil && (d < least || d > most) {
				err = fmt.Errorf("must be from %s to %s", formatDuration(least), formatDuration(most))
			}
			if err == nil {
				*at = d
			}
			return err
		},
	}
}

func size(at *int64, doc string, least, most int64) scalar {
	return scalar{
		doc: doc, kind: kindText, pattern: sizePattern.String(), value: formatSize(*at),
		set: func(text string) error {
			n, err := parseSize(text)
			if err == nil && (n < least || n > most) {
				err = fmt.Errorf("must be from %s to %s", formatSize(least), formatSize(most))
			}
			if err == nil {
				*at = n
			}
			return err
		},
	}
}

// secret is two rows: name, and name_file for a file that holds it.
func secret(name string, at *Secret, doc string) []field {
	row := scalar{
		doc: doc + "; a secret, better as ${ENV_NAME} or in " + name + "_file", kind: kindText, value: "", secret: true, untold: true,
		set: func(text string) error {
			if text != "" {
				*at = NewSecret(text)
			}
			return nil
		},
	}
	file := row
	file.doc, file.file = "file that holds "+name, true
	file.pending = func() *string {
		at.text = new(string)
		return at.text
	}
	return []field{may(name, row), {name: name + "_file", value: file, twin: name}}
}

func may(name string, v value) field  { return field{name: name, value: v} }
func need(name string, v value) field { return field{name: name, value: v, required: true} }

// transport is a row whose presence chooses how a destination is reached.
func transport(name string, make func() object) field {
	return field{name: name, value: lazy(make), transport: true}
}

func flatten(groups ...[]field) []field {
	var all []field
	for _, group := range groups {
		all = append(all, group...)
	}
	return all
}
