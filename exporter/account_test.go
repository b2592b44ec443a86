package exporter

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/directory"
	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// epoch is when the simulated accounts of the tests begin.
var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// clockwork is a clock that moves when it is told to.
type clockwork struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clockwork) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clockwork) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// trial is an exporter on a simulated account, with one destination.
type trial struct {
	*Exporter
	t       *testing.T
	clock   *clockwork
	account *sandbox.Account
	state   string
	root    string
	edit    func(*Settings)
}

// newTrial opens an exporter on the account that set describes, at the given
// time after epoch.
func newTrial(t *testing.T, set sandbox.Settings, after time.Duration, edit func(*Settings)) *trial {
	t.Helper()
	dir := t.TempDir()
	c := &clockwork{now: epoch.Add(after)}
	set.Epoch, set.Now = epoch, c.Now
	r := &trial{t: t, clock: c, account: sandbox.New(set), state: filepath.Join(dir, "state"), root: filepath.Join(dir, "archive"), edit: edit}
	r.open()
	return r
}

func (r *trial) open() {
	r.t.Helper()
	client, err := liveperson.New(liveperson.Config{
		Account: "sandbox", DomainAPI: "http://127.0.0.1", Source: "test", Concurrency: 4,
		OAuth2:    &liveperson.OAuth2Credentials{ClientID: sandbox.DefaultCredentials.ClientID, ClientSecret: sandbox.DefaultCredentials.ClientSecret},
		Transport: r.account.Transport(), Now: r.clock.Now,
		Wait: func(ctx context.Context, d time.Duration) error { r.clock.Advance(d); return ctx.Err() },
	})
	if err != nil {
		r.t.Fatal(err)
	}
	s := Settings{
		Account: "sandbox", State: r.state, Source: client, Concurrency: 4,
		Since: func(now time.Time) time.Time { return epoch }, Overlap: 30 * time.Minute, Reread: 5 * time.Minute,
		Generator: "lpexport test", Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: r.clock.Now,
		Sleep:        func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Destinations: []Destination{r.destination("local")},
	}
	if r.edit != nil {
		r.edit(&s)
	}
	if r.Exporter, err = Open(context.Background(), s); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { r.Exporter.Close() })
}

// destination is a directory destination in the trial's archive.
func (r *trial) destination(name string) Destination {
	return Destination{Name: name, Archive: "generic", Cut: Cut{Immediately: true},
		Bounds: Bounds{Conversations: 100, Bytes: 1 << 20, Wait: time.Minute}, SettingsSHA256: strings.Repeat("0", 64),
		Target: directory.New(directory.Config{Path: filepath.Join(r.root, name), Account: "sandbox", Name: name})}
}

func (r *trial) cycle() Report {
	r.t.Helper()
	report, err := r.Cycle(context.Background(), nil)
	if err != nil {
		r.t.Fatalf("cycle: %v", err)
	}
	return report
}

// delivered reads every line of a destination, in the order of its bundles.
func (r *trial) delivered(name string) []archive.Slice {
	r.t.Helper()
	var list []archive.Slice
	paths, err := filepath.Glob(filepath.Join(r.root, name, "sandbox", "*", "*", "*", name+"-*", archive.TranscriptsFile))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range paths {
		f, err := os.Open(p)
		if err != nil {
			r.t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			s, err := archive.ParseLine(append(lines.Bytes(), '\n'))
			if err != nil {
				r.t.Fatal(err)
			}
			list = append(list, s)
		}
		if err := lines.Err(); err != nil {
			r.t.Fatal(err)
		}
		f.Close()
	}
	return list
}

// holdsTruth compares a destination with what the account holds now: every
// entry once, with the words it has now or had when it was captured, and
// nothing else. It returns what differs, at most a few lines.
func (r *trial) holdsTruth(name string) (faults []string) {
	r.t.Helper()
	delivered := r.delivered(name)
	faults = compareTruth(r.account, r.clock.Now(), delivered)
	if r.Files.Fetch {
		faults = append(faults, compareFiles(r.account, r.clock.Now(), delivered)...)
	}
	return faults
}

func (r *trial) mustHoldTruth(name string) {
	r.t.Helper()
	for _, f := range r.holdsTruth(name) {
		r.t.Error(f)
	}
	result, err := r.Verify(context.Background(), func(p archive.Problem) { r.t.Errorf("verify: %+v", p) })
	if err != nil {
		r.t.Error(err)
	}
	if result.Bundles == 0 {
		r.t.Error("verify saw no bundle")
	}
}

// entryKey names a message or a happening of a conversation.
type entryKey struct {
	conversation, dialog string
	sequence             int64
	happened, whom       string
}

// fetching lets files be fetched from a simulated account.
func fetching(from FileSource) FileSettings {
	return FileSettings{Fetch: true, Source: from, MaxBytes: 1 << 20, GiveUp: 24 * time.Hour}
}

func comingOrGoing(kind string) bool { return kind == archive.Joined || kind == archive.Left }

func compareTruth(account *sandbox.Account, now time.Time, slices []archive.Slice) (faults []string) {
	fault := func(format string, args ...any) {
		if len(faults) < 10 {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	got := map[entryKey]archive.Message{}
	happened := map[entryKey]int{}
	for _, s := range slices {
		for _, m := range s.Messages {
			k := entryKey{conversation: s.Conversation, dialog: m.Dialog, sequence: m.Sequence}
			if _, twice := got[k]; twice && m.Amends == 0 {
				fault("message %+v was delivered twice", k)
			}
			got[k] = m
		}
		for _, h := range s.Happened {
			if h.Kind == archive.Filed {
				continue // compareFiles
			}
			k := entryKey{conversation: s.Conversation, happened: h.Kind}
			if comingOrGoing(h.Kind) {
				k.whom = h.Participant
			}
			happened[k]++
		}
	}
	told := map[entryKey]bool{}
	for c := range account.Truth(now) {
		for _, m := range c.Messages {
			k := entryKey{conversation: c.ID, dialog: m.Dialog, sequence: m.Sequence}
			g, ok := got[k]
			if !ok {
				fault("message %+v (%s) is missing", k, m.Type)
				continue
			}
			delete(got, k)
			compareMessage(fault, k, g, m)
		}
		for _, h := range c.Happened {
			k := entryKey{conversation: c.ID, happened: h.Kind}
			if comingOrGoing(h.Kind) {
				k.whom = h.ID
			}
			told[k] = true
			if happened[k]--; happened[k] < 0 {
				fault("%s of %s at %d is missing", h.Kind, c.ID, h.At)
			}
		}
	}
	for k := range got {
		fault("message %+v is not in the account", k)
	}
	for k, n := range happened {
		// Old records do not tell all who came and went; events do.
		if n > 0 && (told[k] || k.whom == "") {
			fault("%s of %s %s: %d too many", k.happened, k.whom, k.conversation, n)
		}
	}
	return faults
}

// compareFiles makes sure that every file which a message names now was delivered
// once, with the hash that its bytes have, and that no other was but those that
// were erased since. That the bytes are there is for verify to say.
func compareFiles(account *sandbox.Account, now time.Time, slices []archive.Slice) (faults []string) {
	fault := func(format string, args ...any) {
		if len(faults) < 10 {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	got := map[entryKey]bool{}
	for _, s := range slices {
		for _, h := range s.Happened {
			if h.Kind != archive.Filed {
				continue
			}
			k := entryKey{conversation: s.Conversation, happened: h.File.Path}
			if f, ok := account.File(h.File.Path); !ok || got[k] || f.SHA256 != h.File.SHA256 || f.Bytes != h.File.Bytes || f.Type != h.File.Type {
				fault("file %+v (%s) is not the account's %+v, or was delivered twice: %v", *h.File, h.Reason, f, got[k])
			}
			got[k] = true
		}
	}
	for c := range account.Truth(now) {
		for _, m := range c.Messages {
			if _, ok := account.File(m.Path); ok && !got[entryKey{conversation: c.ID, happened: m.Path}] {
				fault("file %q of %s is missing", m.Path, c.ID)
			}
		}
	}
	return faults
}

func compareMessage(fault func(string, ...any), k entryKey, got archive.Message, want sandbox.Message) {
	if got.Source == sourceWebhook {
		want.ID = "" // events have none
	}
	if got.SentAt != want.SentAt || got.Sender.ID != want.Sender || got.ID != want.ID || got.Type != want.Type {
		fault("message %+v: got %d %s %s %s, want %d %s %s %s", k, got.SentAt, got.Sender.ID, got.ID, got.Type, want.SentAt, want.Sender, want.ID, want.Type)
	}
	if (got.Audience == "all") != (want.Audience == "ALL") {
		fault("message %+v: audience %s, want %s", k, got.Audience, want.Audience)
	}
	if want.Type == "TEXT_PLAIN" && got.Text != want.Text {
		fault("message %+v: text %q, want %q", k, got.Text, want.Text)
	}
	rest := got.Text
	for _, w := range want.Words {
		_, after, ok := strings.Cut(rest, w)
		if !ok && want.Type != "TEXT_PLAIN" {
			fault("message %+v (%s): %q lacks %q", k, want.Type, got.Text, w)
		}
		rest = after
	}
	if want.Path != "" && (len(got.Files) != 1 || got.Files[0].Path != want.Path) {
		fault("message %+v: files %+v, want %s", k, got.Files, want.Path)
	}
}
