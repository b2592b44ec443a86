package exporter

import (
	"strings"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// A file is a happening of its own, named by its path alone: an archive is never
// given it twice, and one that is not to be had is on record. This file knows how
// that is said; fetch.go fetches.

// appendNamed appends the files that a message names and that lie at LivePerson.
func appendNamed(list []checkpoint.HostedFile, m *archive.Message) []checkpoint.HostedFile {
	if m.Type == "LINK" {
		return list // they lie elsewhere, wherever that is
	}
	for i := range m.Files {
		if f := &m.Files[i]; isHosted(f.Path) {
			list = append(list, checkpoint.HostedFile{Path: f.Path, Dialog: m.Dialog, Sender: m.Sender.ID, SentAt: m.SentAt, Label: f.Type})
		}
	}
	return list
}

// isHosted tells a path at LivePerson from a URL elsewhere, which is never
// fetched, and from the words that LivePerson writes in the place of what it has
// erased.
func isHosted(path string) bool {
	return !strings.Contains(path, "://") && strings.ContainsAny(path, "/.")
}

// wantFiles notes the files of a conversation. Those that are known stay as they are.
func wantFiles(tx *checkpoint.Tx, conversation int64, files []checkpoint.HostedFile, now int64) error {
	for _, f := range files {
		f.Conversation, f.NotedAt = conversation, now
		if err := tx.WantFile(f); err != nil {
			return err
		}
	}
	return nil
}

// longestName bounds a path in a happening's name: manifests hold names of 1 KiB.
const longestName = 500

// filedName is the name of the happening that a file was fetched. A file has no
// time of its own, and whether an event or a record told of it first must make no
// difference: so it is named without one.
func filedName(id string) string {
	if len(id) > longestName {
		id = hexSum([]byte(id))
	}
	return happeningName(archive.Filed, 0, id)
}

// insteadLink is the link under which a file is looked for in the place of what was
// kept under its path and is not it.
func insteadLink(sha256 string) string { return "#" + sha256 }

// filed is the happening of a file that is kept, or that LivePerson does not have. The
// Reason of one that is kept is what there is to know of its bytes: that they are
// doubtful, or what was given before in their place.
func filed(f *checkpoint.HostedFile) archive.Happening {
	h := archive.Happening{Kind: archive.Filed, At: f.SentAt, Dialog: f.Dialog, By: f.Sender, File: &archive.Attachment{Path: f.Path}}
	id, reason := f.Path, ""
	if f.Path != "" && f.Link != "" {
		id += f.Link
		reason = "what the archive was given under SHA-256 " + strings.TrimPrefix(f.Link, insteadLink("")) + " is not the file that was sent"
	}
	if f.State == checkpoint.FileMissing {
		if id == "" { // a link's path is for nobody else to know
			id = hexSum([]byte(f.Link))
		}
		h.Name, h.Reason = filedName(id+"#missing"), sentences(reason, f.Error)
		return h
	}
	if id == "" {
		id = f.SHA256
	}
	h.Name, h.Reason = filedName(id), sentences(reason, f.Doubt)
	h.File.Name, h.File.Type, h.File.Bytes, h.File.SHA256 = f.Name, f.Type, f.Bytes, f.SHA256
	return h
}

// sentences puts the second of two reasons behind the first; "" is none.
func sentences(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + "; " + second
}
