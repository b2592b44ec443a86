package archivetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"lpexport/archive"
)

// FileTarget is a far side of single files, empty, for one test.
type FileTarget struct {
	// Open returns a new destination on the far side, for Account and Name.
	Open func() archive.Destination

	// Received returns what the far side has taken so far: the bytes of each
	// file, in the order in which they came, or of their names.
	Received func() [][]byte
}

// RunFiles holds a transport of single files to what archive.Destination
// promises. begin makes a new far side.
func RunFiles(t *testing.T, begin func(t *testing.T) FileTarget) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, FileTarget)
	}{
		{"DeliverKeepsBytesAndOrder", testFileBytes},
		{"SeveralAtOnceEachArriveOnce", testFileSeveral},
		{"CancelledBeforeItBegins", testFileCancelled},
		{"DamagedSpoolAborts", testFileSpool},
		{"ForeignItemAborts", testFileForeign},
		{"BundleAborts", testFileBundle},
		{"ProbeAndCleanLeaveWhatIsThere", testFileProbe},
		{"GoesOnAfterClose", testFileClose},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, begin(t)) })
	}
}

// FileItems spools n mails of one bundle as single files. Their names are in
// the order of the items. Each is of 7-bit lines that end with CRLF; some lines
// start with ".", some are only that, some are as long as a mail's may be.
func FileItems(t testing.TB, n int) []archive.Item {
	t.Helper()
	bundle := archive.BundlePath(Account, Name, 1, start)
	dir := filepath.Join(t.TempDir(), filepath.FromSlash(bundle))
	if err := os.MkdirAll(filepath.Join(dir, "mails"), 0o750); err != nil {
		t.Fatal(err)
	}
	items := make([]archive.Item, n)
	for i := range items {
		file := fmt.Sprintf("mails/%06d.eml", i+1)
		name := filepath.Join(dir, filepath.FromSlash(file))
		data := Mail(i + 1)
		if err := os.WriteFile(name, data, 0o640); err != nil {
			t.Fatal(err)
		}
		items[i] = archive.Item{
			Path: bundle, Dir: dir, ManifestSHA256: hash,
			File: &archive.FileInfo{Path: file, Bytes: int64(len(data)), SHA256: sha256File(t, name)},
		}
	}
	return items
}

// Mail is the mail number n of FileItems.
func Mail(n int) []byte {
	lines := []string{
		fmt.Sprintf("Message-ID: <%d.test@lpexport.example>", n),
		"Date: Sat, 31 Jan 2026 12:00:00 +0000", "From: <consumer@external.example>", "To: <agent@bank.example>", "Subject: a mail of the test suite", "",
		".", "..", ".a line that starts with a dot", "", strings.Repeat("x", 998), "." + strings.Repeat("y", 997),
	}
	for i := range n % 50 {
		lines = append(lines, strings.Repeat("another line ", 1+i%5))
	}
	if n%2 == 0 {
		lines = append(lines, ".") // the last one
	}
	return []byte(strings.Join(lines, "\r\n") + "\r\n")
}

// contentOf reads what is spooled of an item.
func contentOf(t *testing.T, item archive.Item) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(item.Dir, filepath.FromSlash(item.File.Path)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func wantReceived(t *testing.T, target FileTarget, want ...archive.Item) {
	t.Helper()
	got := target.Received()
	if len(got) != len(want) {
		t.Fatalf("the far side has %d files, want %d", len(got), len(want))
	}
	for i, item := range want {
		if !bytes.Equal(got[i], contentOf(t, item)) {
			t.Errorf("file %d is not %s: %d bytes, want %d", i, item.File.Path, len(got[i]), item.File.Bytes)
		}
	}
}

func testFileBytes(t *testing.T, target FileTarget) {
	d := target.Open()
	items := FileItems(t, 60)
	for _, item := range items {
		if receipt := deliver(t, d, item); receipt.Bytes != item.File.Bytes || receipt.Where == "" {
			t.Errorf("receipt %+v, want %d bytes", receipt, item.File.Bytes)
		}
	}
	wantReceived(t, target, items...)
}

func testFileSeveral(t *testing.T, target FileTarget) {
	d := target.Open()
	items := FileItems(t, 8)
	errs := make([]error, len(items))
	var done sync.WaitGroup
	for i, item := range items {
		done.Go(func() { _, errs[i] = d.Deliver(context.Background(), item) })
	}
	done.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for _, data := range target.Received() {
		times[string(data)]++
	}
	for _, item := range items {
		if n := times[string(contentOf(t, item))]; n != 1 {
			t.Errorf("%s arrived %d times", item.File.Path, n)
		}
	}
}

func testFileCancelled(t *testing.T, target FileTarget) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	d, items := target.Open(), FileItems(t, 2)
	_, err := d.Deliver(ctx, items[0])
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	wantClass(t, err, archive.Retry)
	deliver(t, d, items[1])
	wantReceived(t, target, items[1])
}

func testFileSpool(t *testing.T, target FileTarget) {
	d := target.Open()
	for name, damage := range map[string]func(item *archive.Item, file string) error{
		"gone":       func(_ *archive.Item, file string) error { return os.Remove(file) },
		"cut short":  func(_ *archive.Item, file string) error { return os.Truncate(file, 10) },
		"other byte": func(_ *archive.Item, file string) error { return flip(file) },
		"other hash": func(i *archive.Item, _ string) error { i.File.SHA256 = hash; return nil },
		"bad path":   func(i *archive.Item, _ string) error { i.Path = "../" + i.Path; return nil },
		"bad file":   func(i *archive.Item, _ string) error { i.File.Path = "mails/../" + i.File.Path; return nil },
	} {
		item := FileItems(t, 1)[0]
		if err := damage(&item, filepath.Join(item.Dir, filepath.FromSlash(item.File.Path))); err != nil {
			t.Fatal(err)
		}
		_, err := d.Deliver(context.Background(), item)
		t.Log(name)
		wantClass(t, err, archive.Abort)
	}
	item := FileItems(t, 1)[0]
	deliver(t, d, item)
	wantReceived(t, target, item)
}

// flip changes one bit in the middle of a file.
func flip(name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return os.WriteFile(name, data, 0o640)
}

func testFileForeign(t *testing.T, target FileTarget) {
	for _, bundle := range []string{
		archive.BundlePath("other", Name, 1, start), archive.BundlePath(Account, Name+"-b", 1, start),
	} {
		item := FileItems(t, 1)[0]
		item.Path = bundle
		_, err := target.Open().Deliver(context.Background(), item)
		wantClass(t, err, archive.Abort)
	}
	wantReceived(t, target)
}

func testFileBundle(t *testing.T, target FileTarget) {
	_, err := target.Open().Deliver(context.Background(), items(t, 1, 1)[0])
	wantClass(t, err, archive.Abort)
	wantReceived(t, target)
}

func testFileProbe(t *testing.T, target FileTarget) {
	d, item := target.Open(), FileItems(t, 1)[0]
	deliver(t, d, item)
	facts, err := d.Probe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(facts) == 0 {
		t.Error("a probe that tells nothing")
	}
	if err := d.Clean(context.Background()); err != nil {
		t.Error(err)
	}
	wantReceived(t, target, item)
}

func testFileClose(t *testing.T, target FileTarget) {
	d, items := target.Open(), FileItems(t, 2)
	for _, item := range items {
		deliver(t, d, item)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	wantReceived(t, target, items...)
}
