package monitor

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

// How many passwords may be tried. Each costs some tenths of a second of a processor:
// that is what makes a stolen hash useless, and a page that hashes for anybody a burden.
const (
	freeGuesses  = 5               // of one address
	firstWait    = time.Second     // after them, doubled with each guess,
	longestWait  = 5 * time.Minute // up to this
	forgottenIn  = time.Hour       // a guess is
	allGuesses   = 30              // of all addresses together at once,
	everyGuess   = 2 * time.Second // and one more after each of these
	mostGuessers = 4096            // addresses that are remembered
)

// guesses counts the passwords that were wrong, by the address they came from, before
// anything is hashed. A wrong one that comes again, as from a scraper that was given
// it, costs and counts nothing.
type guesses struct {
	now func() time.Time

	mu   sync.Mutex
	of   map[netip.Prefix]*guesser
	paid time.Time // until then all guesses so far take, one after the other
}

type guesser struct {
	tried         int // and not found right
	last          time.Time
	trying, wrong [sha256.Size]byte // marks of the last guess, and of the last that was found wrong; zero: none
}

func newGuesses(now func() time.Time) *guesses {
	return &guesses{now: now, of: map[netip.Prefix]*guesser{}}
}

// try counts a guess before it is known whether it is right. It is not to be looked at
// when it is known to be wrong, or before wait has passed.
func (g *guesses) try(from netip.Prefix, mark [sha256.Size]byte) (wrong bool, wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	who := g.of[from]
	if who == nil {
		who = &guesser{last: now}
	}
	if since := now.Sub(who.last); since < 0 || since >= forgottenIn { // also when the clock was set back
		*who = guesser{last: now}
	}
	switch mark {
	case who.wrong:
		return true, 0
	case who.trying: // by another request at the same time
		return false, 0
	}
	if over := who.tried - freeGuesses; over >= 0 {
		pause := longestWait
		if over < 9 { // beyond, doubling only overflows
			pause = min(firstWait<<over, longestWait)
		}
		if wait = pause - now.Sub(who.last); wait > 0 {
			return false, wait
		}
	}
	if wait = g.pay(now); wait > 0 {
		return false, wait
	}
	who.tried++
	who.last, who.trying = now, mark
	if g.of[from] == nil && len(g.of) >= mostGuessers {
		g.forget()
	}
	g.of[from] = who
	return false, 0
}

// pay takes one of the guesses that all addresses have together, or tells when there
// is one again.
func (g *guesses) pay(now time.Time) (wait time.Duration) {
	const most = allGuesses * everyGuess
	if ahead := g.paid.Sub(now); ahead < 0 || ahead > most { // or the clock was set back
		g.paid = now
	}
	if wait = g.paid.Sub(now) + everyGuess - most; wait > 0 {
		return wait
	}
	g.paid = g.paid.Add(everyGuess)
	return 0
}

// knownWrong reports whether a guess was found to be wrong meanwhile.
func (g *guesses) knownWrong(from netip.Prefix, mark [sha256.Size]byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	who := g.of[from]
	return who != nil && who.wrong == mark
}

// forget drops the address whose last guess is the longest ago.
func (g *guesses) forget() {
	var oldest netip.Prefix
	var last *guesser
	for from, who := range g.of {
		if last == nil || who.last.Before(last.last) {
			oldest, last = from, who
		}
	}
	delete(g.of, oldest)
}

// wrong keeps a mark as that of a wrong guess.
func (g *guesses) wrong(from netip.Prefix, mark [sha256.Size]byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if who := g.of[from]; who != nil {
		who.wrong = mark
	}
}

// right forgets the guesses of an address: somebody there knows the password.
func (g *guesses) right(from netip.Prefix) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.of, from)
}
