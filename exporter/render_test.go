package exporter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// changing is a format whose next version makes other bytes.
type changing struct {
	letters
	version *string
}

func (c changing) Documents(line []byte, emit func(archive.Document) error) error {
	return emit(archive.Document{Bytes: append(bytes.Clone(line), *c.version...), At: talkStart})
}

// loseSpool removes what lies in the spool, as a disk that is cleaned.
func (r *trial) loseSpool(name string) {
	r.t.Helper()
	if err := os.RemoveAll(filepath.Join(r.state, "spool", name)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *trial) spooled(name string) (names []string) {
	r.t.Helper()
	there, err := os.ReadDir(filepath.Join(r.state, "spool", name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		r.t.Fatal(err)
	}
	for _, d := range there {
		names = append(names, d.Name())
	}
	return names
}

// TestBundleThatCannotBeMadeAgainIsItsOwnFault: other bytes than the first time
// never lie in the spool, what was cut later is delivered, and a person is told.
func TestBundleThatCannotBeMadeAgainIsItsOwnFault(t *testing.T) {
	version, office := "one", &postOffice{}
	r, h := handTrial(t, func(s *Settings) {
		d := &s.Destinations[0]
		d.Name, d.Target, d.Files, d.Where = "post", office, true, "post office"
		d.Shape = func(_, _ []byte) (archive.Shape, error) {
			return archive.Shape{Format: changing{version: &version}}, nil
		}
		s.Random = func() float64 { return 0.5 }
	})
	h.putAll("a", "b")
	office.answers(func(string) error { return retryLater })
	r.fails()
	r.loseSpool("post")
	version = "two"
	office.answers(nil)
	h.putAll("c")
	for range 2 {
		r.clock.Advance(2 * time.Hour)
		report, err := r.fails()
		if !errors.Is(err, ErrQuarantine) || errors.Is(err, ErrIncomplete) || report.Quarantined != 1 {
			t.Errorf("%+v, %v", report, err)
		}
	}
	if len(office.order) != 1 || office.order[0] != "post-000000002-000001.letter" {
		t.Errorf("took %q", office.order)
	}
	list, err := r.QuarantineList(context.Background())
	if err != nil || len(list) != 1 || list[0].Kind != "item" || list[0].Destination != "post" || list[0].Item != "post-000000001" ||
		!strings.Contains(list[0].Reason, errOtherBytes.Error()) || !strings.Contains(list[0].Reason, "lpexport quarantine retry") {
		t.Fatalf("quarantine: %+v, %v", list, err)
	}
	if left := r.spooled("post"); len(left) != 0 {
		t.Errorf("spool: %q", left)
	}
	version = "one" // the version that made it is back
	if got, err := r.QuarantineRetry(context.Background()); err != nil || got.Resolved != 1 {
		t.Errorf("retried: %+v, %v", got, err)
	}
	r.cycle()
	if office.times(firstLetter) != 1 || office.times(secondLetter) != 1 || len(office.order) != 3 {
		t.Errorf("took %q", office.order)
	}
	r.sound()
}

// TestDamagedSpoolIsMadeAgain: whatever happens to a bundle in the spool, the bytes
// that arrive are those of its manifest.
func TestDamagedSpoolIsMadeAgain(t *testing.T) {
	for what, damage := range map[string]func(dir string) error{
		"a flipped byte": func(dir string) error {
			name := filepath.Join(dir, archive.TranscriptsFile)
			raw, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			raw[len(raw)/2] ^= 1
			return os.WriteFile(name, raw, 0o600)
		},
		"no transcripts": func(dir string) error { return os.Remove(filepath.Join(dir, archive.TranscriptsFile)) },
		"no manifest":    func(dir string) error { return os.Remove(filepath.Join(dir, archive.ManifestFile)) },
		"other sums":     func(dir string) error { return os.WriteFile(filepath.Join(dir, archive.SumsFile), nil, 0o600) },
		"another manifest": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, archive.ManifestFile), []byte(`{}`), 0o600)
		},
		"half a rendering": func(dir string) error {
			return os.Rename(dir, filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)))
		},
	} {
		t.Run(what, func(t *testing.T) {
			target := &moody{err: retryLater}
			r, h := handTrial(t, func(s *Settings) {
				target.readable = s.Destinations[0].Target.(readable)
				s.Destinations[0].Target = target
			})
			h.putAll("a")
			r.fails()
			r.reopenWith(func() {
				if err := damage(filepath.Join(r.state, "spool", "local", "local-000000001")); err != nil {
					t.Fatal(err)
				}
			})
			target.set(nil)
			r.clock.Advance(2 * time.Hour)
			r.cycle()
			r.sound()
			if got := r.delivered("local"); len(got) != 1 || len(r.spooled("local")) != 0 {
				t.Errorf("delivered: %+v, spool: %q", got, r.spooled("local"))
			}
		})
	}
}

// asRendererZero makes a delivered bundle one of another renderer.
func (r *trial) asRendererZero(serial int) {
	r.t.Helper()
	ctx := context.Background()
	row, _, err := r.cp.Destination(ctx, "local")
	if err != nil {
		r.t.Fatal(err)
	}
	b, found, err := r.cp.BundleBySerial(ctx, row.ID, serial)
	if err != nil || !found {
		r.t.Fatal(found, err)
	}
	var head frozenHead
	if err := json.Unmarshal(b.Head, &head); err != nil {
		r.t.Fatal(err)
	}
	if head.Renderer != archive.Renderer {
		r.t.Fatalf("it was rendered by %d", head.Renderer)
	}
	head.Renderer = 0
	if b.Head, err = json.Marshal(head); err != nil {
		r.t.Fatal(err)
	}
	err = r.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		if err := tx.SetRendered(row.ID, b, filepath.Base(b.Path), nil); err != nil {
			return err
		}
		_, err := tx.SetDelivered(b.ID, 1)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// TestBundleOfAnotherRendererIsReadBack: what has to be sent again is the copy that the
// destination has; where it has none, a person is told and the rest goes on.
func TestBundleOfAnotherRendererIsReadBack(t *testing.T) {
	r, h := handTrial(t, nil)
	h.putAll("a")
	r.cycle()
	h.putAll("b")
	r.cycle()
	before := r.files()
	r.asRendererZero(1)
	again := func() (Report, error) {
		for _, bundle := range []int64{1, 2} {
			must(t, r.cp.Update(context.Background(), func(tx *checkpoint.Tx) error { return tx.Replay(bundle) }))
		}
		return r.Cycle(context.Background(), nil)
	}
	if got, err := again(); err != nil || !got.Complete {
		t.Errorf("sent again: %+v, %v", got, err)
	}
	r.keeps(before)
	if left := r.spooled("local"); len(left) != 0 {
		t.Errorf("spool: %q", left)
	}
	damaged, err := filepath.Glob(filepath.Join(r.root, "local", "sandbox", "*", "*", "*", "local-000000001", archive.TranscriptsFile))
	if err != nil || len(damaged) != 1 {
		t.Fatal(damaged, err)
	}
	if err := os.WriteFile(damaged[0], []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	by := Acceptance{Person: "olga", Reason: "a broken disk"}
	if got, err := r.Replay(context.Background(), "local", Replaying{Overwrite: &by}); err == nil || got.Absent != 1 || got.Same != 1 || !strings.Contains(got.Each[0].Detail, "it was rendered by lpexport test") {
		t.Errorf("replayed: %+v, %v", got, err)
	}
	if got, err := again(); !errors.Is(err, ErrQuarantine) || got.Destinations[0].Pending != 0 {
		t.Errorf("sent again: %+v, %v", got, err)
	}
	list, err := r.QuarantineList(context.Background())
	if err != nil || len(list) != 1 || list[0].Item != "local-000000001" || !strings.Contains(list[0].Reason, "it was rendered by lpexport test") {
		t.Errorf("quarantine: %+v, %v", list, err)
	}
	// A person finds a copy elsewhere.
	if got, err := r.QuarantineRetry(context.Background()); err != nil || got.Resolved != 1 {
		t.Errorf("retried: %+v, %v", got, err)
	}
	for name, content := range before {
		at := filepath.Join(r.state, "spool", "local", "local-000000001", filepath.Base(name))
		if filepath.Base(filepath.Dir(name)) != "local-000000001" {
			continue
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o750), os.WriteFile(at, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
		if filepath.Base(name) == archive.TranscriptsFile {
			if err := os.WriteFile(damaged[0], []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.cycle()
	if _, err := r.AcceptBundle(context.Background(), by, "local-000000001"); err != nil {
		t.Fatal(err)
	}
	r.sound()
}

// TestBundleThatWasNeverRenderedIsOfThisVersion: of a bundle that another version
// cut and did not render there are no bytes yet.
func TestBundleThatWasNeverRenderedIsOfThisVersion(t *testing.T) {
	w := &worker{dest: Destination{Freeze: func(rendering []byte, created time.Time) ([]byte, error) {
		return append(rendering[:len(rendering)-1:len(rendering)-1], `,"year":`+created.Format("2006")+`}`...), nil
	}}}
	head, err := json.Marshal(frozenHead{Head: archive.Head{Serial: 1, Created: epoch}, Rendering: []byte(`{"old":true}`)})
	if err != nil {
		t.Fatal(err)
	}
	for state, want := range map[string]string{checkpoint.Cut: `{"old":true,"year":2026}`, checkpoint.Rendered: `{"old":true}`} {
		b := checkpoint.Bundle{State: state, Head: head}
		got, err := w.thaw(&b)
		if err != nil || string(got.Rendering) != want || (got.Renderer == archive.Renderer) != (state == checkpoint.Cut) {
			t.Errorf("%s: %s, renderer %d, %v", state, got.Rendering, got.Renderer, err)
		}
		var stored frozenHead
		if err := json.Unmarshal(b.Head, &stored); err != nil || stored.Renderer != got.Renderer {
			t.Errorf("%s: stored %+v, %v", state, stored, err)
		}
	}
}
