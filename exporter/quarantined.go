package exporter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// mostShown is how many bytes of an entry QuarantineShow gives, and how many
// conversations it names.
const (
	mostShown         = 1 << 20
	mostConversations = 100
)

// QuarantinedContent is an entry with what is known of its content.
type QuarantinedContent struct {
	Quarantined
	Conversations []string // in an item, in order: at most 100
	More          int      // conversations that are not named
	Subject       string   // of a mail
	Record        []byte   // its bytes, or the beginning of them; of a bundle, none
	Cut           bool     // Record is the beginning only
	Why           string   // why the content is not there; "" it is
}

// QuarantineShow is one entry with its content. What a destination did not take is
// rendered again for that, unless it lies in the spool.
func (e *Exporter) QuarantineShow(ctx context.Context, id int64) (q QuarantinedContent, err error) {
	row, err := e.waits(ctx, id)
	if err != nil {
		return q, err
	}
	q.Quarantined = fromRow(row)
	err = e.content(ctx, row, func(c *shownContent) error {
		q.Why = c.why
		if c.manifest != nil {
			q.Conversations, q.More = conversationsIn(c.manifest, c.file)
		}
		if c.whole || c.why != "" {
			return nil
		}
		return q.read(c)
	})
	return q, err
}

// read takes the beginning of the content, and what a mail says of itself.
func (q *QuarantinedContent) read(c *shownContent) error {
	in, err := c.open()
	if err != nil {
		return err
	}
	defer in.Close()
	if q.Record, err = io.ReadAll(io.LimitReader(in, mostShown+1)); err != nil {
		return err
	}
	if q.Cut = len(q.Record) > mostShown; q.Cut {
		q.Record = q.Record[:mostShown]
	}
	if strings.HasSuffix(c.file, ".eml") {
		q.Subject = mailSubject(q.Record)
	}
	return nil
}

// QuarantineSave writes the content of an entry to a new file that only its owner can
// read; of a whole bundle, its files into a new folder.
func (e *Exporter) QuarantineSave(ctx context.Context, id int64, path string) error {
	row, err := e.waits(ctx, id)
	if err != nil {
		return err
	}
	return e.content(ctx, row, func(c *shownContent) error {
		switch {
		case c.why != "":
			return &NothingToSaveError{ID: id, Why: c.why}
		case c.whole:
			return saveFolder(c.dir, path)
		}
		in, err := c.open()
		if err != nil {
			return err
		}
		defer in.Close()
		return saveFile(in, path)
	})
}

// NothingToSaveError is an entry whose content is not there.
type NothingToSaveError struct {
	ID  int64
	Why string
}

func (e *NothingToSaveError) Error() string {
	return fmt.Sprintf("item %d has nothing to save: %s", e.ID, e.Why)
}

// saveFile writes a new file, and makes it durable.
func saveFile(in io.Reader, path string) (err error) {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	err = errors.Join(err, out.Sync(), out.Close())
	if err != nil {
		err = errors.Join(err, os.Remove(path)) // it is ours: it was not there before
	}
	return err
}

// saveFolder copies the files of a folder into a new one.
func saveFolder(from, to string) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == from {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Mkdir(filepath.Join(to, name), 0o700)
		}
		in, err := os.Open(path)
		if err != nil {
			return err
		}
		defer in.Close()
		return saveFile(in, filepath.Join(to, name))
	})
}

// shownContent is the content of an entry while it is looked at.
type shownContent struct {
	why      string            // why it is not there; "" it is
	file     string            // of an item: its name in the bundle
	whole    bool              // it is a whole bundle: all of dir
	dir      string            // where the bundle of an item lies
	manifest *archive.Manifest // of an item's bundle
	raw      []byte            // of what is no item
}

func (c *shownContent) open() (io.ReadCloser, error) {
	if c.dir == "" {
		return io.NopCloser(bytes.NewReader(c.raw)), nil
	}
	return os.Open(filepath.Join(c.dir, filepath.FromSlash(c.file)))
}

// content calls look with the content of an entry, which is there as long as look runs.
func (e *Exporter) content(ctx context.Context, row checkpoint.Quarantined, look func(*shownContent) error) error {
	switch {
	case row.Kind == checkpoint.KindItem:
		return e.itemContent(ctx, row, look)
	case row.Kind == checkpoint.KindConversation:
		return e.conversationContent(ctx, row, look)
	case len(row.Frame) == 0:
		return look(&shownContent{why: "LivePerson never gave it"})
	}
	raw, err := e.packer.unpack(nil, row.Frame)
	if err != nil {
		return err
	}
	return look(&shownContent{raw: raw})
}

// conversationContent is the newest record of a conversation, as it was received.
func (e *Exporter) conversationContent(ctx context.Context, row checkpoint.Quarantined, look func(*shownContent) error) error {
	id, recorded, err := e.cp.Recorded(ctx, row.SourceID)
	if err != nil {
		return err
	}
	if recorded == 0 {
		return look(&shownContent{why: "it is known by events alone"})
	}
	c := &shownContent{}
	err = e.cp.Parts(ctx, id, recorded, func(_ int, p checkpoint.Part) error {
		if p.Section != "" {
			c.why = "its record is too large to be in one piece"
			return nil
		}
		c.raw, err = e.packer.unpack(nil, p.Frame)
		return err
	})
	if err != nil {
		return err
	}
	return look(c)
}

// itemContent is an item as it was to be handed over. What no longer lies in the spool
// is rendered again, beside it.
func (e *Exporter) itemContent(ctx context.Context, row checkpoint.Quarantined, look func(*shownContent) error) (err error) {
	b, file, found, err := e.rejected(ctx, row)
	if err != nil {
		return err
	}
	c := &shownContent{file: file, whole: file == ""}
	d, _, err := e.known(ctx, row.Name)
	switch unknown := (*UnknownDestinationError)(nil); {
	case !found || len(b.Head) == 0:
		c.why = "its bundle is no longer in the state"
		return look(c)
	case errors.As(err, &unknown):
		c.why = "its destination is not in the configuration"
		return look(c)
	case err != nil:
		return err
	}
	c.dir = filepath.Join(e.spoolDir(d.Name), filepath.Base(b.Path))
	if !lies(c.dir) {
		if c.dir, err = e.besideSpool(); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(c.dir)) }()
		w := &worker{Exporter: e, dest: d}
		made, err := w.write(ctx, &b, c.dir)
		switch {
		case err != nil:
			return fmt.Errorf("render %s: %w", filepath.Base(b.Path), err)
		case made.ManifestSHA256 != b.ManifestSHA256:
			c.why = "this version would render it otherwise than it was handed over"
			return look(c)
		}
	}
	raw, err := os.ReadFile(filepath.Join(c.dir, archive.ManifestFile))
	if err != nil {
		return err
	}
	if c.manifest, err = archive.ParseManifest(raw); err != nil {
		return err
	}
	return look(c)
}

// besideSpool makes a folder to render into. Those that a process which was killed has
// left there are removed in a day.
func (e *Exporter) besideSpool() (string, error) {
	const prefix = ".quarantine-"
	left, err := filepath.Glob(filepath.Join(e.State, prefix+"*"))
	if err != nil {
		return "", err
	}
	for _, dir := range left {
		if info, err := os.Stat(dir); err == nil && e.Now().Sub(info.ModTime()) > 24*time.Hour {
			if err := os.RemoveAll(dir); err != nil {
				return "", err
			}
		}
	}
	return os.MkdirTemp(e.State, prefix)
}

// conversationsIn names the conversations that have something in a file of a bundle;
// "" is the whole bundle.
func conversationsIn(m *archive.Manifest, file string) (named []string, more int) {
	known := map[string]bool{}
	for i := range m.Slices {
		l := &m.Slices[i]
		in := file == "" || l.File == file || slices.ContainsFunc(l.Parts, func(p archive.Part) bool { return p.File == file })
		switch {
		case !in || known[l.Conversation]:
			continue
		case len(named) < mostConversations:
			named = append(named, l.Conversation)
		default:
			more++
		}
		known[l.Conversation] = true
	}
	return named, more
}

// mailSubject is the subject in the head of a mail; "" where it cannot be read.
func mailSubject(raw []byte) string {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return ""
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return ""
	}
	return subject
}
