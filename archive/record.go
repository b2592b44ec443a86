// Package archive is what a compliance archive is given: the neutral record of
// a conversation, the formats it is written in, the bundle around it with its
// manifest, and the reading back of all that for proof.
//
// It knows nothing of LivePerson's wire format and nothing of the checkpoint.
// Formats are pure functions of a frozen slice: no clock, no network, no
// randomness. Each transport lives in a package of its own below this one.
package archive

// Kinds of happenings. What is not listed here is a message.
const (
	Started     = "started"
	Joined      = "joined"
	Left        = "left"
	Transferred = "transferred"
	Closed      = "closed"
	Reopened    = "reopened"
	Survey      = "survey"
	Summary     = "summary"
	Filed       = "file" // a file that a message refers to was fetched, or is not to be had
)

// Slice is the entries of one conversation that one destination has not been
// given before, with everything known of the conversation when it was cut.
// All times are epoch milliseconds in UTC; 0 means absent.
type Slice struct {
	Account      string
	Brand        string // the account that the source says the conversation belongs to, where it is not Slice.Account; else ""
	Conversation string
	Number       int // 1, 2, … per conversation and destination
	Revision     int // of the record the slice was cut from, from 1
	StartedAt    int64
	EndedAt      int64 // 0 while the conversation is open: null in JSON
	Status       string
	CloseReason  string
	Partial      bool // the source said that its own record is cut short
	Skill        Skill
	Skills       []Skill
	Participants []Participant
	Messages     []Message   // by (SentAt, Dialog, Sequence)
	Happened     []Happening // by (At, Name)
}

// Skill is a LivePerson skill as known at the cut. ID "" means unassigned.
type Skill struct {
	ID   string
	Name string
}

// Participant is one person, bot or system that took part.
// Role is consumer, agent, manager or system; Kind is human, bot, system or unknown.
type Participant struct {
	ID, Role, Name, Login, Email, Kind string

	// Address is under which an archive knows the participant, a valid addr-spec
	// of ASCII; "" where the destination wants none. AddressNote says why it is
	// not the Email, "" where it is or where there is none.
	Address, AddressNote string
}

// Message is one message. Its name inside a conversation is
// (Dialog, Sequence, Variant), or (Dialog, Derived) where the source gave no
// usable sequence.
type Message struct {
	Dialog   string
	Sequence int64  // meaningless when Derived is set: null in JSON
	Derived  string // lower-case hex, or ""
	Variant  int    // 0, or 2, 3, … for another message under the same name
	ID       string // the source's own id: kept, never a key
	SentAt   int64
	SentText string // when it was sent, as the source writes it, where that could not be read; else ""
	Sender   Participant
	Audience string // all or agents
	Assumed  bool   // the source did not say who the audience was: all is the usual one
	Type     string // as the source names it
	Text     string // valid UTF-8; what a person read
	Files    []File
	Content  []byte // valid JSON of what Text does not hold, or nil
	Received []byte // the source's own JSON of the message where Text, Files or Content have U+FFFD for what UTF-8 cannot hold; else nil
	Source   string // history or webhook
	Amends   int    // the revision this content replaces, or 0
	Late     bool   // older than something already given to the destination
}

// File is a file that a message refers to.
type File struct {
	Path, Type, Caption string
}

// Attachment is a file as it was fetched. Its bytes lie outside of the slice and
// are known by their hash. Without a hash there are none: the happening's Reason
// says why. With one, a Reason is what there is to know of the bytes: that it is
// doubtful whether they are the file.
type Attachment struct {
	Path   string // as the message's File has it; "" where the source does not tell of which message it is
	Name   string // under which it lies in or beside documents, as AttachmentName makes it; "" without a hash
	Type   string // media type, found in its bytes; "" without a hash
	Bytes  int64
	SHA256 string // lower-case hex, or ""
}

// Happening is what occurred besides messages. Name is
// "<kind>@<epoch ms>/<source id>" and is unique inside a conversation.
type Happening struct {
	Name        string
	Kind        string
	At          int64
	AtText      string // when it happened, as the source writes it, where that could not be read; else ""
	Dialog      string
	By          string // participant id, or ""
	Participant string // who joined or left: participant id, or ""
	Reason      string
	FromSkill   *Skill
	ToSkill     *Skill
	ToAgent     string
	Text        string
	Answers     []Answer
	Received    []byte      // the source's own JSON of it where Text or Answers have U+FFFD for what UTF-8 cannot hold; else nil
	File        *Attachment // of Filed
	Late        bool
}

// Answer is one question of a survey and what was answered.
type Answer struct {
	Question, Answer string
}
