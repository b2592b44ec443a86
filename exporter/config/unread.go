package config

import (
	"fmt"
	"strings"
)

// Unread is the file of a destination's secret that could not be read. That is
// no fault of the configuration: the other destinations do not need it. Until it
// is read, the secret is neither empty nor known.
type Unread struct {
	Fault // why not, and where it is named
	path  string
	into  *string // the secret's text
	read  func(path string) (string, error)
}

// Read tries again, and gives the secret its text. The error says where the file
// is named.
func (u Unread) Read() error {
	text, err := u.read(u.path)
	if err != nil {
		u.Detail = reason(err)
		return &unreadError{u.Fault, err}
	}
	*u.into = text
	return nil
}

type unreadError struct {
	at  Fault
	err error
}

func (e *unreadError) Error() string { return e.at.String() }
func (e *unreadError) Unwrap() error { return e.err }

// ofDestination reports whether a key is one of a destination's.
func ofDestination(path string) bool { return strings.HasPrefix(path, "destinations[") }

// unreadOf returns what is of destination i.
func unreadOf(all []Unread, i int) (own []Unread) {
	for _, u := range all {
		if strings.HasPrefix(u.Key, fmt.Sprintf("destinations[%d].", i)) {
			own = append(own, u)
		}
	}
	return own
}

// Unread returns what is unread of all destinations, as faults.
func (c *Config) Unread() (all Faults) {
	for _, d := range c.Destinations {
		for _, u := range d.Unread {
			all = append(all, u.Fault)
		}
	}
	return all
}
