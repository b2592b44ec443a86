package profile

import (
	"lpexport/archive"
	"lpexport/archive/mail"
)

// All returns every archive that is known: generic first, the others by name.
// The caller may change what it is given.
func All() []Profile {
	return []Profile{
		generic(),
		acaComplianceAlpha(),
		dellSourceOne(),
		enterpriseVault(),
		globalRelay(),
		microsoftPurview(),
		mimecast(),
		proofpoint(),
		smarshDigitalSafe(),
		smarshEnterprise(),
		smarshProfessional(),
		zlUnified(),
	}
}

// Find returns the archive of that name.
func Find(name string) (Profile, bool) {
	for _, p := range All() {
		if p.Name == name {
			return p, true
		}
	}
	return Profile{}, false
}

// DefaultSubject is the default of mail.subject.
const DefaultSubject = "LivePerson conversation {conversation} - {skill} - {started_at}"

// MB is how vendors count.
const MB = 1_000_000

// mails returns s with the defaults that hold where a row says nothing.
func mails(s mail.Settings) *mail.Settings {
	s.Per, s.Subject, s.Zone = mail.PerConversation, DefaultSubject, "UTC"
	if s.Date == "" {
		s.Date = mail.DateFirst
	}
	if s.From == "" {
		s.From = mail.FromInitiator
	}
	if s.To == "" {
		s.To = mail.ToOthers
	}
	if s.MaxBytes == 0 {
		s.MaxBytes = 25 * MB
	}
	return &s
}

// loose is the packing where the archive names none; its limits hold for a
// destination that sets pack.zip.
func loose() archive.Packing {
	return archive.Packing{MaxCount: 1000, MaxBytes: 100 * MB, Manifest: archive.ManifestNone}
}

// smtp returns the policy that holds where a row says nothing of the envelope.
func smtp(recipient string) *SMTP {
	return &SMTP{
		TLS:           "starttls",
		PerConnection: 100,
		Sender:        "a mailbox of your own that somebody reads: a mail that could not be delivered is reported there, and often nowhere else",
		Recipient:     recipient,
	}
}
