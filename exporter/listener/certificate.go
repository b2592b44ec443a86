package listener

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// lookEvery is the shortest time between two looks at the files.
const lookEvery = 2 * time.Second

// pair is a certificate with its key, read again when one of the files changes.
// Whoever renews them writes one after the other, or one of them only: what does
// not belong together is left alone until it does.
type pair struct {
	certificate, key string
	log              *slog.Logger
	now              func() time.Time
	current          atomic.Pointer[tls.Certificate]

	mu      sync.Mutex // of all below; whoever holds it looks, the others use what is there
	looked  time.Time
	files   [2]os.FileInfo // that the current one was made of
	failing bool           // the last look found no pair, which is logged
	expired bool           // the current one is, which is logged
}

// newPair loads a pair that is valid now.
func newPair(certificate, key string, log *slog.Logger, now func() time.Time) (*pair, error) {
	p := &pair{certificate: certificate, key: key, log: log, now: now, looked: now()}
	loaded, files, err := p.load()
	if err != nil {
		return nil, err
	}
	p.current.Store(loaded)
	p.files = files
	return p, nil
}

// get is for tls.Config.
func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.inUse(), nil }

// inUse is the current pair, after a look at the files when the last one is some
// time ago.
func (p *pair) inUse() *tls.Certificate {
	if p.mu.TryLock() {
		defer p.mu.Unlock()
		now := p.now()
		if since := now.Sub(p.looked); since < 0 || since >= lookEvery {
			p.looked = now
			p.refresh()
			p.watch(now)
		}
	}
	return p.current.Load()
}

// again looks at the files now.
func (p *pair) again() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	p.looked = now
	p.refresh()
	p.watch(now)
}

// refresh takes over what the files hold when they are not those of the current
// pair. After a look that found none they are read in any case: the trouble is over
// too when the old ones are put back.
func (p *pair) refresh() {
	if files, err := p.stat(); err == nil && !p.failing && same(files, p.files) {
		return
	}
	loaded, files, err := p.load()
	if err != nil {
		if !p.failing {
			p.log.Error("the changed certificate cannot be used: the one before is kept", "certificate", p.certificate, "error", err,
				"remedy", p.remedy(files))
		}
		p.failing = true
		return
	}
	p.current.Store(loaded)
	p.files, p.failing, p.expired = files, false, false
	p.log.Info("certificate reloaded", "certificate", p.certificate, "expires", loaded.Leaf.NotAfter)
}

// remedy is the likely one when changed files are no pair.
func (p *pair) remedy(files [2]os.FileInfo) string {
	for i := range files {
		if files[i] == nil || p.files[i] == nil {
			return "both files must be there, and readable to the user that runs this"
		}
	}
	if only := unlike(files, p.files); only[0] != only[1] {
		return "only one of the two files has changed: if the other is a credential of systemd, which is copied when the service starts, restart it after each renewal"
	}
	return "write a certificate and its key, and reload"
}

// watch logs once when the current certificate ends without another.
func (p *pair) watch(now time.Time) {
	if end := p.current.Load().Leaf.NotAfter; now.After(end) && !p.expired {
		p.expired = true
		p.log.Error("the certificate has expired: clients will refuse it", "certificate", p.certificate, "expired", end)
	}
}

// load reads the files. It looks at them first: what is written meanwhile shows
// as a change at the next look.
func (p *pair) load() (*tls.Certificate, [2]os.FileInfo, error) {
	if p.certificate == "" || p.key == "" {
		return nil, [2]os.FileInfo{}, fmt.Errorf("%w: one of them is missing", ErrCertificate)
	}
	files, err := p.stat()
	if err != nil {
		return nil, files, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	loaded, err := tls.LoadX509KeyPair(p.certificate, p.key)
	if err != nil {
		return nil, files, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	now := p.now()
	switch leaf := loaded.Leaf; {
	case now.After(leaf.NotAfter):
		err = fmt.Errorf("%w: it expired at %s", ErrNotValid, leaf.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(leaf.NotBefore):
		err = fmt.Errorf("%w: it begins at %s", ErrNotValid, leaf.NotBefore.UTC().Format(time.RFC3339))
	}
	return &loaded, files, err
}

func (p *pair) stat() ([2]os.FileInfo, error) {
	certificate, err := os.Stat(p.certificate)
	key, err2 := os.Stat(p.key)
	return [2]os.FileInfo{certificate, key}, errors.Join(err, err2)
}

func same(a, b [2]os.FileInfo) bool { return unlike(a, b) == [2]bool{} }

// unlike reports which of two files has changed.
func unlike(a, b [2]os.FileInfo) (changed [2]bool) {
	for i := range a {
		changed[i] = !os.SameFile(a[i], b[i]) || !a[i].ModTime().Equal(b[i].ModTime()) || a[i].Size() != b[i].Size()
	}
	return changed
}
