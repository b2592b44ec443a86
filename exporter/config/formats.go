package config

import (
	"errors"
	"fmt"
	"strings"
	_ "time/tzdata" // zones are there on every machine

	"lpexport/archive"
	"lpexport/archive/filedump"
	"lpexport/archive/mail"
	"lpexport/exporter/identity"
)

// The keys of this file stand in for what the archive's profile says. Each is
// nil while the destination says nothing.

type mailKeys struct {
	domain, per, date, from, to, subject, zone *string
	maxBytes                                   *int64
	headers                                    []mail.Header
	journal                                    *mail.Journal
}

func (k *mailKeys) keys() object {
	return object{
		doc: "how mails are made, for an archive that takes them; the archive's profile has the defaults",
		fields: []field{
			may("domain", given(&k.domain, func(at *string) scalar {
				return canonical(at, "domain of every Message-ID, one of your own", identity.ParseDomain)
			})),
			may("per", given(&k.per, func(at *string) scalar {
				return choice(at, "what one mail holds", mail.PerConversation, mail.PerMessage)
			})),
			may("date", given(&k.date, func(at *string) scalar {
				return choice(at, "whose time a mail bears as its Date: the first entry's or the last one's", mail.DateFirst, mail.DateLast)
			})),
			may("from", given(&k.from, func(at *string) scalar {
				return canonical(at, "who is in From: initiator (who began), internal (the first of the firm) or an address", wordOrAddress(mail.FromInitiator, mail.FromInternal))
			})),
			may("to", given(&k.to, func(at *string) scalar {
				return canonical(at, "who is in To: others (all but the one in From), all or an address", wordOrAddress(mail.ToOthers, mail.ToAll))
			})),
			may("subject", given(&k.subject, func(at *string) scalar {
				return text(at, "the subject, a template", "", mail.CheckTemplate)
			})),
			may("headers", mapping{
				doc:   "more header fields by name, each value a template; an empty one leaves the archive's own out",
				names: headerName.String(), check: checkHeader, fold: strings.ToLower,
				add: func(name string) (value, func()) {
					h := mail.Header{Name: name}
					row := text(&h.Value, "value of the field, a template", "", mail.CheckTemplate)
					return row, func() { k.headers = append(k.headers, h) }
				},
			}),
			may("zone", given(&k.zone, func(at *string) scalar {
				return text(at, "zone of the times in the bodies, such as UTC or Europe/Berlin", "", nil)
			})),
			may("journal", lazy(func() object {
				k.journal = new(mail.Journal)
				return object{
					doc: "wrap each mail as an Exchange envelope journal does",
					fields: []field{
						need("from", canonical(&k.journal.From, "From of the outer mail", identity.ParseAddress)),
						need("to", canonical(&k.journal.To, "To of the outer mail", identity.ParseAddress)),
					},
				}
			})),
			may("max_bytes", given(&k.maxBytes, func(at *int64) scalar {
				return size(at, "size of one mail as it is sent; what needs more is split", 64<<10, 1<<30)
			})),
		},
	}
}

// over gives the settings with what was said in place of the defaults.
func (k *mailKeys) over(s mail.Settings, headers func(own []mail.Header) []mail.Header) *mail.Settings {
	set(&s.Domain, k.domain)
	set(&s.Per, k.per)
	set(&s.Date, k.date)
	set(&s.From, k.from)
	set(&s.To, k.to)
	set(&s.Subject, k.subject)
	set(&s.Zone, k.zone)
	set(&s.MaxBytes, k.maxBytes)
	s.Headers = headers(k.headers)
	if k.journal != nil {
		s.Journal = k.journal
	}
	return &s
}

type filedumpKeys struct {
	file, timeUnit, order, status, perspective, separator, system *string
	base64                                                        *bool
}

func (k *filedumpKeys) keys() object {
	return object{
		doc: "dialect of FileDump XML, for an archive that takes it; the archive's profile has the defaults",
		fields: []field{
			may("file", given(&k.file, func(at *string) scalar {
				return text(at, "name of the XML file", "", nil)
			})),
			may("time_unit", given(&k.timeUnit, func(at *string) scalar { return choice(at, "unit of its times", "ms", "s") })),
			may("order", given(&k.order, func(at *string) scalar {
				return choice(at, "whose order of elements", "mattermost", "microsoft", "vendor")
			})),
			may("status", given(&k.status, func(at *string) scalar {
				return choice(at, "status of finished file transfers; that of failed ones follows its case", "Completed", "completed")
			})),
			may("base64", given(&k.base64, func(at *bool) scalar { return boolean(at, "Base64Content beside Content") })),
			may("perspective", given(&k.perspective, func(at *string) scalar {
				return text(at, "what is written as Perspective: {account}, {conversation}, {slice}, {skill} and {skill_id} are filled in", "", nil)
			})),
			may("separator", given(&k.separator, func(at *string) scalar { return choice(at, "in paths of files that are not delivered", "/", `\`) })),
			may("system", given(&k.system, func(at *string) scalar {
				return text(at, "LoginName of what the system notes", "", checkLine(1, 254))
			})),
		},
	}
}

func (k *filedumpKeys) over(s filedump.Settings) *filedump.Settings {
	set(&s.File, k.file)
	set(&s.TimeUnit, k.timeUnit)
	set(&s.Order, k.order)
	set(&s.Status, k.status)
	set(&s.Base64, k.base64)
	set(&s.Perspective, k.perspective)
	set(&s.Separator, k.separator)
	set(&s.System, k.system)
	return &s
}

type packKeys struct {
	zip            *bool
	maxCount       *int
	maxBytes       *int64
	manifest, name *string
}

func (k *packKeys) keys() object {
	return object{
		doc: "how mails or XML become files; the archive's profile has the defaults",
		fields: []field{
			may("zip", given(&k.zip, func(at *bool) scalar { return boolean(at, "in zip files, not loose") })),
			may("max_count", given(&k.maxCount, func(at *int) scalar {
				return whole(at, "documents in one zip at most; 0 means no limit", 0, 1_000_000)
			})),
			may("max_bytes", given(&k.maxBytes, func(at *int64) scalar {
				return size(at, "bytes of one zip at most, before encryption; 0B means no limit", 0, 4<<30)
			})),
			may("manifest", given(&k.manifest, func(at *string) scalar {
				return choice(at, "what the intake reads beside each zip", archive.ManifestNone, archive.ManifestSmarsh)
			})),
			may("name", given(&k.name, func(at *string) scalar {
				return text(at, "name of a zip without .zip: {bundle}, {destination}, {serial}, {part}, {date} and {created} are filled in", "", archive.CheckZipName)
			})),
		},
	}
}

func (k *packKeys) over(p archive.Packing) archive.Packing {
	set(&p.Zip, k.zip)
	set(&p.MaxCount, k.maxCount)
	set(&p.MaxBytes, k.maxBytes)
	set(&p.Manifest, k.manifest)
	set(&p.Name, k.name)
	return p
}

// set takes over what was said.
func set[T any](at, said *T) {
	if said != nil {
		*at = *said
	}
}

func wordOrAddress(words ...string) func(string) (string, error) {
	return func(text string) (string, error) {
		for _, word := range words {
			if text == word {
				return word, nil
			}
		}
		address, err := identity.ParseAddress(text)
		if err != nil {
			return "", fmt.Errorf("must be %s or an address such as name@firm.example", strings.Join(words, ", "))
		}
		return address, nil
	}
}

// checkHeader leaves the subject to its own key.
func checkHeader(name string) error {
	if strings.EqualFold(name, "Subject") {
		return errors.New("is what mail.subject is for")
	}
	return mail.CheckHeader(name)
}
