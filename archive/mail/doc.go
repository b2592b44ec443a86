// Package mail writes slices as mails (RFC 5322, MIME), plain or wrapped as an
// Exchange envelope journal, and reads the slice out of such a mail again.
//
// # What a mail is
//
//	multipart/mixed
//	    multipart/alternative
//	        text/plain         stands alone: facts, participants, one entry a line
//	        text/html          the same for a reviewer's eye
//	    <sha256>.<extension>   each file that was fetched, byte for byte
//	    transcript.json        the slice's canonical JSON, byte for byte, with its "\n"
//
// Every byte of it is 7-bit, lines end with CRLF and have at most 76 characters,
// in headers more where one word is longer (998 at most), and none begins
// with "." or "From ".
//
// # Files
//
// Each file that a happening of the mail tells of is attached, in the order of the
// happenings, the same content once. Format does not see it: the document tells
// where somebody else puts it, and sizes count it. Both bodies say in the line of the
// happening which file it is and under which name it is attached, or that it is not
// available and why, and so does the line of the message that names its path: there,
// where the file is in another part of the slice, that it is. The media type is the
// file's where that is an image, a sound, a film or a document, and otherwise
// application/octet-stream: what somebody sent is never shown, run or unwrapped as if
// it were of the mail.
//
// # Parts
//
// A slice becomes several mails where Settings.MaxBytes or PerMessage ask for
// it. Each of these parts is a full mail: all facts, all participants, and a
// transcript.json that is the slice (same number, same participants) with the
// part's messages and happenings alone. Every message and every happening is in
// exactly one part, in the slice's order. Part 2 and later refer to part 1 as
// the mail they answer, part 1 of a later slice to that of slice 1.
//
// # What is shown in place of what cannot be
//
// transcript.json keeps every text as it is. Headers and bodies show control
// characters as their pictures (U+2400 to U+2421), and as [U+202E] what would
// be invisible and change how the rest of the line reads: C1 controls, line and
// paragraph separators, bidirectional embeddings, overrides and isolates, and
// the noncharacters U+FFFE and U+FFFF. A line break of a text (CR LF or LF) is a
// line break in the bodies, with a mark before the next line in text/plain. Tabs
// stay in texts. In headers each name or id is cut after 255 characters.
package mail
