package exporter

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"lpexport/exporter/checkpoint"
)

// Files that were kept before anybody doubted what came are looked through once, by
// their first bytes in the state. What cannot be the file stays kept, since archives
// and bundles have it; the file is looked for again beside it, and what comes of that
// is a happening of its own that says what it takes the place of.

// someKept is how many such files are looked through in one go.
const someKept = 2000

// suspect looks through the next of them.
func (f *fetcher) suspect(ctx context.Context) error {
	list, last, err := f.cp.Unjudged(ctx, someKept)
	if err != nil || last == 0 {
		return err
	}
	var wanted []checkpoint.HostedFile
	for i := range list {
		no, err := f.contents().isNot(&list[i])
		if err != nil {
			return err
		}
		if no {
			wanted = append(wanted, list[i])
		}
	}
	return f.cp.Update(ctx, func(tx *checkpoint.Tx) error {
		for _, w := range wanted {
			w.Link, w.NotedAt = insteadLink(w.SHA256), f.millis()
			if err := tx.WantInstead(w); err != nil {
				return err
			}
		}
		return tx.Judged(last)
	})
}

// isNot reports whether the kept bytes of a file cannot be it. Of bytes that are not
// there any more nothing can be said.
func (c contents) isNot(f *checkpoint.HostedFile) (bool, error) {
	r, err := c.open(f.SHA256)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer r.Close()
	begin, err := io.ReadAll(io.LimitReader(r, sniffed))
	if err != nil {
		return false, err
	}
	return judge(answered{path: f.Path, label: f.Label, begin: begin, bytes: f.Bytes}).verdict == notAFile, nil
}
