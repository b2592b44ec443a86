package exporter

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// handmade is an account whose records a test writes by hand. It knows no
// filter but starts and ids: every search over the starts answers everything.
type handmade struct {
	mu      sync.Mutex
	records map[string]string // by the order in which they come
	byID    map[string]string // answers by id that are not those of a search
	limit   int               // bytes of a record above which it is oversized in a search; 0: none
	alone   int               // the same, fetched alone
	users   []liveperson.User
	skills  []liveperson.Skill
	fail    func(op string) error // asked before each answer; nil: all goes well
	looks   int64
	rests   bool                                        // nothing was updated lately: a search for that lists nobody
	forgets bool                                        // nobody is known by id
	section func(id, section string, element int) error // asked before each element; its error voids the attempt once
}

// handTrial is a trial on a handmade account, a day after epoch.
func handTrial(t *testing.T, edit func(*Settings)) (*trial, *handmade) {
	t.Helper()
	h := &handmade{records: map[string]string{}, byID: map[string]string{}}
	r := newTrial(t, sandbox.Settings{Conversations: 1}, 24*time.Hour, func(s *Settings) {
		s.Source, s.Reread = h, 0
		if edit != nil {
			edit(s)
		}
	})
	return r, h
}

func (h *handmade) failed(op string) error {
	h.looks++
	if h.fail == nil {
		return nil
	}
	return h.fail(op)
}

func (h *handmade) Search(_ context.Context, q liveperson.Query, sink liveperson.Sink) (liveperson.Page, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.failed("search"); err != nil {
		return liveperson.Page{}, err
	}
	var all []string
	for _, key := range slices.Sorted(maps.Keys(h.records)) {
		r := liveperson.ReadRecord([]byte(h.records[key]))
		at := r.Info.Get("startTimeL").Millis()
		if h.rests && !q.UpdatedSince.IsZero() || q.End != nil && !r.Info.Get("status").Is("CLOSE") {
			continue
		}
		if at == 0 || at >= q.Start.From.UnixMilli() && at <= q.Start.To.UnixMilli() {
			all = append(all, h.records[key])
		}
	}
	page := all[min(q.Offset, len(all)):min(q.Offset+q.Limit, len(all))]
	sink.Reset()
	for _, r := range page {
		if err := give(sink, r, h.limit); err != nil {
			return liveperson.Page{}, err
		}
	}
	return liveperson.Page{Count: len(all), Records: len(page)}, nil
}

func give(sink liveperson.Sink, record string, limit int) error {
	if limit > 0 && len(record) > limit {
		return sink.Oversized(liveperson.Value(record).Get("info"))
	}
	return sink.Record([]byte(record))
}

func (h *handmade) find(id string) (string, bool) {
	if h.forgets {
		return "", false
	}
	if r, ok := h.byID[id]; ok {
		return r, true
	}
	for _, r := range h.records {
		if liveperson.Value(r).Get("info").Get("conversationId").Text() == id {
			return r, true
		}
	}
	return "", false
}

func (h *handmade) Conversations(_ context.Context, ids []string, sink liveperson.Sink) (liveperson.Page, error) {
	return h.answer(ids, h.limit, sink)
}

func (h *handmade) Conversation(_ context.Context, id string, _ int64, sink liveperson.Sink) (liveperson.Page, error) {
	return h.answer([]string{id}, h.alone, sink)
}

func (h *handmade) answer(ids []string, limit int, sink liveperson.Sink) (liveperson.Page, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.failed("by id"); err != nil {
		return liveperson.Page{}, err
	}
	sink.Reset()
	n := 0
	for _, id := range ids {
		if r, ok := h.find(id); ok {
			n++
			if err := give(sink, r, limit); err != nil {
				return liveperson.Page{}, err
			}
		}
	}
	return liveperson.Page{Count: n, Records: n}, nil
}

func (h *handmade) Section(_ context.Context, id, section string, reset func(), each func([]byte) error) (found bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.failed("section"); err != nil {
		return false, err
	}
	record, _ := h.find(id)
	value := liveperson.Value(record).Get(section)
	for again := true; again; {
		reset()
		again, err = false, nil
		n := 0
		one := func(e liveperson.Value) bool {
			if h.section != nil && h.section(id, section, n) != nil {
				again = true
				return false
			}
			n++
			err = each(e)
			return err == nil
		}
		if value.IsArray() {
			value.Each(one)
		} else if value.Present() {
			one(value)
		}
	}
	return value.Present(), err
}

func (h *handmade) Users(context.Context) ([]liveperson.User, error) {
	return h.users, h.failed("users")
}
func (h *handmade) Skills(context.Context) ([]liveperson.Skill, error) {
	return h.skills, h.failed("skills")
}
func (h *handmade) Searches() int64 { return h.looks }

// said is one message of a handmade record: TEXT_PLAIN, sent by the consumer,
// a minute apart.
type said struct {
	seq  int
	text string
}

// talk is a handmade record. more is put into info, sections after it, each
// with a comma in front.
type talk struct {
	id       string
	said     []said
	files    map[int]string // paths, by the sequences of the messages that are files: their texts are captions
	audience map[int]string // messageRecords[].audience, by sequence: records of today have it, old ones don't
	closed   bool
	more     string
	sections string
}

// talkStart is when handmade conversations start.
var talkStart = epoch.Add(time.Hour).UnixMilli()

func (k talk) record() string {
	status := `"status":"OPEN","endTimeL":-1`
	if k.closed {
		status = fmt.Sprintf(`"status":"CLOSE","conversationEndTimeL":%d`, talkStart+3600_000)
	}
	var messages strings.Builder
	for i, s := range k.said {
		text, err := json.Marshal(s.text)
		if err != nil {
			panic(err) // a string
		}
		if i > 0 {
			messages.WriteByte(',')
		}
		kind, data := "TEXT_PLAIN", fmt.Sprintf(`"msg":{"text":%s}`, text)
		if path := k.files[s.seq]; path != "" {
			kind, data = "HOSTED_FILE", fmt.Sprintf(`"file":{"relativePath":%q,"fileType":"JPG","caption":%s}`, path, text)
		}
		if audience := k.audience[s.seq]; audience != "" {
			data += fmt.Sprintf(`},"audience":%q,"x":{`, audience)
		}
		fmt.Fprintf(&messages, `{"type":"%s","messageData":{%s},"messageId":"ms::dialog:%s::msg:%d","seq":%d,"dialogId":"%s","participantId":"c","sentBy":"Consumer","timeL":%d}`,
			kind, data, k.id, s.seq, s.seq, k.id, talkStart+int64(s.seq)*60_000)
	}
	return fmt.Sprintf(`{"info":{"conversationId":"%s","startTimeL":%d,%s%s},"messageRecords":[%s]%s}`, k.id, talkStart, status, k.more, messages.String(), k.sections)
}

func (h *handmade) put(k talk) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records[k.id] = k.record()
}

// brief is a delivered message in short: sequence, what it amends, its text.
func brief(m archive.Message) string {
	name := fmt.Sprint(m.Sequence)
	if m.Derived != "" {
		name = "derived"
	}
	if m.Variant != 0 {
		name += fmt.Sprintf("/%d", m.Variant)
	}
	if m.Amends != 0 {
		name += fmt.Sprintf(" amends %d", m.Amends)
	}
	return name + ": " + m.Text
}

// lines are all messages a destination holds of a conversation, as delivered.
func (r *trial) lines(name, conversation string) []string {
	list := []string{}
	for _, s := range r.delivered(name) {
		for _, m := range s.Messages {
			if s.Conversation == conversation {
				list = append(list, brief(m))
			}
		}
	}
	return list
}

// holds makes sure that a destination holds just these messages of a
// conversation, in that order, and that its archive is sound.
func (r *trial) holds(name, conversation string, want ...string) {
	r.t.Helper()
	if got := r.lines(name, conversation); !slices.Equal(got, want) {
		r.t.Errorf("%s holds of %s:\n%q\nwant\n%q", name, conversation, got, want)
	}
	r.sound()
}

// sound makes sure that verify finds nothing.
func (r *trial) sound() {
	r.t.Helper()
	if _, err := r.Verify(context.Background(), func(p archive.Problem) { r.t.Errorf("verify: %+v", p) }); err != nil {
		r.t.Error(err)
	}
}
