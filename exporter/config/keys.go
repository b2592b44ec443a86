package config

import (
	"regexp"
	"time"
)

// draft is a configuration while it is read: what its destinations leave to
// their archives is filled in last, when all of it is known.
type draft struct {
	*Config
	chosen []*chosen // in the order of Destinations
}

func newDraft() *draft { return &draft{Config: defaults()} }

// keys is the table of all keys, bound to the places of c. What it does not
// list does not exist.
func keys(c *draft) object {
	return object{
		doc: "Configuration of lpexport.",
		fields: []field{
			need("account", text(&c.Account, "LivePerson account id; sandbox is the simulated account inside the program",
				accountPattern.String(), CheckAccount)),
			may("liveperson", livePersonKeys(&c.LivePerson)),
			may("state", text(&c.State, "folder of checkpoint, spool and manifests; created for the owner only", "", checkPath)),
			may("poll", pollKeys(&c.Poll)),
			may("select", object{
				doc: "which conversations are captured",
				fields: []field{
					may("skills", texts(&c.Select.Skills, "skill ids or names; empty means all. A conversation is taken when any skill of its flow is listed. A name is looked up once and known by its id from then on",
						func(at *string) scalar { return text(at, "skill id or name", "", checkLine(1, 200)) })),
				},
			}),
			may("files", fileKeys(&c.Files)),
			may("webhook", webhookKeys(&c.Webhook)),
			may("serve", serveKeys(&c.Serve)),
			may("alert", alertKeys(&c.Alert)),
			may("metrics_file", text(&c.MetricsFile, "file for Prometheus text, written after each run; empty means none", "", checkOptional(checkPath))),
			may("log_level", choice(&c.LogLevel, "least level that is logged; --log-level goes before it", "debug", "info", "warn", "error")),
			may("identity", identityKeys(&c.Identity)),
			need("destinations", list{
				doc:   "the archives that are written to",
				least: 1,
				add: func() (value, func()) {
					d := &chosen{Destination: destinationDefaults()}
					return destinationKeys(d), func() { c.chosen = append(c.chosen, d) }
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
			may("hosts", texts(&l.Hosts, "domains, with all below them, whose hosts may be sent the login when the look-up names them, besides liveperson.net",
				func(at *string) scalar {
					return text(at, "a domain", "", checkMatch(hostDomain, "must be a domain such as chat.example"))
				})),
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
			may("ca_file", text(&l.CAFile, "certificates to trust besides the system's, PEM: that of a proxy which inspects TLS", "", nil)),
			may("rollover", boolean(&l.Rollover, "also conversations of the rollover account")),
			may("expires", parsed(&l.Expires, "when the login stops working, to be told before; empty means not known", "", parseOptionalDate)),
		},
	}
}

func pollKeys(p *Poll) object {
	return object{
		doc: "how LivePerson is asked for news",
		fields: []field{
			may("schedule", text(&p.Schedule, "when serve begins a cycle: five fields of cron", "", checkSchedule)),
			may("time_zone", text(&p.TimeZone, "of the schedule, such as Europe/London", "", checkTimeZone)),
			may("since", parsed(&p.Since, "the first cycle takes what was updated since then: a duration or a date", "", parseSince)),
			may("overlap", duration(&p.Overlap, "how far each cycle looks back behind the one before", 20*time.Minute, 7*24*time.Hour)),
			may("reread", duration(&p.Reread, "shortest time between two looks at a quiet open conversation; 0s looks at all of them in every cycle", 0, 24*time.Hour)),
		},
	}
}

func fileKeys(f *Files) object {
	return object{
		doc: "the files that messages name: pictures, PDFs",
		fields: []field{
			may("fetch", boolean(&f.Fetch, "fetch them by LivePerson's Bulk File Download API and attach them; else they are only named")),
			may("max_bytes", size(&f.MaxBytes, "of one file; a larger one is on record as not fetched", 64<<10, 4<<30)),
			may("give_up", duration(&f.GiveUp, "for how long a file is looked for that LivePerson does not list; then it is on record as missing", 0, 366*24*time.Hour)),
			may("hosts", texts(&f.Hosts, "domains that links to files may lead to, with all below them, besides LivePerson's own",
				func(at *string) scalar {
					return text(at, "a domain", "", checkMatch(hostDomain, "must be a domain such as files.example"))
				})),
		},
	}
}

// hostName is what a URL names a host by.
var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

// hostDomain is a domain of at least two labels, in lower case.
var hostDomain = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

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
			[]field{
				may("signature", choice(&w.Signature, "the shape that signatures have; another one alarms", SignatureAny, "sha1-base64", "sha1-hex", "sha256-base64", "sha256-hex")),
				may("resolve_within", duration(&w.ResolveWithin, "how long it is tried to find out who sent an event; then it waits for history", 0, 24*time.Hour)),
				may("confirm_within", duration(&w.ConfirmWithin, "when history has to have what an event told; then status counts it", time.Minute, 366*24*time.Hour)),
				may("tls", tlsKeys(&w.TLS)),
			},
		),
	}
}

func tlsKeys(t *TLS) object {
	return object{
		doc: "certificate of the listener; needed but on a loopback address. Changed files are read again",
		fields: []field{
			may("cert_file", text(&t.CertFile, "certificate chain, PEM", "", checkOptional(checkPath))),
			may("key_file", text(&t.KeyFile, "its private key, PEM", "", checkOptional(checkPath))),
		},
	}
}

func serveKeys(s *Serve) object {
	return object{
		doc: "listener for metrics, health and the status page",
		fields: flatten(
			[]field{
				may("listen", text(&s.Listen, "host:port; empty means off", "", checkOptionalListen)),
				may("hosts", texts(&s.Hosts, "names that a proxy on this machine asks for the page by; without a password it answers to loopback names and these only",
					func(at *string) scalar {
						return text(at, "a host name", "", checkMatch(hostName, "must be a host name in lower case, without a port"))
					})),
				may("tls", tlsKeys(&s.TLS)),
				may("user", text(&s.User, "who may look", "", checkLine(1, 64))),
			},
			secret("password_hash", &s.PasswordHash, "bcrypt hash of the password; needed but on a loopback address"),
		),
	}
}

func alertKeys(a *Alert) object {
	return object{
		doc: "who serve tells when the archive needs a person",
		fields: flatten(
			[]field{
				may("command", texts(&a.Command, "program and arguments, which gets JSON on its standard input",
					func(at *string) scalar { return text(at, "the program, then an argument each", "", checkLine(0, 4096)) })),
			},
			secret("url", &a.URL, "where JSON is posted to"),
			[]field{
				may("lag", duration(&a.Lag, "how far capture may be behind; 0s: not told", 0, 366*24*time.Hour)),
				may("failing", duration(&a.Failing, "how long a destination may fail; 0s: not told", 0, 366*24*time.Hour)),
				may("silence", duration(&a.Silence, "how long no event may come; 0s: not told", 0, 366*24*time.Hour)),
				may("expiry", duration(&a.Expiry, "how long before a certificate or the login ends; 0s: not told", 0, 366*24*time.Hour)),
				may("repeat", duration(&a.Repeat, "what lasts is told again after that", time.Minute, 366*24*time.Hour)),
			},
		),
	}
}
