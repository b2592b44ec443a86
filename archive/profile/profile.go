// Package profile is the table of the archives that lpexport delivers to: what
// each product wants, as data. The rest of the program knows no archive by name.
package profile

import (
	"time"

	"lpexport/archive"
	"lpexport/archive/filedump"
	"lpexport/archive/mail"
)

// Profile is what one archive product wants.
type Profile struct {
	Name       string // the value of the key `archive`: lower case, digits, "-"
	Title      string // the product's name
	Rendering  Rendering
	Ways       []Way         // that are allowed; the first is the recommended one
	Cut        string        // default of the key `cut`
	MaxAge     time.Duration // an item older than this is not taken; 0: no limit
	OlderGo    string        // with MaxAge: the way that older ones go
	Addresses  bool          // participants need addresses: the block identity is needed
	Must       []string      // keys of the destination that have no default and must be given: "mail.domain"
	Arrival    string        // what counts as acknowledgement, and what does not
	Confidence string        // high, medium or low
	Sources    []string      // where this is known from: URLs or titles
}

// Way is a transport and a layout.
type Way struct {
	Transport string // directory, sftp, smtp or s3
	Layout    string // LayoutBundle or LayoutDrop; LayoutMails of smtp
}

// Layouts.
const (
	LayoutBundle = "bundle" // folders with a manifest
	LayoutDrop   = "drop"   // a flat folder that an importer empties
	LayoutMails  = "mails"  // one mail after the other
)

// Rendering decides the bytes of a destination's files. It is frozen as JSON in
// the head of each bundle, so a field is never renamed. Exactly one of Mail and
// FileDump is set, or neither: JSONL.
type Rendering struct {
	Mail     *mail.Settings     `json:"mail,omitempty"`
	FileDump *filedump.Settings `json:"filedump,omitempty"`
	Packing  archive.Packing    `json:"packing"`
}
