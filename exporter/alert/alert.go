// Package alert tells a person when the archive of an account needs one: by a
// command or a URL, once when a condition begins, again while it lasts, and once
// when it ends.
//
// What counts as a condition is a pure function of the overview that metrics
// and the status page show too. A condition has to hold at two looks in a row
// before it is told, and to be gone at two before it counts as ended, so that
// nobody is woken by what heals within a minute; what cannot flap (an end that
// comes near, a quarantine that grows) is told at the first look.
//
// A notification that cannot be handed over is made again at the next look, with
// what has changed since; also of a condition that is over by then, its end is
// told. What has been told is kept in memory only: after a restart, conditions
// that still hold are told once again, and the end of one that ended meanwhile
// is not told.
package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"lpexport/exporter"
)

// Settings is what a Watch works with. Exactly one of Command and URL is given.
type Settings struct {
	Bounds
	Command  []string // a program and its arguments, run without a shell
	URL      string   // https, or http on a loopback address; may hold a token
	Account  string
	Overview func(context.Context) (exporter.Overview, error)
	Commands func(hint string) string // makes a hint fit to be pasted, such as by adding --config; nil: as it is
	Log      *slog.Logger
	Now      func() time.Time

	// Run runs a command to its end, or to that of ctx; nil: the system's.
	Run    func(ctx context.Context, name string, args, env []string, stdin []byte) error
	Client *http.Client // nil: one of its own; redirects are not followed by either
}

// SettingError says which of the Settings is wrong. It never holds a URL.
type SettingError struct{ Setting, Detail string }

func (e *SettingError) Error() string { return "alert " + e.Setting + ": " + e.Detail }

// Watch compares what it sees with what it has told. It is for one goroutine.
type Watch struct {
	Settings
	tell   func(context.Context, notification) error
	tracks map[key]*track
	mute   string // why the last notification was not taken; "": it was
	blind  string // why the last overview could not be had; "": it could
}

// New checks the settings. Nothing is run or sent before the first Look.
func New(s Settings) (*Watch, error) {
	w := &Watch{Settings: s, tracks: map[key]*track{}}
	if w.Commands == nil {
		w.Commands = func(hint string) string { return hint }
	}
	switch {
	case len(s.Command) > 0 && s.URL != "":
		return nil, &SettingError{"command", "a command and a URL exclude each other"}
	case len(s.Command) > 0:
		if s.Command[0] == "" {
			return nil, &SettingError{"command", "the name of the program is empty"}
		}
		w.tell = w.run
		if w.Run == nil {
			w.Run = runCommand
		}
	case s.URL != "":
		target, err := parseURL(s.URL)
		if err != nil {
			return nil, err
		}
		w.tell = newPoster(target, s.Client).post
	default:
		return nil, &SettingError{"command", "neither a command nor a URL is given"}
	}
	return w, nil
}

func parseURL(text string) (*url.URL, error) {
	target, err := url.Parse(text)
	if err != nil || target.Hostname() == "" || target.Scheme != "https" && target.Scheme != "http" {
		return nil, &SettingError{"URL", "is not the URL of a web server"}
	}
	if target.Scheme == "http" && !loopback(target.Hostname()) {
		return nil, &SettingError{"URL", "must begin with https:// unless the host is a loopback address"}
	}
	return target, nil
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// notification is what is told at once, as JSON.
type notification struct {
	Schema     string   `json:"schema"`
	Account    string   `json:"account"`
	At         string   `json:"at"` // RFC 3339, UTC
	Conditions []change `json:"conditions"`
}

const schema = "lpexport/alert/v1"

// States of a condition.
const (
	firing   = "firing"
	resolved = "resolved"
)

// change is a condition that begins, lasts or has ended; its text is that of
// the last look at which it held.
type change struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	State   string `json:"state"`
	Since   string `json:"since"` // RFC 3339, UTC
	Text    string `json:"text"`
	Hint    string `json:"hint"` // "" once it is resolved
}

func (n notification) json() ([]byte, error) {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(n); err != nil {
		return nil, fmt.Errorf("write the alert: %w", err)
	}
	return []byte(b.String()), nil
}

// state is firing when any of its conditions is.
func (n notification) state() string {
	for _, c := range n.Conditions {
		if c.State == firing {
			return firing
		}
	}
	return resolved
}

// names are those of its conditions, each once, in their order.
func (n notification) names() string {
	var list []string
	for _, c := range n.Conditions {
		if len(list) == 0 || list[len(list)-1] != c.Name {
			list = append(list, c.Name)
		}
	}
	return strings.Join(list, " ")
}
