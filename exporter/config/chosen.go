package config

import "time"

// chosen is a destination while it is read: beside its own values it has what
// may stand in for the defaults of its archive, nil where the file says nothing.
type chosen struct {
	Destination
	layout   *string
	cut      *Cut
	maxAge   *time.Duration
	maxWait  *time.Duration
	mail     *mailKeys
	filedump *filedumpKeys
	pack     *packKeys
	smtp     *smtpKeys
}

func destinationKeys(t *chosen) object {
	return object{
		doc: "one archive that is written to, with exactly one transport",
		fields: []field{
			need("name", text(&t.Name, "identity of the destination; never reused for another archive",
				destinationPattern.String(), checkMatch(destinationPattern, destinationMust))),
			may("renamed_from", text(&t.RenamedFrom, "its name before; empty means none", "", checkOptional(checkMatch(destinationPattern, destinationMust)))),
			need("archive", choice(&t.Archive, "what the archive wants", Archives()...)),
			may("cut", given(&t.cut, func(at *Cut) scalar {
				return parsed(at, "when a conversation is due: immediately; a duration such as 24h (closed, or open with entries older than that); closed (closed, or 7d). Absent: immediately for generic, 24h for the others", "", parseCut)
			})),
			may("from", parsed(&t.From, "what a destination added later is given: all, new, or what was sent since a date", "", parseFrom)),
			may("private_messages", choice(&t.PrivateMessages, "messages for agents and managers only: deliver; or withhold, with those whose audience nobody has stated yet", PrivateDeliver, PrivateWithhold)),
			may("bundle", bundleKeys(t)),
			may("layout", given(&t.layout, func(at *string) scalar {
				return choice(at, "bundle: folders with a manifest; drop: a flat folder that an importer empties. Absent: what suits the archive", "bundle", "drop")
			})),
			may("stays_at_most", duration(&t.StaysAtMost, "in layout drop: a file that lies there longer is reported", time.Minute, 366*24*time.Hour)),
			may("max_age", given(&t.maxAge, func(at *time.Duration) scalar {
				return duration(at, "what is older is not sent but waits for a person; 0s means no limit. Absent: what the archive says", 0, maxDuration)
			})),
			may("mail", lazy(func() object { t.mail = new(mailKeys); return t.mail.keys() })),
			may("filedump", lazy(func() object { t.filedump = new(filedumpKeys); return t.filedump.keys() })),
			may("pack", lazy(func() object { t.pack = new(packKeys); return t.pack.keys() })),
			may("pgp", object{
				doc: "encryption of the files",
				fields: []field{
					need("keys", list{doc: "files of OpenPGP public keys: who may read", least: 1, add: texts(&t.PGPKeys, "",
						func(at *string) scalar { return text(at, "a file", "", checkPath) }).add}),
				},
			}),
			transport("directory", func() object { t.Directory = new(Directory); return t.Directory.keys() }),
			transport("sftp", func() object { t.SFTP = newSFTP(); return t.SFTP.keys() }),
			transport("smtp", func() object {
				t.smtp = newSMTP()
				t.SMTP = &t.smtp.SMTP
				return t.smtp.keys()
			}),
			transport("s3", func() object { t.S3 = newS3(); return t.S3.keys() }),
		},
	}
}

const destinationMust = "must be 1 to 63 characters of a-z, 0-9 and -, the first not -"

func bundleKeys(t *chosen) object {
	b := &t.Bundle
	return object{
		doc: "bounds of one bundle",
		fields: []field{
			may("max_conversations", whole(&b.MaxConversations, "conversations at most", 1, 10_000)),
			may("max_bytes", size(&b.MaxBytes, "rendered bytes, reached at most by one slice too many", 64<<10, 4<<30)),
			may("max_wait", given(&t.maxWait, func(at *time.Duration) scalar {
				return duration(at, "how long the first due conversation waits for a fuller bundle while more comes. Absent: 1m; for real-time events into a folder of this machine 1s", 0, time.Hour)
			})),
		},
	}
}

// transport names the one transport, "" when there is none or more than one.
func (t *chosen) transport() string {
	name := ""
	for _, each := range []struct {
		name string
		set  bool
	}{{"directory", t.Directory != nil}, {"sftp", t.SFTP != nil}, {"smtp", t.SMTP != nil}, {"s3", t.S3 != nil}} {
		switch {
		case each.set && name != "":
			return ""
		case each.set:
			name = each.name
		}
	}
	return name
}
