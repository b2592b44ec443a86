package profile

import (
	"time"

	"lpexport/archive"
	"lpexport/archive/mail"
)

func generic() Profile {
	return Profile{
		Name:       "generic",
		Title:      "JSON Lines with a manifest",
		Rendering:  Rendering{Packing: archive.Packing{Manifest: archive.ManifestNone}},
		Ways:       []Way{{Transport: "directory", Layout: LayoutBundle}, {Transport: "sftp", Layout: LayoutBundle}, {Transport: "s3", Layout: LayoutBundle}},
		Cut:        "immediately",
		Arrival:    "the bundle can be read back: lpexport verify",
		Confidence: High,
		Sources:    []string{"the manual of lpexport"},
	}
}

func acaComplianceAlpha() Profile {
	return Profile{
		Name:      "aca-compliancealpha",
		Title:     "ACA ComplianceAlpha",
		Rendering: Rendering{Mail: mails(mail.Settings{}), Packing: smarshPacking()},
		Ways: []Way{
			{Transport: "smtp", Layout: LayoutMails},
			{Transport: "sftp", Layout: LayoutDrop, Zip: true},
			{Transport: "directory", Layout: LayoutDrop, Zip: true},
		},
		SMTP:       smtp("the address that ACA issues for your tenant"),
		Cut:        "24h",
		Addresses:  true,
		Must:       []string{"mail.domain", "smtp.sender"},
		Confirm:    []string{"mail.date", "mail.max_bytes", "mail.zone", "pack.zip", "pack.manifest", "pack.name", "pgp.keys"},
		Arrival:    "SMTP 250, or the importer has taken the file, is handed over only; ask ACA for a report of rejected items. It reviews and is no book of record: keep a second destination",
		Confidence: Low,
		Sources: []string{
			"https://acaglobal.com/insights/evolution-communications-surveillance",
			"https://support.nuclei.ai/hc/en-us/articles/1500012463581-Compliance-Archiving-for-LivePerson",
		},
	}
}

func dellSourceOne() Profile {
	return Profile{
		Name:      "dell-sourceone",
		Title:     "Dell EMC SourceOne",
		Rendering: Rendering{Mail: mails(mail.Settings{To: mail.ToAll}), Packing: loose()},
		Ways: []Way{
			{Transport: "directory", Layout: LayoutDrop},
			{Transport: "sftp", Layout: LayoutDrop},
			{Transport: "smtp", Layout: LayoutMails},
		},
		SMTP:       smtp("an address of the SMTP service whose Drop folder SourceOne reads"),
		Cut:        "24h",
		Addresses:  true,
		Must:       []string{"mail.domain", "smtp.sender"},
		Confirm:    []string{"mail.date", "mail.max_bytes", "stays_at_most"},
		Arrival:    "the file has gone from the drop folder: picked up, which is handed over only; one that stays is reported after stays_at_most",
		Confidence: Medium,
		Sources: []string{
			"https://ftpdocs.broadcom.com/cadocs/0/CA%20DataMinder%2014%206-ENU/Bookshelf_Files/HTML/idocs/1546297.html",
			"https://pdffox.com/emc-sourceone-email-management-72-administration-guide-pdf-free.html",
			"https://support.quest.com/fr-fr/archive-shuttle/kb/4292796",
		},
	}
}

func enterpriseVault() Profile {
	return Profile{
		Name:  "enterprise-vault",
		Title: "Veritas Enterprise Vault",
		Rendering: Rendering{
			Mail: mails(mail.Settings{Headers: []mail.Header{
				{Name: "X-Kvs-MessageType", Value: "LivePerson"},
				{Name: "X-Kvs-ArchiveId", Value: ""}, // not written until a destination sets it
			}}),
			Packing: loose(),
		},
		Ways: []Way{
			{Transport: "smtp", Layout: LayoutMails},
			{Transport: "directory", Layout: LayoutDrop},
			{Transport: "sftp", Layout: LayoutDrop},
			{Transport: "s3", Layout: LayoutBundle},
		},
		SMTP:       smtp("the routing address of an SMTP Journaling target, used for nothing else"),
		Cut:        "24h",
		Addresses:  true,
		Must:       []string{"mail.domain", "smtp.sender"},
		Confirm:    []string{"mail.headers.X-Kvs-MessageType", "mail.headers.X-Kvs-ArchiveId", "mail.max_bytes", "mail.date"},
		Arrival:    "SMTP 250 is handed over only: a task other than SMTP Journaling deletes in silence a mail without an eligible participant. Message tracking, the Failed folder and Capture's reconciliation report tell",
		Confidence: High,
		Sources: []string{
			"https://www.veritas.com/content/support/en_US/doc/14499692-127956917-0/v129913136-127956917",
			"https://veritas.com/support/en_US/doc/14499692-137762362-0/v100711427-137762362",
			"https://veritas.com/support/en_US/doc/14499692-151278019-0/v101327648-151278019",
			"https://www.veritas.com/content/support/en_US/doc/14499692-127956917-0/v100711368-127956917",
			"https://supportenterprisevault.cloud.com/external/article/100063797/how-to-create-a-custom-xheader-in-merge1.html",
			"https://veritas.com/support/en_US/doc/122162715-122162719-0/v16011228-122162719",
		},
	}
}

func globalRelay() Profile {
	envelope := smtp("the account's SMTP address, as Global Relay issues it with a user name and a password")
	envelope.PerConnection = 399 // the far side expects a new connection after 400
	return Profile{
		Name:  "global-relay",
		Title: "Global Relay Archive",
		Rendering: Rendering{
			Mail: mails(mail.Settings{
				Date: mail.DateLast, To: mail.ToAll, MaxBytes: 200 * MB,
				Headers: []mail.Header{
					{Name: "X-GlobalRelay-MsgType", Value: ""}, // Must: agreed with Global Relay
					{Name: "Precedence", Value: "bulk"},
				},
			}),
			Packing: loose(),
		},
		Ways: []Way{
			{Transport: "smtp", Layout: LayoutMails},
			{Transport: "sftp", Layout: LayoutDrop, Zip: true},
		},
		SMTP:       envelope,
		Cut:        "24h",
		Addresses:  true,
		Must:       []string{"mail.domain", "mail.headers.X-GlobalRelay-MsgType", "smtp.sender"},
		Confirm:    []string{"mail.to", "mail.date", "mail.max_bytes", "smtp.port", "smtp.username", "smtp.per_connection"},
		Arrival:    "SMTP 250 is handed over only; nothing more comes back on this way. Count in the archive's search",
		Confidence: Medium,
		Sources: []string{
			"mattermost/mattermost server/enterprise/message_export/global_relay_export",
			"mattermost/docs source/administration-guide/comply/compliance-export.rst",
			"https://www.globalrelay.com/services/archive/email",
			"https://developers.globalrelay.com/api/conversation-archiving-api",
		},
	}
}

func microsoftPurview() Profile {
	return Profile{
		Name:  "microsoft-purview",
		Title: "Microsoft Purview",
		Rendering: Rendering{
			Mail: mails(mail.Settings{
				From: mail.FromInternal, MaxBytes: 10 * MB,
				Headers: []mail.Header{{Name: "X-LivePerson-Message-Class", Value: "IPM.NOTE.LivePerson.Chat"}},
			}),
			Packing: loose(),
		},
		Ways: []Way{
			{Transport: "directory", Layout: LayoutBundle},
			{Transport: "sftp", Layout: LayoutBundle},
			{Transport: "s3", Layout: LayoutBundle},
			{Transport: "directory", Layout: LayoutDrop},
			{Transport: "sftp", Layout: LayoutDrop},
		},
		Cut:        "24h",
		Addresses:  true,
		Must:       []string{"mail.domain"},
		Confirm:    []string{"layout", "mail.max_bytes", "mail.headers.X-LivePerson-Message-Class", "mail.date", "pack.zip"},
		Arrival:    "the import log of the partner that reads the folder, and the status of its connector in Purview; a file in the folder is handed over to the partner only",
		Confidence: Medium,
		Sources: []string{
			"Microsoft Learn: archive-17a-4-liveperson-data",
			"Microsoft Learn: archive-eml-data",
			"Microsoft Learn: archive-partner-third-party-data",
			"Microsoft Learn: use-network-upload-to-import-pst-files",
			"https://learn.microsoft.com/exchange/security-and-compliance/journaling/configure-journaling",
		},
	}
}

func mimecast() Profile {
	return Profile{
		Name:      "mimecast",
		Title:     "Mimecast Cloud Archive",
		Rendering: Rendering{Mail: mails(mail.Settings{Date: mail.DateLast}), Packing: loose()},
		Ways: []Way{
			{Transport: "smtp", Layout: LayoutMails},
			{Transport: "sftp", Layout: LayoutBundle, Zip: true, Older: true},
			{Transport: "directory", Layout: LayoutBundle, Zip: true, Older: true},
		},
		SMTP:       smtp("the journal connector's address, by default journaling@journal.<your primary domain>"),
		Cut:        "24h",
		MaxAge:     30 * 24 * time.Hour,
		OlderGo:    "a legacy data import: a second destination with this archive and the transport sftp or directory writes zipped mails for a project that Mimecast opens",
		Addresses:  true,
		Must:       []string{"mail.domain", "smtp.sender"},
		Confirm:    []string{"mail.journal", "mail.max_bytes", "mail.date", "max_age", "pack.max_bytes"},
		Arrival:    "SMTP 250 is handed over only: an item dated more than 30 days back is then dropped in silence. Of imports, the project's reports",
		Confidence: High,
		Sources: []string{
			"https://community.mimecast.com DOC-2413, DOC-1468, DOC-2106 (journaling)",
			"mimecastsupport 34000786422035 (extraction failures)",
			"https://community.mimecast.com DOC-1149, DOC-1146, DOC-1172 (legacy data import)",
			"mimecastsupport 34000631481363",
		},
	}
}

func proofpoint() Profile {
	envelope := smtp("the ingestion address that Proofpoint issues for your tenant")
	envelope.Sender = "the undeliverable journal address: on your own domain, read by somebody, its own mail not archived"
	return Profile{
		Name:       "proofpoint",
		Title:      "Proofpoint Enterprise Archive",
		Rendering:  Rendering{Mail: mails(mail.Settings{}), Packing: loose()},
		Ways:       []Way{{Transport: "smtp", Layout: LayoutMails}},
		SMTP:       envelope,
		Cut:        "24h",
		Addresses:  true,
		Must:       []string{"mail.domain", "smtp.sender"},
		Confirm:    []string{"mail.journal", "mail.max_bytes", "mail.per", "mail.date"},
		Arrival:    "SMTP 250 is handed over only; refusals come to the undeliverable journal address. Proofpoint Track, or a search, says that it is there",
		Confidence: Medium,
		Sources: []string{
			"https://www.proofpoint.com/us/legal/trust/archive",
			"https://github.com/mattermost/docs/pull/6886",
			"https://help.proofpoint.com/Proofpoint_Essentials/Email_Security/Administrator_Topics/150_emailarchive/Managing_Connections",
			"https://www.proofpoint.com/uk/blog/compliance-and-archiving/proofpoint-releases-compliance-gateway-version-2-16",
		},
	}
}

func zlUnified() Profile {
	return Profile{
		Name:      "zl-unified",
		Title:     "ZL Unified Archive",
		Rendering: Rendering{Mail: mails(mail.Settings{}), Packing: loose()},
		Ways: []Way{
			{Transport: "smtp", Layout: LayoutMails},
			{Transport: "directory", Layout: LayoutDrop},
			{Transport: "sftp", Layout: LayoutDrop},
		},
		SMTP:       smtp("an address of ZL's SMTP journal receiver, used for nothing else"),
		Cut:        "24h",
		Addresses:  true,
		Must:       []string{"mail.domain", "smtp.sender"},
		Confirm:    []string{"mail.journal", "mail.max_bytes", "mail.date", "stays_at_most"},
		Arrival:    "SMTP 250, or the importer has taken the file, is handed over only; ask for an import report",
		Confidence: Low,
		Sources: []string{
			"https://support.nuclei.ai/hc/en-us/articles/1500012463581-Compliance-Archiving-for-LivePerson",
			"http://wallstreetandtech.com/compliance/from-the-sia-show-proactive-surveillance-of-e-mail-content/d/d-id/1256546.html",
		},
	}
}
