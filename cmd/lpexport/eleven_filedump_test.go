package main

import (
	"bytes"
	"strconv"
	"strings"

	"lpexport/archive"
	"lpexport/archive/filedump"
)

// addFileDump puts what a FileDump holds into a view, and notes what is wrong
// with it. Its facts of a conversation, in a note of their own, are left out.
func addFileDump(v *view, xml []byte) {
	v.filedump = true
	err := filedump.Read(bytes.NewReader(xml), func(c filedump.Conversation) error {
		addConversation(v, c)
		return nil
	})
	if err != nil {
		v.fault("%v", err)
	}
}

func addConversation(v *view, c filedump.Conversation) {
	if !strings.Contains(c.Perspective, "LivePerson") {
		v.fault("Perspective of %s is %q: a search for LivePerson misses it", c.RoomID, c.Perspective)
	}
	inside := map[string]bool{}
	for i := 0; i < len(c.Elements); i++ {
		e := c.Elements[i]
		at := strconv.FormatInt(e.At, 10)
		switch {
		case e.Kind == "ParticipantEntered":
			inside[e.LoginName] = true
			v.presence[happeningName{c.RoomID, "joined@" + at}] = true
		case e.Kind == "ParticipantLeft":
			v.presence[happeningName{c.RoomID, "left@" + at}] = true
		case !inside[e.LoginName]:
			v.fault("%q said something in %s and did not enter", e.LoginName, c.RoomID)
		case e.Kind == "Message" && e.LoginName == "LivePerson":
			if kind, _, _ := strings.Cut(e.MessageID, "@"); kind != "slice" && kind != archive.Joined && kind != archive.Left && kind != archive.Filed {
				v.happened[nameHappening(c.RoomID, e.MessageID)]++
			}
		case e.Kind == "Message":
			files := transfers(c.Elements[i+1:])
			i += 2 * len(files)
			addFileDumpMessage(v, c.RoomID, e, files)
		default:
			v.fault("a %s of %s belongs to no message", e.Kind, c.RoomID)
		}
	}
}

// transfers returns the paths of the files that directly follow a message: all
// of them start, and then all end.
func transfers(rest []filedump.Element) (files []string) {
	for _, e := range rest {
		if e.Kind != "FileTransferStarted" {
			break
		}
		files = append(files, e.FileName)
	}
	for i := range files {
		if len(rest) < 2*len(files) || rest[len(files)+i].Kind != "FileTransferEnded" || rest[len(files)+i].FileName != files[i] {
			return nil
		}
	}
	return files
}

func addFileDumpMessage(v *view, conversation string, e filedump.Element, files []string) {
	slash := strings.LastIndexByte(e.MessageID, '/')
	sequence, err := strconv.ParseInt(e.MessageID[slash+1:], 10, 64)
	if err != nil {
		v.fault("message %q of %s has no number, or is not the first of its name", e.MessageID, conversation)
		return
	}
	got := found{at: e.At, audience: "all", text: e.Content, files: files}
	if text, private := strings.CutPrefix(e.Content, "[agents only] "); private {
		got.audience, got.text = "agents", text
	}
	v.add(messageName{conversation, e.MessageID[:max(slash, 0)], sequence}, got)
}
