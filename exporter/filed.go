package exporter

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"strings"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// A file is a happening of its own, named by its path alone: text never waits for
// it, an archive is never given it twice, and one that is not to be had is on
// record. This file knows how that is said; fetch.go fetches.

// appendNamed appends the files that a message names and that lie at LivePerson.
func appendNamed(list []checkpoint.HostedFile, m *archive.Message) []checkpoint.HostedFile {
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
		sum := sha256.Sum256([]byte(id))
		id = hex.EncodeToString(sum[:])
	}
	return happeningName(archive.Filed, 0, id)
}

// filed is the happening of a file that is kept, or that LivePerson does not have.
func filed(f *checkpoint.HostedFile) archive.Happening {
	h := archive.Happening{Kind: archive.Filed, At: f.SentAt, Dialog: f.Dialog, By: f.Sender, File: &archive.Attachment{Path: f.Path}}
	if f.State == checkpoint.FileMissing {
		h.Name, h.Reason = filedName(f.Path+"#missing"), f.Error
		return h
	}
	h.Name = filedName(f.Path)
	if f.Path == "" {
		h.Name = filedName(f.SHA256)
	}
	h.File.Name, h.File.Type, h.File.Bytes, h.File.SHA256 = f.Name, f.Type, f.Bytes, f.SHA256
	return h
}

// find is a file that is to be looked for, and the link under which it was found.
type find struct {
	file *checkpoint.HostedFile
	link *liveperson.Link // nil: LivePerson lists none
}

// match finds the links of files by their names: the path that the message has,
// a path that ends in it, or the last part of it where that holds a UUID. Nothing
// is guessed: a name that fits two is nobody's. What no name tells is in others.
func match(files []checkpoint.HostedFile, links []liveperson.Link) (finds []find, others []liveperson.Link) {
	for i := range files {
		if files[i].Path != "" {
			finds = append(finds, find{file: &files[i]})
		}
	}
	taken := make([]bool, len(links))
	for _, fits := range []func(link, file string) bool{isPath, endsInPath, hasSameUUID} {
		files, claimed := make([]int, len(finds)), make([]int, len(links)) // how many fit, and for finds which one did
		for i := range finds {
			for k := range links {
				if finds[i].link == nil && !taken[k] && fits(links[k].Path, finds[i].file.Path) {
					files[i]++
					claimed[k]++
				}
			}
		}
		for i := range finds {
			for k := range links {
				if files[i] == 1 && claimed[k] == 1 && !taken[k] && fits(links[k].Path, finds[i].file.Path) {
					finds[i].link, taken[k] = &links[k], true
				}
			}
		}
	}
	for k, l := range links {
		if !taken[k] {
			others = append(others, l)
		}
	}
	return finds, others
}

func isPath(link, file string) bool {
	return strings.TrimLeft(link, "/") == strings.TrimLeft(file, "/")
}

func endsInPath(link, file string) bool {
	file = "/" + strings.TrimLeft(file, "/")
	return len(file) > 1 && strings.HasSuffix(link, file)
}

var uuidInside = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)

func hasSameUUID(link, file string) bool {
	last := path.Base(file)
	return path.Base(link) == last && uuidInside.MatchString(last)
}
