package mail

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strconv"
)

// ID is what makes a mail the one it is. The same ID is the same mail, so that
// an archive may keep one of two copies; two that differ in anything have
// different Message-IDs.
type ID struct {
	Domain      string // a domain that belongs to whoever sends
	Destination string
	Account     string
	Slice       int
	Part        int // from 1
	// Conversation may be any text: one that cannot stand in a Message-ID is
	// hashed.
	Conversation string
}

// MessageID returns the mail's Message-ID with its angle brackets:
//
//	<conversation.slice.part.hash@domain>
//
// or <x.hash@domain> where the conversation's id is not made of letters, digits,
// "-" and "_" or is long. The short hash tells accounts and destinations apart.
// What stands before the "@" has at most 64 octets.
func (id ID) MessageID() string { return string(id.appendMessageID(nil, "")) }

// JournalMessageID returns the Message-ID of the outer mail of a journal. It has
// one atom more than any MessageID.
func (id ID) JournalMessageID() string { return string(id.appendMessageID(nil, journalPrefix)) }

const journalPrefix = "j."

// shortHash is how many characters of 5 bits tell accounts and destinations of
// one firm apart. A conversation's id comes from outside: it is there in full,
// or hashed in full.
const shortHash = 20

func (id ID) appendMessageID(dst []byte, prefix string) []byte {
	var room [2 * maxLocal]byte
	local := append(room[:0], prefix...)
	if len(id.Conversation) <= maxLocal && isReadable(id.Conversation) {
		local = append(append(local, id.Conversation...), '.')
		local = append(strconv.AppendInt(local, int64(id.Slice), 10), '.')
		local = append(strconv.AppendInt(local, int64(id.Part), 10), '.')
	}
	hash := id.hash()
	if n := len(local); n > len(prefix) && n+shortHash <= maxLocal {
		local = append(local, hash[:shortHash]...)
	} else {
		local = append(append(local[:len(prefix)], "x."...), hash[:]...)
	}
	dst = append(append(dst, '<'), local...)
	dst = append(append(dst, '@'), id.Domain...)
	return append(dst, '>')
}

func isReadable(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && !isDigit(c) && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}

var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// hash returns 52 characters that stand for everything but the domain.
func (id ID) hash() (text [52]byte) {
	var room [256]byte
	b := room[:0]
	for _, s := range [...]string{id.Account, id.Conversation, id.Destination} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	b = binary.AppendVarint(b, int64(id.Slice))
	sum := sha256.Sum256(binary.AppendVarint(b, int64(id.Part)))
	lowerBase32.Encode(text[:], sum[:])
	return text
}
