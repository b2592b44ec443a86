package mail

// Settings decide, together with the slice, every byte of a mail. They are
// frozen as JSON in the head of each bundle, so a field is never renamed.
type Settings struct {
	Destination string   `json:"destination"`       // a part of every Message-ID
	Domain      string   `json:"domain"`            // of every Message-ID
	Per         string   `json:"per"`               // PerConversation or PerMessage
	Date        string   `json:"date"`              // DateFirst or DateLast
	From        string   `json:"from"`              // FromInitiator, FromInternal or an addr-spec
	To          string   `json:"to"`                // ToOthers, ToAll or an addr-spec
	Internal    []string `json:"internal"`          // domains of the firm, lower case: who is internal
	Subject     string   `json:"subject"`           // a template
	Headers     []Header `json:"headers"`           // in this order, after the standard ones
	Zone        string   `json:"zone"`              // of the times in the bodies, an IANA name
	Offsets     []Offset `json:"offsets,omitempty"` // of Zone, by Frozen; none: UTC
	Journal     *Journal `json:"journal"`           // nil: not wrapped
	MaxBytes    int64    `json:"max_bytes"`         // of one mail as it is sent; 0: no limit. A slice that needs more is split in parts
}

// Header is one header field. Value is a template.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Journal is the outer mail of an Exchange envelope journal.
type Journal struct {
	From string `json:"from"` // of the outer mail
	To   string `json:"to"`   // of the outer mail
}

// What a mail holds.
const (
	PerConversation = "conversation" // a slice
	PerMessage      = "message"      // one message, threaded by References
)

// Which entry's time a mail bears as its Date.
const (
	DateFirst = "first"
	DateLast  = "last"
)

// Who is in From.
const (
	FromInitiator = "initiator" // who began: the sender of the first message
	FromInternal  = "internal"  // the first participant with an address in an internal domain, else the initiator
)

// Who is in To.
const (
	ToOthers = "others" // all participants but the one in From
	ToAll    = "all"    // all participants
)
