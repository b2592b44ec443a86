// Package config reads the configuration file of lpexport.
//
// Decoding is strict: an unknown or duplicate key, a wrong type, a missing
// required value and a value out of its bounds are faults, all of them
// reported at once with file, line and key, and nothing touches the network.
// What the keys are, what they mean and what they may hold stands in one table
// (keys.go), which the decoder and the JSON Schema both walk.
package config

import (
	"time"

	"lpexport/exporter/identity"
)

// Sandbox is the account id of the simulated account inside the program.
const Sandbox = "sandbox"

// Config is a configuration without faults, with every default filled in.
type Config struct {
	File         string // the file it was read from
	Account      string
	LivePerson   LivePerson
	State        string // folder of checkpoint and spool
	Poll         Poll
	Select       Select
	Files        Files
	Webhook      Webhook
	Serve        Serve
	Alert        Alert
	MetricsFile  string // "" = none
	LogLevel     string // debug, info, warn or error
	Identity     Identity
	Destinations []Destination

	// Warnings are what is allowed and still unwise.
	Warnings []Fault
}

// LivePerson is how the account is reached.
type LivePerson struct {
	DomainAPI   string   // URL without a path; https, or http on a loopback address
	Hosts       []string // domains whose hosts may be sent the login, besides LivePerson's own
	OAuth2      OAuth2
	OAuth1      OAuth1
	Source      string // 1 to 20 characters
	Concurrency int    // 1 to 64
	Rollover    bool
	CAFile      string // PEM, besides the system's; "" = none
	Expires     Date   // when the login stops working; zero = not known
}

// Date is a moment that need not be known: then it is zero.
type Date struct{ time.Time }

func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return formatDate(d.Time)
}

// OAuth2 are client credentials; complete, or empty when OAuth1 is used.
type OAuth2 struct {
	ClientID     string
	ClientSecret Secret
}

// Empty says that no part of the login is given.
func (o OAuth2) Empty() bool { return o.ClientID == "" && o.ClientSecret.Empty() }

// OAuth1 are API keys; complete, or empty when OAuth2 is used.
type OAuth1 struct {
	AppKey, AppSecret, AccessToken, AccessTokenSecret Secret
}

// Empty says that no part of the login is given.
func (o OAuth1) Empty() bool {
	return o.AppKey.Empty() && o.AppSecret.Empty() && o.AccessToken.Empty() && o.AccessTokenSecret.Empty()
}

// Poll is how LivePerson is asked for news.
type Poll struct {
	Schedule string // of the serve command, in the five fields of cron
	TimeZone string // of the schedule, by its IANA name
	Since    Since
	Overlap  time.Duration // at least 20 minutes
	Reread   time.Duration // 0 = every open conversation in every cycle
}

// Since is where the first cycle begins: a time ago, or a moment.
type Since struct {
	Ago time.Duration // 0 when At is set
	At  time.Time     // UTC; zero when Ago is set
}

// Time gives the moment for a first cycle that runs at now.
func (s Since) Time(now time.Time) time.Time {
	if s.At.IsZero() {
		return now.Add(-s.Ago)
	}
	return s.At
}

func (s Since) String() string {
	if s.At.IsZero() {
		return formatDuration(s.Ago)
	}
	return formatDate(s.At)
}

// Select is which conversations are captured.
type Select struct {
	Skills []string // ids or names; empty = all
}

// Files is how the files that messages name are fetched.
type Files struct {
	Fetch    bool
	MaxBytes int64
	GiveUp   time.Duration // then one that LivePerson does not list is on record as missing
	Hosts    []string      // domains that links may lead to, besides LivePerson's own
}

// Webhook is the listener for events. Listen "" means that there is none.
type Webhook struct {
	Listen               string
	Path                 string
	ClientID             string
	ClientSecret         Secret
	PreviousClientSecret Secret
	Signature            string        // its shape, or SignatureAny
	ResolveWithin        time.Duration // then an event waits for history
	ConfirmWithin        time.Duration // then what history has not confirmed is counted
	TLS                  TLS
}

// SignatureAny is any of the four shapes that signatures come in.
const SignatureAny = "any"

// TLS is how a listener protects what comes in; empty = it does not, and is on a
// loopback address.
type TLS struct {
	CertFile, KeyFile string // PEM
}

// Empty says that the listener speaks plain HTTP.
func (t TLS) Empty() bool { return t.CertFile == "" && t.KeyFile == "" }

// Identity is how participants are given addresses. It is Empty, or as
// identity.New wants it; where a destination's profile needs addresses it is not
// Empty.
type Identity struct {
	identity.Settings        // Account is the account's; Agents are also those of AgentsFile
	AgentsFile        string // "" = none
}

// Empty says that no addresses can be given.
func (i Identity) Empty() bool {
	return len(i.InternalDomains) == 0 && i.ConsumerDomain == "" && i.BotDomain == ""
}

// Serve is the listener for metrics, health and the status page.
type Serve struct {
	Listen       string   // "" = none
	Hosts        []string // names, besides loopback ones, that the page answers to without a password
	TLS          TLS
	User         string
	PasswordHash Secret // bcrypt; empty = nobody is asked
}

// Alert is who is told when the archive needs a person. Bounds are 0 where that
// is not told.
type Alert struct {
	Command []string // program and arguments; empty = none
	URL     Secret   // it may hold a token; empty = none
	Lag     time.Duration
	Failing time.Duration // of a destination
	Silence time.Duration // of the webhook
	Expiry  time.Duration // before a certificate or the login ends
	Repeat  time.Duration // of what lasts
}

// defaults is the one place where default values stand.
func defaults() *Config {
	return &Config{
		LivePerson: LivePerson{
			DomainAPI:   "https://api.liveperson.net",
			Source:      "lpexport",
			Concurrency: 4,
		},
		State:    "./state",
		LogLevel: "info",
		Poll: Poll{
			Schedule: "*/5 * * * *",
			TimeZone: "UTC",
			Since:    Since{Ago: 24 * time.Hour},
			Overlap:  30 * time.Minute,
			Reread:   5 * time.Minute,
		},
		Files:    Files{Fetch: true, MaxBytes: 100 << 20, GiveUp: 24 * time.Hour},
		Webhook:  Webhook{Path: "/liveperson/events", Signature: SignatureAny, ResolveWithin: 2 * time.Minute, ConfirmWithin: 24 * time.Hour},
		Serve:    Serve{Listen: "127.0.0.1:9464", User: "lpexport"},
		Alert:    Alert{Lag: time.Hour, Failing: time.Hour, Expiry: 14 * 24 * time.Hour, Repeat: 24 * time.Hour},
		Identity: Identity{Settings: identity.Settings{ConsumerEmail: identity.EmailVerified, UnknownAgent: identity.UnknownHold}},
	}
}
