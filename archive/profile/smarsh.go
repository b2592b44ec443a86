package profile

import (
	"lpexport/archive"
	"lpexport/archive/filedump"
	"lpexport/archive/mail"
)

// smarshPacking is as Smarsh's own capture product delivers over SFTP.
func smarshPacking() archive.Packing {
	p := loose()
	p.Manifest = archive.ManifestSmarsh
	p.Name = "{date}0000-LivePerson_{bundle}-{part}_{created}"
	return p
}

func smarshDigitalSafe() Profile {
	envelope := smtp("the address that Smarsh issues for the feed")
	envelope.Sender = "one fixed address that is registered with Smarsh for the feed"
	return Profile{
		Name:  "smarsh-digital-safe",
		Title: "Smarsh Digital Safe",
		Rendering: Rendering{
			Mail:    mails(mail.Settings{Headers: []mail.Header{{Name: "X-ZANTAZ-RECIP", Value: "{participants}"}}}),
			Packing: loose(),
		},
		Ways:       []Way{{Transport: "smtp", Layout: LayoutMails}},
		SMTP:       envelope,
		Cut:        "24h",
		Addresses:  true,
		Must:       []string{"mail.domain", "smtp.sender"},
		Confirm:    []string{"mail.headers.X-ZANTAZ-RECIP", "mail.from", "mail.to", "mail.max_bytes", "mail.date", "smtp.tls", "smtp.cert_file"},
		Arrival:    "SMTP 250 is handed over only; agree on a daily count and compare it with the manifests in the state",
		Confidence: Low,
		Sources: []string{
			"a public mail service of an idea-management exporter that writes X-ZANTAZ-RECIP",
			"public tools that read Zantaz headers",
			"https://www.webex.com/webexconnect/orgadmin/help (Digital Safe's sibling as an endpoint: STARTTLS required)",
		},
	}
}

func smarshEnterprise() Profile {
	return Profile{
		Name:      "smarsh-enterprise",
		Title:     "Smarsh Enterprise Archive",
		Rendering: Rendering{Mail: mails(mail.Settings{}), Packing: smarshPacking()},
		Other: &Rendering{
			FileDump: &filedump.Settings{
				File: "actiance_export.xml", TimeUnit: "ms", Order: "mattermost", Status: "Completed",
				Perspective: "LivePerson {skill}",
			},
			Packing: loose(),
		},
		Ways: []Way{
			{Transport: "smtp", Layout: LayoutMails},
			{Transport: "sftp", Layout: LayoutDrop, Zip: true},
			{Transport: "directory", Layout: LayoutDrop, Zip: true},
		},
		SMTP:      smtp("the read-only address that the Email Journal source generates"),
		Cut:       "24h",
		Addresses: true,
		Must:      []string{"mail.domain", "smtp.sender"},
		Confirm: []string{
			"mail.journal", "mail.max_bytes", "mail.date", "pack.manifest", "pack.name",
			"filedump.file", "filedump.time_unit", "filedump.order", "filedump.status", "filedump.base64", "filedump.perspective",
		},
		Arrival:    "SMTP 250, or the importer has taken the file, is handed over only; nothing more is public. Search the source's network for LivePerson",
		Confidence: Low,
		Sources: []string{
			"Smarsh Enterprise Archive help: Enterprise_Archive_Setup_for_Journaling, Generic_Capture",
			"https://docs.smarsh.com/docs/summarizing-fields-in-exported-eml-format",
			"mattermost/mattermost server/enterprise/message_export/actiance_export",
			"Microsoft Learn: Configure the Compliance service for Persistent Chat Server",
		},
	}
}

func smarshProfessional() Profile {
	return Profile{
		Name:      "smarsh-professional",
		Title:     "Smarsh Professional Archive",
		Rendering: Rendering{Mail: mails(mail.Settings{}), Packing: smarshPacking()},
		Ways: []Way{
			{Transport: "smtp", Layout: LayoutMails},
			{Transport: "sftp", Layout: LayoutDrop, Zip: true},
		},
		SMTP:       smtp("the address that Smarsh issues for you"),
		Cut:        "24h",
		Addresses:  true,
		Must:       []string{"mail.domain", "smtp.sender"},
		Confirm:    []string{"mail.max_bytes", "mail.zone", "mail.date", "smtp.tls", "pack.manifest", "pack.name"},
		Arrival:    "SMTP 250 is handed over only; search the portal",
		Confidence: Low,
		Sources: []string{
			"RocketChat/Rocket.Chat apps/meteor/app/smarsh-connector",
			"https://support.zoom.com KB0062360",
			"https://docs.smarsh.com/docs/summarizing-fields-in-exported-eml-format",
			"https://support.nuclei.ai/hc/en-us/articles/1500012463581-Compliance-Archiving-for-LivePerson",
		},
	}
}
