package archive

import "errors"

// The members of what AppendLine writes, in its order; those that are only
// there where they apply come last.
var (
	sliceNames = []string{"account", "conversation_id", "slice", "revision", "started_at", "ended_at", "status",
		"close_reason", "skill", "skills", "participants", "messages", "happened", "partial", "brand_id"}
	messageNames = []string{"dialog_id", "sequence", "message_id", "sent_at", "sender", "audience", "type", "text",
		"files", "source", "amends", "variant", "late", "derived", "content", "audience_assumed", "sent_at_text", "lossy", "received"}
	happeningNames = []string{"kind", "at", "by", "name", "answers", "dialog_id", "participant", "reason",
		"from_skill", "to_skill", "to_agent", "text", "file", "late", "at_text", "lossy", "received"}
	participantNames = []string{"id", "role", "name", "login", "email", "kind", "address", "address_note"}
	skillNames       = []string{"id", "name"}
	fileNames        = []string{"path", "type", "caption"}
	attachmentNames  = []string{"path", "name", "type", "bytes", "sha256"}
	answerNames      = []string{"question", "answer"}
)

func (d *decoder) slice(s *Slice) {
	d.object(sliceNames, 13, func(i int) {
		switch sliceNames[i] {
		case "account":
			s.Account = d.string()
		case "conversation_id":
			s.Conversation = d.string()
		case "slice":
			s.Number = d.count(1)
		case "revision":
			s.Revision = d.count(1)
		case "started_at":
			s.StartedAt = d.time()
		case "ended_at":
			s.EndedAt = d.time()
		case "status":
			s.Status = d.string()
		case "close_reason":
			s.CloseReason = d.string()
		case "skill":
			d.skill(&s.Skill)
		case "skills":
			s.Skills = readList(d, (*decoder).skill)
		case "participants":
			s.Participants = readList(d, (*decoder).participant)
		case "messages":
			s.Messages = make([]Message, 0, d.about)
			d.list(func() {
				s.Messages = append(s.Messages, Message{})
				d.message(&s.Messages[len(s.Messages)-1])
			})
			if len(s.Messages) == 0 {
				s.Messages = nil
			}
		case "happened":
			s.Happened = readList(d, (*decoder).happening)
		case "partial":
			s.Partial = d.bool()
		case "brand_id":
			s.Brand = d.string()
		}
	})
}

// readList reads a list into elements of its own; an empty one is nil.
func readList[T any](d *decoder, read func(*decoder, *T)) []T {
	var list []T
	d.list(func() {
		var one T
		read(d, &one)
		list = append(list, one)
	})
	return list
}

func (d *decoder) message(m *Message) {
	unnamed, lossy := false, false
	d.object(messageNames, 10, func(i int) {
		switch messageNames[i] {
		case "dialog_id":
			m.Dialog = d.string()
		case "sequence":
			if unnamed = d.null(); !unnamed {
				m.Sequence = d.integer(0, MaxSequence)
			}
		case "message_id":
			m.ID = d.unique()
		case "sent_at":
			m.SentAt = d.time()
		case "sender":
			d.participant(&m.Sender)
		case "audience":
			m.Audience = d.string()
		case "audience_assumed":
			m.Assumed = d.bool()
		case "type":
			m.Type = d.string()
		case "text":
			m.Text = d.unique()
		case "files":
			m.Files = readList(d, (*decoder).file)
		case "source":
			m.Source = d.string()
		case "amends":
			m.Amends = d.count(1)
		case "variant":
			m.Variant = d.count(2)
		case "late":
			m.Late = d.bool()
		case "derived":
			m.Derived = d.string()
		case "content":
			m.Content = d.raw()
		case "sent_at_text":
			m.SentText = d.string()
		case "lossy":
			lossy = d.bool()
		case "received":
			m.Received = d.base64()
		}
	})
	d.marked(lossy, m.Received)
	if unnamed != (m.Derived != "") {
		d.fail(errors.New("a message needs a sequence or derived, and not both"))
	}
}

// marked makes sure that what was received is there just where the mark is.
func (d *decoder) marked(lossy bool, received []byte) {
	if lossy != (len(received) > 0) {
		d.fail(errors.New("lossy and received need each other"))
	}
}

func (d *decoder) happening(h *Happening) {
	lossy := false
	d.object(happeningNames, 5, func(i int) {
		switch happeningNames[i] {
		case "kind":
			h.Kind = d.string()
		case "at":
			h.At = d.time()
		case "by":
			h.By = d.string()
		case "name":
			h.Name = d.unique()
		case "answers":
			h.Answers = readList(d, (*decoder).answer)
		case "dialog_id":
			h.Dialog = d.string()
		case "participant":
			h.Participant = d.string()
		case "reason":
			h.Reason = d.string()
		case "from_skill":
			h.FromSkill = new(Skill)
			d.skill(h.FromSkill)
		case "to_skill":
			h.ToSkill = new(Skill)
			d.skill(h.ToSkill)
		case "to_agent":
			h.ToAgent = d.string()
		case "text":
			h.Text = d.string()
		case "file":
			h.File = new(Attachment)
			d.attachment(h.File)
		case "late":
			h.Late = d.bool()
		case "at_text":
			h.AtText = d.string()
		case "lossy":
			lossy = d.bool()
		case "received":
			h.Received = d.base64()
		}
	})
	d.marked(lossy, h.Received)
}

func (d *decoder) participant(p *Participant) {
	fields := [...]*string{&p.ID, &p.Role, &p.Name, &p.Login, &p.Email, &p.Kind, &p.Address, &p.AddressNote}
	d.object(participantNames, 6, func(i int) { *fields[i] = d.string() })
}

func (d *decoder) skill(s *Skill) { d.strings(skillNames, []*string{&s.ID, &s.Name}) }

func (d *decoder) file(f *File) { d.strings(fileNames, []*string{&f.Path, &f.Type, &f.Caption}) }

// attachment reads a file, whose name becomes that of a file on a disk: it must
// be the one that its hash gives it.
func (d *decoder) attachment(a *Attachment) {
	d.object(attachmentNames, len(attachmentNames), func(i int) {
		switch attachmentNames[i] {
		case "path":
			a.Path = d.unique()
		case "name":
			a.Name = d.unique()
		case "type":
			a.Type = d.string()
		case "bytes":
			a.Bytes = d.integer(0, maxAttachment)
		case "sha256":
			a.SHA256 = d.unique()
		}
	})
	if d.err == nil {
		if err := a.check(); err != nil {
			d.fail(err)
		}
	}
}

func (d *decoder) answer(a *Answer) { d.strings(answerNames, []*string{&a.Question, &a.Answer}) }

// strings reads an object whose members are all strings and all required.
func (d *decoder) strings(names []string, fields []*string) {
	d.object(names, len(names), func(i int) { *fields[i] = d.string() })
}
