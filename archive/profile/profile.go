// Package profile is the table of the archives that lpexport delivers to: what
// each product wants, as data. The rest of the program knows no archive by name.
//
// A key that is named here is one of a destination in the configuration, such as
// "mail.domain". What a vendor does not publish is such a key with a default
// (Confirm), never a constant.
package profile

import (
	"time"

	"lpexport/archive"
	"lpexport/archive/filedump"
	"lpexport/archive/mail"
)

// Profile is what one archive product wants.
type Profile struct {
	Name      string // the value of the key `archive`: lower case, digits, "-"
	Title     string // the product's name
	Rendering Rendering

	// Other is what the archive takes as well, in another format. A destination
	// asks for it by the block of that format, such as `filedump`. nil: nothing.
	Other *Rendering

	Ways       []Way         // that are allowed; the first is the recommended one
	SMTP       *SMTP         // where a way is smtp
	Cut        string        // default of the key `cut`
	MaxAge     time.Duration // an item older than this is not taken, but on a way with Older; 0: no limit
	OlderGo    string        // with MaxAge: the way that older ones go
	Addresses  bool          // participants need addresses: the block identity is needed
	Must       []string      // keys that have no default and must not be empty, where their format or transport is used
	Confirm    []string      // keys whose default the vendor does not publish: to be agreed with them
	Arrival    string        // what counts as acknowledgement, and what does not
	Confidence string        // High, Medium or Low
	Sources    []string      // where this is known from: URLs or titles
}

// How sure a row is.
const (
	High   = "high"   // the vendor documents it
	Medium = "medium" // others do it, or the vendor documents a part
	Low    = "low"    // inferred, or seen once
)

// Way is a transport and a layout.
type Way struct {
	Transport string // directory, sftp, smtp or s3
	Layout    string // LayoutBundle or LayoutDrop; LayoutMails of smtp
	Zip       bool   // default of pack.zip
	Older     bool   // MaxAge does not hold here: this is where older ones go
}

// Layouts.
const (
	LayoutBundle = "bundle" // folders with a manifest
	LayoutDrop   = "drop"   // a flat folder that an importer empties
	LayoutMails  = "mails"  // one mail after the other
)

// SMTP is what an archive wants of the connection and of the envelope.
type SMTP struct {
	TLS           string // default of smtp.tls
	PerConnection int    // default of smtp.per_connection
	Sender        string // what smtp.sender has to be, for people
	Recipient     string // what smtp.recipient has to be, for people; never a participant
}

// Rendering decides the bytes of a destination's files. It is frozen as JSON in
// the head of each bundle, so a field is never renamed. Exactly one of Mail and
// FileDump is set, or neither: JSONL.
type Rendering struct {
	Mail     *mail.Settings     `json:"mail,omitempty"`
	FileDump *filedump.Settings `json:"filedump,omitempty"`
	Packing  archive.Packing    `json:"packing"`
}

// Formats, by the block of the configuration that belongs to them.
const (
	FormatJSONL    = "jsonl" // has no block
	FormatMail     = "mail"
	FormatFileDump = "filedump"
)

// Format returns the name of the rendering's format.
func (r Rendering) Format() string {
	switch {
	case r.Mail != nil:
		return FormatMail
	case r.FileDump != nil:
		return FormatFileDump
	}
	return FormatJSONL
}
