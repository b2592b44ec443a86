// Package filedump writes slices as FileDump XML, also known as Actiance XML
// and before that as the FaceTime import format, and reads it again.
//
// No schema is public. What is written follows the vendor's import example, the
// XSLT that Microsoft published for Persistent Chat, and what Mattermost sends;
// where the three differ, Settings choose. An element that a dialect does not
// know is not written in it.
//
// # One Conversation per slice
//
//	RoomID              the conversation's id
//	StartTimeUTC        of the first entry; in slice 1 the conversation's start
//	ParticipantEntered  for everybody, sorted by time and LoginName
//	Message             in order of time, each with its file transfers behind it
//	ParticipantLeft     for everybody, sorted by time and LoginName
//	EndTimeUTC          of the last entry
//
// An importer has no memory of earlier slices. So everybody who is known of the
// conversation enters and leaves in each: when he really joined or left, if that
// happened in this slice, else at its start and its end.
//
// LoginName is the participant's address, or his login, or his id. InternalFlag
// is never true of a consumer; of others it follows the domain of the address.
// CorporateEmailID is of agents and managers alone, and of no bot.
//
// # Content
//
// Content is the text of a message. Before it stand "[agents only] " where the
// consumer did not see it, "[audience not stated] " where nobody has said whether
// the consumer did, and "[amends revision 3] " where it replaces what was
// delivered as that revision; in the order of Mattermost an UpdatedType of
// EditedNewMsg says the latter. A message without text is "[HOSTED_FILE, no
// text]", with its type. The caption of a file follows the text that does not
// hold it: "[file: my letter]". MessageId is the name of a message,
// "<dialog>/<sequence>" or "<dialog>/<derived>", with ".2" of a variant.
//
// # Files
//
// FileTransferStarted and FileTransferEnded tell of a file. Its transfer is
// Completed if the slice holds the file: then it lies beside the document, under
// FileName, and UserFileName is the last part of the path that LivePerson gives.
// The transfers of a message's files stand right behind it. A file of an earlier
// message, or of one that LivePerson does not tell, stands behind its note.
//
// A file that a message refers to and the slice does not hold is Failed, as this
// delivery does not bring it: it may come in a later slice, have come in an
// earlier one, or not be to be had, which a note says. FileName is then
// LivePerson's path, without "/" in front, and with "%2E%2E" for every "..", as
// an importer might follow it.
//
// # Notes
//
// The format has no place for names, skills and what happened besides messages.
// They are notes: messages of a participant that is the program itself
// (Settings.System), whose text starts with "* ". Each slice begins with a note
// of the conversation's facts and of all participants. Every happening is a note
// with all its words: transferred, closed, reopened, survey, summary, started,
// file, and those that later versions bring. A note of a file tells its path,
// type, size and SHA-256, or why there is none, and follows the message that
// refers to it. One that somebody joined or left is a note only if it tells more
// than ParticipantEntered and ParticipantLeft can. The MessageId of a note is the
// happening's name, or "slice@<number>/<id of the conversation>". A line of a
// note begins with two spaces where it goes on with a text from outside that has
// several lines.
//
// # Characters
//
// What XML 1.0 cannot hold is shown: control characters as their pictures
// (U+2400 to U+241F), all else as U+FFFD. Line ends and tabs are written as
// references, so that no parser folds them. Base64Content is the base64 of the
// content as it was before.
//
// Neither the JSON of a message nor the type that it gives a file is in the XML.
package filedump
