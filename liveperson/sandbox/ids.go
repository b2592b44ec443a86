package sandbox

const hexDigits = "0123456789abcdef"

// appendUUID appends a version 4 UUID made of hi and lo.
func appendUUID(dst []byte, hi, lo uint64) []byte {
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(3<<62) | 1<<63
	for i := 60; i >= 0; i -= 4 {
		dst = append(dst, hexDigits[hi>>i&15])
		if i == 32 || i == 16 {
			dst = append(dst, '-')
		}
	}
	dst = append(dst, '-')
	for i := 60; i >= 0; i -= 4 {
		dst = append(dst, hexDigits[lo>>i&15])
		if i == 48 {
			dst = append(dst, '-')
		}
	}
	return dst
}

// The last 48 bits of a conversation's id are its number, scattered by a
// bijection, so that an id leads back to its number without a table.
const (
	numberMask = 1<<48 - 1
	scatter    = 0x9e3779b97f4b // odd
)

// gather is the inverse of scatter modulo 2^48, by Newton's iteration.
var gather = func() uint64 {
	x := uint64(1)
	for range 6 {
		x *= 2 - scatter*x
	}
	return x & numberMask
}()

func (a *Account) scattered(n int) uint64 {
	x := (uint64(n) ^ mix(a.set.Seed)) * scatter & numberMask
	return (x ^ x>>24) * scatter & numberMask
}

func (a *Account) gathered(x uint64) int {
	x = x * gather & numberMask
	x = (x ^ x>>24) * gather & numberMask
	return int((x ^ mix(a.set.Seed)) & numberMask)
}

// appendID appends the id of conversation n.
func (a *Account) appendID(dst []byte, n int) []byte {
	key := a.key(n)
	return appendUUID(dst, draw(key, saltID, 0), draw(key, saltID, 1)<<48|a.scattered(n))
}

// ID is the id of conversation n, counted from 0 in the order of their start.
func (a *Account) ID(n int) string { return string(a.appendID(nil, n)) }

// Number is the conversation an id names; false for an id this account never
// gives. The conversation may lie in the future.
func (a *Account) Number(id string) (int, bool) {
	if len(id) != 36 {
		return 0, false
	}
	var node uint64
	for _, c := range []byte(id[24:]) {
		switch {
		case c >= '0' && c <= '9':
			node = node<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			node = node<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	n := a.gathered(node)
	if a.set.Conversations > 0 && n >= a.set.Conversations {
		return 0, false
	}
	return n, a.ID(n) == id
}

// appendDialog appends the id of one of the conversation's dialogs.
func (a *Account) appendDialog(dst []byte, l *life, dialog int) []byte {
	if dialog == mainDialog {
		return a.appendID(dst, l.number)
	}
	return appendUUID(dst, l.draw(saltDialog, 2*dialog), l.draw(saltDialog, 2*dialog+1))
}

// appendConsumer appends the id of a consumer.
func (a *Account) appendConsumer(dst []byte, consumer int) []byte {
	key := mix(a.set.Seed ^ mix(uint64(consumer)<<20|saltConsumer))
	return appendUUID(dst, key, mix(key))
}
