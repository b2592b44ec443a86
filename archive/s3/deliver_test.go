package s3

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"lpexport/archive"
)

// place puts an object into the bucket behind the destination's back.
func (f *fake) place(key string, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.store(http.Header{}, key, body, sha(body).base64())
}

func read(t *testing.T, item archive.Item, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(item.Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestWhatIsThereIsComparedBeforeAnythingIsAdded(t *testing.T) {
	item := spooled(t, 1)
	at := "a/root/" + item.Path + "/"
	sums := read(t, item, archive.SumsFile)
	swapped := append([]byte("?"), sums[1:]...)
	for name, test := range map[string]struct {
		key  string
		body []byte
		ok   bool
	}{
		"same":             {archive.SumsFile, sums, true},
		"other length":     {archive.SumsFile, []byte("other"), false},
		"other bytes":      {archive.SumsFile, swapped, false},
		"another file":     {"foreign.txt", nil, false},
		"another below":    {"more/foreign.txt", nil, false},
		"control in name":  {"a\x01b", nil, false},
		"folder's marker":  {"", nil, true},
		"hidden":           {".DS_Store", []byte("x"), true},
		"beside the place": {"../" + filepath.Base(item.Path) + "0/x", nil, true},
	} {
		for _, poor := range []bool{false, true} {
			f := newFake()
			f.ignoresChecksums, f.ignoresConditions = poor, poor
			f.place(at+test.key, test.body)
			before := len(f.objects)
			r, err := open(t, serve(t, f)).Deliver(context.Background(), item)
			if test.ok && (err != nil || r.Where == "") {
				t.Errorf("%s: %v", name, err)
			}
			if !test.ok {
				if e := classOf(t, err); e.Class != archive.Halt || e.Hint != hintOther || strings.Contains(e.Path, "\x01") {
					t.Errorf("%s: class %s, hint %q, path %q", name, e.Class, e.Hint, e.Path)
				}
				if len(f.objects) != before {
					t.Errorf("%s: something was added: %q", name, f.keys())
				}
			}
		}
	}
}

// Between our look and our upload somebody may be quicker.
func TestSomebodyIsQuicker(t *testing.T) {
	item := spooled(t, 1)
	key := "a/root/" + item.Path + "/" + archive.TranscriptsFile
	ours := read(t, item, archive.TranscriptsFile)
	for name, other := range map[string][]byte{"same": ours, "other": append([]byte("?"), ours[1:]...)} {
		for step, part := range map[string]int64{"put": partSize, "complete": 1000} {
			f := newFake()
			f.versions = true
			d := open(t, serve(t, f))
			d.partSize = part
			d.testOnlyBefore = func(op, k string) error {
				if op == step && k == key {
					f.place(key, other)
				}
				return nil
			}
			_, err := d.Deliver(context.Background(), item)
			if name == "same" {
				if err != nil {
					t.Error(err)
				}
				wantOnce(t, f, item)
			} else if e := classOf(t, err); e.Class != archive.Halt {
				t.Errorf("%s: class %s: %v", step, e.Class, err)
			}
			if got := f.current(key); string(got.body) != string(other) {
				t.Errorf("%s: the other's object was overwritten", step)
			}
			if hidden := f.hidden(); len(hidden) > 0 {
				t.Errorf("%s: left behind: %q", step, hidden)
			}
		}
	}
}

// What was sent in parts is taken back, also when it is the caller who stops.
func TestCancelledPartsAreTakenBack(t *testing.T) {
	f := newFake()
	d := open(t, serve(t, f))
	d.partSize = 1000
	ctx, cancel := context.WithCancel(context.Background())
	d.testOnlyBefore = func(op, _ string) error {
		if op == "part" {
			cancel()
		}
		return nil
	}
	if _, err := d.Deliver(ctx, spooled(t, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if hidden := f.hidden(); len(hidden) > 0 {
		t.Errorf("left behind: %q", hidden)
	}
}

// Two that have both found the place empty send the manifest at once.
func TestTwoAtOnce(t *testing.T) {
	item := spooled(t, 1)
	f := newFake()
	f.versions = true
	c := serve(t, f)
	var meet, done sync.WaitGroup
	meet.Add(2)
	receipts := make([]archive.Receipt, 2)
	for i := range receipts {
		d := open(t, c)
		met := map[string]bool{}
		d.testOnlyBefore = func(op, key string) error {
			if op == "put" && strings.HasSuffix(key, archive.ManifestFile) && !met[key] {
				met[key] = true
				meet.Done()
				meet.Wait()
			}
			return nil
		}
		done.Go(func() {
			var err error
			if receipts[i], err = d.Deliver(context.Background(), item); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	wantOnce(t, f, item)
	if receipts[0] != receipts[1] {
		t.Errorf("receipts %+v and %+v", receipts[0], receipts[1])
	}
}

func TestStoreThatKeepsOtherBytesHalts(t *testing.T) {
	f := newFake()
	f.swaps = true
	d := open(t, serve(t, f))
	_, err := d.Deliver(context.Background(), spooled(t, 1))
	if e := classOf(t, err); e.Class != archive.Halt || e.Hint != hintDigest {
		t.Errorf("class %s, hint %q: %v", e.Class, e.Hint, err)
	}
	_, err = d.Probe(context.Background())
	if e := classOf(t, err); e.Class != archive.Halt || e.Op != "probe" {
		t.Errorf("class %s, op %q: %v", e.Class, e.Op, err)
	}
	if hidden := f.hidden(); len(hidden) > 0 {
		t.Errorf("the probe is left: %q", hidden)
	}
}

// An object that is there is sent only where a checksum cannot tell.
func TestRepeatSendsNothing(t *testing.T) {
	for _, part := range []int64{partSize, 1000} {
		f := newFake()
		item := spooled(t, 1)
		d := open(t, serve(t, f))
		d.partSize = part
		deliver(t, d, item)
		f.fault = func(_ int, r *http.Request) *fault {
			if r.Method != http.MethodHead && !r.URL.Query().Has("list-type") {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			return nil
		}
		deliver(t, d, item)
	}
}

func TestReceipt(t *testing.T) {
	f := newFake()
	f.versions = true
	item := spooled(t, 1)
	r := deliver(t, open(t, serve(t, f)), item)
	want := archive.Receipt{
		Where: "s3://bucket/a/root/" + item.Path, Bytes: r.Bytes, ID: "version.3",
		Answer: "transcripts.jsonl=version.2 SHA256SUMS=version.1 manifest.json=version.3",
	}
	if r != want {
		t.Errorf("receipt %+v, want %+v", r, want)
	}
	files, versions := make([]archive.ItemFile, 10_000), make([]string, 10_000)
	for i := range files {
		files[i], versions[i] = archive.ItemFile{Path: "mail.eml", Bytes: 1}, "version"
	}
	r = receipt("x", files, versions)
	if len(r.Answer) > maxVersions+50 || !strings.HasSuffix(r.Answer, "more") || r.Bytes != 10_000 {
		t.Errorf("%d bytes: …%s", len(r.Answer), r.Answer[len(r.Answer)-30:])
	}
}

// A version id is evidence, so it is taken as it is or not at all.
func TestVersionThatIsNoWordHalts(t *testing.T) {
	for _, version := range []string{"a b", "é", strings.Repeat("v", 1025)} {
		if wordLike(version) {
			t.Errorf("%q was taken", version)
		}
	}
	if !wordLike("") || !wordLike("3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY") {
		t.Error("a version was refused")
	}
}

func TestSingleFilesAbort(t *testing.T) {
	f := newFake()
	item := spooled(t, 1)
	sum := sha(read(t, item, archive.SumsFile))
	item.File = &archive.FileInfo{Path: archive.SumsFile, Bytes: int64(len(read(t, item, archive.SumsFile))), SHA256: sum.hex()}
	_, err := open(t, serve(t, f)).Deliver(context.Background(), item)
	if e := classOf(t, err); e.Class != archive.Abort || f.requests() > 0 {
		t.Errorf("class %s after %d requests: %v", e.Class, f.requests(), err)
	}
}

// What was deleted is put back, also where the delete's marker is in the way.
func TestDeletedIsPutBack(t *testing.T) {
	for _, counts := range []bool{false, true} {
		for _, part := range []int64{partSize, 1000} {
			f := newFake()
			f.versions, f.countsMarkers = true, counts
			d, item := open(t, serve(t, f)), spooled(t, 1)
			d.partSize = part
			deliver(t, d, item)
			for _, key := range f.keys() {
				f.remove(key, "")
			}
			deliver(t, d, item)
			if seen := f.seen(); len(seen) != 3 {
				t.Errorf("visible: %q", seen)
			}
		}
	}
}
