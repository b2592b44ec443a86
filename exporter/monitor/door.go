package monitor

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"

	"lpexport/exporter/listener"
)

const (
	hashesAtOnce = 2  // passwords take no more than two cores
	highestCost  = 15 // of a password hash: some seconds
)

// door lets in who knows the one name and password.
type door struct {
	user    [sha256.Size]byte // its hash: names of any length compare in the same time
	hash    []byte
	compare func(hash, password []byte) error
	slots   chan struct{}
	guesses *guesses

	// What was let in last, by a hash with a key of this process: a scraper that
	// comes every 15 s does not cost a bcrypt each. It cannot go stale, since name
	// and hash stay as they are while the process lives.
	key  [sha256.Size]byte
	last atomic.Pointer[[sha256.Size]byte]
}

// newDoor returns nil when nobody is asked.
func newDoor(user, hash string, now func() time.Time) (*door, error) {
	switch {
	case user == "" && hash == "":
		return nil, nil
	case hash == "":
		return nil, errors.New("a user without a password hash: nobody could be told from that user")
	case user == "":
		return nil, errors.New("a password hash without a user")
	}
	cost, err := bcrypt.Cost([]byte(hash))
	if err != nil {
		return nil, errors.New("the password hash is not one of bcrypt") // the cause may quote it
	}
	if cost > highestCost {
		return nil, fmt.Errorf("the password hash has cost %d: at most %d, else each log-in takes minutes", cost, highestCost)
	}
	d := &door{user: sha256.Sum256([]byte(user)), hash: []byte(hash), compare: bcrypt.CompareHashAndPassword,
		slots: make(chan struct{}, hashesAtOnce), guesses: newGuesses(now)}
	_, _ = rand.Read(d.key[:]) // never fails: crypto/rand
	return d, nil
}

// admits reports whether a request bears the name and the password; wait is for how
// long that is not looked at, since too many were wrong. A wrong name costs what a
// wrong password does.
func (d *door) admits(r *http.Request) (in bool, wait time.Duration) {
	user, password, given := r.BasicAuth()
	if !given {
		return false, 0
	}
	mark := d.mark(user, password)
	if d.known(mark) {
		return true, 0
	}
	from := listener.NetworkOf(r.RemoteAddr)
	if wrong, wait := d.guesses.try(from, mark); wrong || wait > 0 {
		return false, wait
	}
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-r.Context().Done():
		return false, 0
	}
	switch { // by another request, while this one waited
	case d.known(mark):
		d.guesses.right(from)
		return true, 0
	case d.guesses.knownWrong(from, mark):
		return false, 0
	}
	fits := d.compare(d.hash, []byte(password)) == nil
	named := sha256.Sum256([]byte(user))
	if subtle.ConstantTimeCompare(named[:], d.user[:]) != 1 || !fits {
		d.guesses.wrong(from, mark)
		return false, 0
	}
	d.last.Store(&mark)
	d.guesses.right(from)
	return true, 0
}

func (d *door) known(mark [sha256.Size]byte) bool {
	last := d.last.Load()
	return last != nil && hmac.Equal(last[:], mark[:])
}

// mark is a keyed hash of what was given, with the name's length: no other pair
// has the same bytes.
func (d *door) mark(user, password string) (mark [sha256.Size]byte) {
	h := hmac.New(sha256.New, d.key[:])
	_ = binary.Write(h, binary.BigEndian, uint64(len(user))) // never fails: hash.Hash
	h.Write([]byte(user))
	h.Write([]byte(password))
	h.Sum(mark[:0])
	return mark
}
