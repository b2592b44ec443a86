package config

import (
	"fmt"
	"time"
)

// keys is the table of all keys, bound to the places of c. What it does not
// list does not exist.
func keys(c *Config) object {
	return object{
		doc: "Configuration of lpexport.",
		fields: []field{
			need("account", text(&c.Account, "LivePerson account id; sandbox is the simulated account inside the program",
				accountPattern.String(), checkMatch(accountPattern, "must be 1 to 64 letters, digits, - or _"))),
			may("liveperson", livePersonKeys(&c.LivePerson)),
			may("state", text(&c.State, "folder of checkpoint, spool and manifests; created for the owner only", "", checkPath)),
			may("poll", pollKeys(&c.Poll)),
			may("select", object{
				doc: "which conversations are captured",
				fields: []field{
					may("skills", list{
						doc: "skill ids or names; empty means all. A conversation is taken when any skill of its flow is listed",
						add: func() (value, func()) {
							var skill string
							item := text(&skill, "skill id or name", "", checkLine(1, 200))
							return item, func() { c.Select.Skills = append(c.Select.Skills, skill) }
						},
					}),
				},
			}),
			may("webhook", webhookKeys(&c.Webhook)),
			may("serve", object{
				doc: "listener for metrics, health and the status page",
				fields: []field{
					may("listen", text(&c.Serve.Listen, "host:port", "", checkListen)),
				},
			}),
			may("metrics_file", text(&c.MetricsFile, "file for Prometheus text, written after each run; empty means none", "", nil)),
			need("destinations", list{
				doc:   "the archives that are written to",
				least: 1,
				add: func() (value, func()) {
					d := destinationDefaults()
					return destinationKeys(d), func() { c.Destinations = append(c.Destinations, *d) }
				},
			}),
		},
	}
}

func livePersonKeys(l *LivePerson) object {
	return object{
		doc: "how the account is reached: one complete login, oauth2 or oauth1, unless the account is sandbox",
		fields: []field{
			may("domain_api", untold(text(&l.DomainAPI, "where the services of the account are looked up; plain http for a loopback address only", "", checkDomainAPI))),
			may("oauth2", object{
				doc: "client credentials, the preferred login",
				fields: append([]field{
					may("client_id", text(&l.OAuth2.ClientID, "client id", "", checkLine(0, 512))),
				}, secret("client_secret", &l.OAuth2.ClientSecret, "client secret")...),
			}),
			may("oauth1", object{
				doc: "API keys",
				fields: flatten(
					secret("app_key", &l.OAuth1.AppKey, "app key"),
					secret("app_secret", &l.OAuth1.AppSecret, "app secret"),
					secret("access_token", &l.OAuth1.AccessToken, "access token"),
					secret("access_token_secret", &l.OAuth1.AccessTokenSecret, "access token secret"),
				),
			}),
			may("source", text(&l.Source, "sent with every search", "", checkLine(1, 20))),
			may("concurrency", whole(&l.Concurrency, "requests in flight at most, of every kind together", 1, 64)),
			may("rollover", boolean(&l.Rollover, "also conversations of the rollover account")),
		},
	}
}

func pollKeys(p *Poll) object {
	return object{
		doc: "how LivePerson is asked for news",
		fields: []field{
			may("schedule", text(&p.Schedule, "when serve begins a cycle: five fields of cron, in UTC", "", checkSchedule)),
			may("since", parsed(&p.Since, "the first cycle takes what was updated since then: a duration or a date", "", parseSince)),
			may("overlap", duration(&p.Overlap, "how far each cycle looks back behind the one before", 20*time.Minute, 7*24*time.Hour)),
			may("reread", duration(&p.Reread, "shortest time between two looks at a quiet open conversation; 0s looks at all of them in every cycle", 0, 24*time.Hour)),
		},
	}
}

func webhookKeys(w *Webhook) object {
	return object{
		doc: "listener for real-time events",
		fields: flatten(
			[]field{
				may("listen", text(&w.Listen, "host:port; empty means off", "", checkOptionalListen)),
				may("path", text(&w.Path, "path of the URL that events are sent to", "^/", checkURLPath)),
				may("client_id", text(&w.ClientID, "client id of the app that sends events", "", checkLine(0, 512))),
			},
			secret("client_secret", &w.ClientSecret, "verifies the signature of events"),
			secret("previous_client_secret", &w.PreviousClientSecret, "also accepted, while secrets are rotated"),
		),
	}
}

func destinationKeys(d *Destination) object {
	return object{
		doc: "one archive that is written to, with exactly one transport",
		fields: []field{
			need("name", text(&d.Name, "identity of the destination; never reused for another archive",
				destinationPattern.String(), checkMatch(destinationPattern, "must be 1 to 63 characters of a-z, 0-9 and -, the first not -"))),
			need("archive", choice(&d.Archive, "what the archive wants", Archives(), checkArchive)),
			may("cut", parsed(&d.Cut, "when a conversation is due: immediately; a duration such as 24h (closed, or open with entries older than that); closed (closed, or 7d)", "", parseCut)),
			may("from", parsed(&d.From, "what a destination added later is given: all, new, or what was sent since a date", "", parseFrom)),
			may("bundle", bundleKeys(&d.Bundle)),
			transport("directory", func() object {
				d.Directory = new(Directory)
				return directoryKeys(d.Directory)
			}),
		},
	}
}

func bundleKeys(b *Bundle) object {
	return object{
		doc: "bounds of one bundle",
		fields: []field{
			may("max_conversations", whole(&b.MaxConversations, "conversations at most", 1, 10_000)),
			may("max_bytes", size(&b.MaxBytes, "rendered bytes, reached at most by one slice too many", 64<<10, 4<<30)),
			may("max_wait", duration(&b.MaxWait, "how long the first due conversation waits for a fuller bundle inside a run", 0, time.Hour)),
		},
	}
}

func directoryKeys(d *Directory) object {
	return object{
		doc: "transport: a folder of this machine",
		fields: []field{
			need("path", text(&d.Path, "the folder; created when absent", "", checkPath)),
		},
	}
}

// The rest builds table rows.

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

func choice(at *string, doc string, options []string, check func(string) error) scalar {
	row := text(at, doc, "", check)
	row.options = options
	return row
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
