package exporter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/mail"
	"lpexport/archive/profile"
)

// scales is a post office that takes mails up to a size.
type scales struct {
	*refusing
	says  int64 // SIZE; 0: it does not say
	takes int64
	asked int // for its SIZE
	bytes []int64
}

func (s *scales) MostBytes(context.Context) (int64, error) { s.asked++; return s.says, nil }

func (s *scales) Deliver(ctx context.Context, item archive.Item) (archive.Receipt, error) {
	tooLarge := &archive.Error{Class: archive.Reject, Op: "deliver", TooLarge: true, Hint: "ask the archive", Err: errors.New("552 5.3.4 too big")}
	switch {
	case s.says > 0 && item.File.Bytes > s.says:
		tooLarge.Limit = s.says
		return archive.Receipt{}, tooLarge
	case item.File.Bytes > s.takes:
		s.offered = append(s.offered, item.File.Path)
		return archive.Receipt{}, tooLarge
	}
	s.bytes = append(s.bytes, item.File.Bytes)
	return s.refusing.Deliver(ctx, item)
}

// mailTrial delivers mails of the mail format to a post office with scales.
func mailTrial(t *testing.T, says, takes int64) (*trial, *handmade, *scales) {
	t.Helper()
	office := &scales{refusing: &refusing{postOffice: &postOffice{}}, says: says, takes: takes}
	rendering, err := json.Marshal(profile.Rendering{Mail: &mail.Settings{
		Destination: "post", Domain: "lpexport.example", Per: mail.PerConversation, Date: mail.DateFirst, From: mail.FromInitiator,
		To: mail.ToOthers, Subject: "LivePerson {conversation}", Zone: "UTC", MaxBytes: 2 << 20,
	}})
	if err != nil {
		t.Fatal(err)
	}
	read := func(frozen []byte) (r profile.Rendering) {
		if err := json.Unmarshal(frozen, &r); err != nil {
			t.Error(err)
		}
		return r
	}
	r, h := handTrial(t, func(s *Settings) {
		d := &s.Destinations[0]
		d.Name, d.Target, d.Files, d.Where, d.Rendering = "post", office, true, "post office", rendering
		d.Shape = func(frozen, _ []byte) (archive.Shape, error) { return read(frozen).Shape() }
		d.Fit = func(frozen []byte, most int64) ([]byte, error) {
			r := read(frozen)
			r.Mail.MaxBytes = min(r.Mail.MaxBytes, most)
			return json.Marshal(r)
		}
		s.Random = func() float64 { return 0.5 }
	})
	return r, h, office
}

// long is a conversation of n messages of about 10 KB each as they are sent.
func (h *handmade) long(id string, n int) {
	var words []said
	for i := range n {
		words = append(words, said{i, strings.Repeat(fmt.Sprintf("%s %03d. ", id, i), 250)})
	}
	h.put(talk{id: id, said: words})
}

// received are the messages of all mails that the post office took, as "conversation
// sequence", and the Message-IDs of the mails.
func (s *scales) received(t *testing.T) (messages, ids []string) {
	t.Helper()
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range s.took {
			if !yield(name) {
				return
			}
		}
	}) {
		for _, raw := range s.took[name] {
			head, _, _ := strings.Cut(string(raw), "\r\n\r\n")
			_, id, _ := strings.Cut(head, "Message-ID: ")
			id, _, _ = strings.Cut(id, "\r\n")
			ids = append(ids, id)
			err := mail.Lines(strings.NewReader(string(raw)), func(line []byte) error {
				one, err := archive.ParseLine(line)
				for i := range one.Messages {
					messages = append(messages, fmt.Sprint(one.Conversation, " ", one.Messages[i].Sequence))
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
	return messages, ids
}

// holdsOnce makes sure that each message of long conversations arrived once, in mails
// that have a Message-ID of their own each.
func (s *scales) holdsOnce(t *testing.T, lengths map[string]int) {
	t.Helper()
	var want []string
	for id, n := range lengths {
		for i := range n {
			want = append(want, fmt.Sprint(id, " ", i))
		}
	}
	messages, ids := s.received(t)
	slices.Sort(messages)
	slices.Sort(want)
	if !slices.Equal(messages, want) {
		t.Errorf("%d messages arrived, want %d:\n%q", len(messages), len(want), messages)
	}
	slices.Sort(ids)
	if n := len(ids); len(slices.Compact(ids)) != n {
		t.Errorf("a Message-ID twice among %d: %q", n, ids)
	}
}

// kept are the manifests that the state keeps, by serial.
func (r *trial) kept(name string) (list []*archive.Manifest) {
	r.t.Helper()
	err := filepath.WalkDir(filepath.Join(r.state, "manifests"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Name() != archive.ManifestFile || !strings.HasPrefix(filepath.Base(filepath.Dir(path)), name) {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		m, err := archive.ParseManifest(raw)
		list = append(list, m)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b *archive.Manifest) int { return a.Serial - b.Serial })
	return list
}

// The limit that the server names is known before the first cut: nothing is refused.
func TestServersLimitSplitsFromTheFirstCutOn(t *testing.T) {
	r, h, office := mailTrial(t, 100_000, 100_000)
	h.long("a", 30)
	h.long("b", 2)
	r.cycle()
	if len(office.offered) != 0 || office.asked == 0 || slices.Max(office.bytes) > 100_000 {
		t.Errorf("refused %q, largest %d", office.offered, slices.Max(office.bytes))
	}
	office.holdsOnce(t, map[string]int{"a": 30, "b": 2})
	if list := r.kept("post"); len(list) != 1 || list[0].Replaces != nil {
		t.Errorf("%d manifests", len(list))
	}
	r.sound()
}

// A limit that nobody named, or that became lower after the cut: what is refused for its
// size is split and comes in a new bundle that says what it replaces. What was taken of
// the same slice does not come again, and the old bundle stays what it was.
func TestItemRefusedForItsSizeIsCutAgain(t *testing.T) {
	for name, change := range map[string]func(*scales){
		"it does not say":            func(s *scales) { s.takes = 100_000 },
		"it says another one":        func(s *scales) { s.says, s.takes = 90_000, 90_000 },
		"it takes less than it says": func(s *scales) { s.says, s.takes = 1<<20, 100_000 },
	} {
		t.Run(name, func(t *testing.T) {
			r, h, office := mailTrial(t, 0, 1<<30)
			h.long("a", 10)
			h.long("b", 40)
			h.long("c", 3)
			h.long("d", 25)
			office.answers(func(string) error { return overloaded }) // cut and rendered, not taken
			_, _ = r.fails()
			office.answers(nil)
			change(office)
			r.clock.Advance(time.Hour)
			r.cycle()
			office.holdsOnce(t, map[string]int{"a": 10, "b": 40, "c": 3, "d": 25})
			list := r.kept("post")
			if len(list) < 2 || list[0].Replaces != nil {
				t.Fatalf("%d manifests: %+v", len(list), list[0].Replaces)
			}
			replaced := 0
			for _, m := range list[1:] {
				for _, f := range m.Replaces {
					i := slices.IndexFunc(list, func(o *archive.Manifest) bool { return o.Bundle == f.Bundle })
					if i < 0 || list[i].Serial >= m.Serial || !slices.ContainsFunc(list[i].Files, func(o archive.FileInfo) bool { return o == f.FileInfo }) {
						t.Errorf("%s replaces %+v, which no bundle before it has", m.Bundle, f)
					}
					replaced++
				}
			}
			if replaced < 2 || len(office.offered) > 4 {
				t.Errorf("%d replaced, refused %q", replaced, office.offered)
			}
			r.sound()
			offered := len(office.order)
			h.put(talk{id: "e", said: []said{{0, "x"}}})
			r.cycle()
			if len(office.order) != offered+1 {
				t.Errorf("took %q", office.order[offered:])
			}
			if got, err := r.Replay(context.Background(), "post", Replaying{}); err != nil || got.Pending != 0 {
				t.Errorf("replay: %+v, %v", got, err)
			}
			if len(office.order) != 2*(offered+1) {
				t.Errorf("a replay sent %d mails, want the %d that were taken", len(office.order)-offered-1, offered+1)
			}
		})
	}
}

// verify misses what was withdrawn and is named by no other bundle.
func TestVerifyKnowsWhatWasWithdrawn(t *testing.T) {
	r, h, office := mailTrial(t, 0, 100_000)
	h.long("a", 30)
	r.cycle()
	if list := r.kept("post"); len(list) != 2 || len(list[1].Replaces) != 1 || len(office.offered) != 1 {
		t.Fatalf("%d manifests, offered %q", len(list), office.offered)
	}
	r.sound()
	paths, err := filepath.Glob(filepath.Join(r.state, "manifests", "sandbox", "*", "*", "*", "post-000000002", archive.ManifestFile))
	if err != nil || len(paths) != 1 {
		t.Fatal(paths, err)
	}
	raw, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	from, to := strings.Index(string(raw), `"replaces"`), strings.Index(string(raw), `"files"`)
	if err := os.WriteFile(paths[0], append(raw[:from:from], raw[to:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	var missing []string
	if _, err := r.Verify(context.Background(), func(p archive.Problem) {
		if p.Kind == archive.Missing {
			missing = append(missing, p.Path)
		}
	}); err != nil || len(missing) != 1 || !strings.HasSuffix(missing[0], "post-000000001/post-000000001-000001.eml") {
		t.Errorf("missing: %q, %v", missing, err)
	}
}

// Of a slice in several mails only those come again that were refused, as slices of
// their own; what is older than what was taken by then says that it is late.
func TestOnlyTheRefusedPartsComeAgain(t *testing.T) {
	r, h, office := mailTrial(t, 0, 1<<30)
	settings := r.Destinations[0].Rendering
	small, err := r.Destinations[0].Fit(settings, 200_000)
	if err != nil {
		t.Fatal(err)
	}
	r.Destinations[0].Rendering = small
	h.long("a", 64)
	const before, refused, after = "post-000000001-000001.eml", "post-000000001-000002.eml", "post-000000001-000003.eml"
	office.answers(func(name string) error {
		if name == refused {
			return &archive.Error{Class: archive.Reject, Op: "deliver", TooLarge: true, Err: errors.New("552 5.3.4 too big")}
		}
		return nil
	})
	r.cycle()
	office.holdsOnce(t, map[string]int{"a": 64})
	if office.times(before) != 1 || office.times(refused) != 0 || office.times(after) != 1 {
		t.Errorf("took %q", office.order)
	}
	list := r.kept("post")
	if len(list) != 2 || len(list[1].Replaces) != 1 || list[1].Replaces[0].Path != refused || list[1].Slices[0].Slice != 2 {
		t.Fatalf("%+v", list[len(list)-1])
	}
	for name, mails := range office.took {
		_ = mail.Lines(strings.NewReader(string(mails[0])), func(line []byte) error {
			s, err := archive.ParseLine(line)
			for _, m := range s.Messages {
				if m.Late != (s.Number == 2) {
					t.Errorf("%s: message %d of slice %d late: %v", name, m.Sequence, s.Number, m.Late)
				}
			}
			return err
		})
	}
	h.long("a", 65) // what comes later has the next number
	r.cycle()
	if list := r.kept("post"); list[2].Slices[0].Slice != 3 || list[2].Slices[0].Messages != 1 {
		t.Errorf("%+v", list[2].Slices)
	}
}

// A message that is too large even alone waits for a person, and comes when the archive
// takes it; the others go on.
func TestMessageTooLargeAloneWaitsForAPerson(t *testing.T) {
	r, h, office := mailTrial(t, 0, 1<<30)
	h.put(talk{id: "big", said: []said{{0, strings.Repeat("0123456789", 30_000)}}})
	h.long("a", 3)
	office.answers(func(string) error { return overloaded })
	_, _ = r.fails()
	office.answers(nil)
	office.says, office.takes = 150_000, 150_000
	r.clock.Advance(time.Hour)
	if _, err := r.fails(); !errors.Is(err, ErrQuarantine) || errors.Is(err, ErrIncomplete) {
		t.Error(err)
	}
	list, err := r.QuarantineList(context.Background())
	if err != nil || len(list) != 1 || !strings.Contains(list[0].Reason, "archive takes 150000") || !strings.Contains(list[0].Reason, "quarantine retry") {
		t.Fatalf("%+v, %v", list, err)
	}
	office.holdsOnce(t, map[string]int{"a": 3})
	office.says, office.takes = 1<<20, 1<<20
	if _, err := r.QuarantineRetry(context.Background()); err != nil {
		t.Error(err)
	}
	r.cycle()
	office.holdsOnce(t, map[string]int{"a": 3, "big": 1})
}

// What a refusal has taught is forgotten when a person has it tried again.
func TestLearnedLimitIsForgottenOnARetry(t *testing.T) {
	r, h, office := mailTrial(t, 0, 200_000)
	h.put(talk{id: "big", said: []said{{0, strings.Repeat("0123456789", 30_000)}}})
	if _, err := r.fails(); !errors.Is(err, ErrQuarantine) {
		t.Error(err)
	}
	office.takes = 1 << 20
	if _, err := r.QuarantineRetry(context.Background()); err != nil {
		t.Error(err)
	}
	r.cycle()
	office.holdsOnce(t, map[string]int{"big": 1})
}

// Killed at any step of it, the next run ends with each message delivered once.
func TestKilledWhileItIsCutAgain(t *testing.T) {
	steps := map[string]int{}
	for n := 1; ; n++ {
		r, h, office := mailTrial(t, 0, 100_000)
		h.long("a", 16)
		h.long("b", 1)
		died, count := errors.New("died"), 0
		r.Exporter.Step = func(name string) {
			steps[name]++
			if !strings.HasPrefix(name, "bundle") && !strings.HasPrefix(name, "item") && !strings.HasPrefix(name, "receipt") {
				return // of the capture
			}
			if count++; count == n {
				panic(died)
			}
		}
		ended := false
		func() {
			defer func() { _ = recover() }()
			w := r.workers(nil)[0]
			norm, err := r.Exporter.names(context.Background(), w.dest)
			if err != nil {
				t.Fatal(err)
			}
			w.norm = norm
			captureOnly(t, r)
			if err := w.turn(context.Background(), true); err != nil {
				t.Error(err)
			}
			ended = count < n
		}()
		r.reopenWith(nil)
		if _, err := r.Cycle(context.Background(), nil); err != nil {
			l, _ := r.QuarantineList(context.Background())
			t.Fatalf("killed at step %d: %v %+v", n, err, l)
		}
		messages, ids := office.received(t)
		if len(messages) != 17 || len(slices.Compact(slices.Sorted(slices.Values(messages)))) != 17 || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != len(ids) {
			// A mail of which nobody knows is sent again, under its name.
			s, err := r.Status(context.Background())
			if err != nil || s.Destinations[0].Uncertain == 0 || len(slices.Compact(slices.Sorted(slices.Values(messages)))) != 17 {
				t.Errorf("killed at step %d: %d messages in %d mails: %v", n, len(messages), len(ids), err)
			}
		}
		r.sound()
		if ended {
			break
		}
	}
	if steps["bundle cut"] < 2 {
		t.Errorf("nothing was cut again: %v", steps)
	}
}

// A place that takes no mail worth the name halts, and fills no quarantine.
func TestPlaceInWhichNothingFitsHalts(t *testing.T) {
	for _, cutBefore := range []bool{false, true} {
		r, h, office := mailTrial(t, 0, 1<<30)
		h.long("a", 3)
		h.long("b", 3)
		if cutBefore {
			office.answers(func(string) error { return overloaded })
			_, _ = r.fails()
			office.answers(nil)
			r.clock.Advance(time.Hour)
		}
		office.says = 2000
		_, err := r.fails()
		var none *SizesError
		var halt *HaltError
		if !errors.As(err, &halt) || !errors.As(err, &none) || none.Most != 2000 || r.quarantined() != 0 {
			t.Errorf("%v, %d in quarantine", err, r.quarantined())
		}
		office.says = 1 << 20
		r.cycle()
		office.holdsOnce(t, map[string]int{"a": 3, "b": 3})
	}
}

// A server that answers 552 to everything, however small, is not asked 10⁵ times.
func TestRefusedForSizeWhateverTheSizeHalts(t *testing.T) {
	r, h, office := mailTrial(t, 0, 0)
	for i := range 30 {
		h.long(fmt.Sprintf("c%02d", i), 3)
	}
	r.haltsAlike()
	if len(office.offered) > mostRefused || r.quarantined() != 0 {
		t.Errorf("offered %d, %d in quarantine", len(office.offered), r.quarantined())
	}
	office.takes = 1 << 20
	r.cycle()
	if len(office.took) != 30 {
		t.Errorf("took %d", len(office.took))
	}
}
