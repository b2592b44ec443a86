package sandbox

import (
	"io"
	"strconv"
	"unicode/utf8"
)

// out is JSON on its way out: appended to a buffer that is handed on whenever
// it has grown, so that a record of any length passes through.
type out struct {
	w     io.Writer
	b     []byte
	err   error // the first of writing; what comes after it is dropped
	ascii bool  // write everything beyond ASCII as \u escapes
	tmp   []byte
}

const handOn = 32 << 10

func (o *out) raw(s string) *out { o.b = append(o.b, s...); return o }

func (o *out) num(n int64) *out { o.b = strconv.AppendInt(o.b, n, 10); return o }

func (o *out) bool(v bool) *out { o.b = strconv.AppendBool(o.b, v); return o }

func (o *out) str(s string) *out { o.b = appendQuoted(o.b, s, o.ascii); return o }

// when writes a time as the API does, twice: "<name>":"<text>","<name>L":<ms>.
// A time of 0 is absent, which the API writes as "undefined" and -1.
func (o *out) when(name string, ms int64) *out { return o.whenOff(name, ms, 0) }

// whenOff is when with a text that is off by some milliseconds.
func (o *out) whenOff(name string, ms, off int64) *out {
	o.b = append(append(append(o.b, '"'), name...), `":"`...)
	if ms == 0 {
		o.b = append(o.b, "undefined"...)
	} else {
		o.b = appendStamp(o.b, ms+off)
	}
	o.b = append(append(append(o.b, `","`...), name...), `L":`...)
	if ms == 0 {
		ms = -1
	}
	o.b = strconv.AppendInt(o.b, ms, 10)
	return o
}

// pass hands on what has gathered; false when there is no one left to read.
func (o *out) pass() bool {
	if len(o.b) >= handOn {
		o.flush()
	}
	return o.err == nil
}

func (o *out) flush() {
	if o.err == nil && len(o.b) > 0 {
		_, o.err = o.w.Write(o.b)
	}
	o.b = o.b[:0]
}

// appendQuoted appends s as a JSON string. Surrogates encoded as three bytes
// become lone \u escapes; other invalid UTF-8 does not occur.
func appendQuoted(dst []byte, s string, ascii bool) []byte {
	dst = append(dst, '"')
	plain := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && (c < utf8.RuneSelf || !ascii && c != 0xed) {
			i++
			continue
		}
		dst = append(dst, s[plain:i]...)
		dst, i = appendEscaped(dst, s, i, ascii)
		plain = i
	}
	dst = append(dst, s[plain:]...)
	return append(dst, '"')
}

// appendEscaped appends the character at i and returns where the next begins.
func appendEscaped(dst []byte, s string, i int, ascii bool) ([]byte, int) {
	switch c := s[i]; c {
	case '"', '\\':
		return append(dst, '\\', c), i + 1
	case '\n':
		return append(dst, `\n`...), i + 1
	case '\r':
		return append(dst, `\r`...), i + 1
	case '\t':
		return append(dst, `\t`...), i + 1
	}
	if s[i] == 0xed && i+2 < len(s) && s[i+1] >= 0xa0 {
		return appendHex(dst, rune(s[i]&15)<<12|rune(s[i+1]&63)<<6|rune(s[i+2]&63)), i + 3
	}
	r, size := utf8.DecodeRuneInString(s[i:])
	switch {
	case r >= utf8.RuneSelf && !ascii:
		return append(dst, s[i:i+size]...), i + size
	case r > 0xffff:
		r -= 0x10000
		return appendHex(appendHex(dst, 0xd800+r>>10), 0xdc00+r&0x3ff), i + size
	}
	return appendHex(dst, r), i + size
}

func appendHex(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// decoded is a text as a reader of the JSON has it: lone surrogates are U+FFFD.
func decoded(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			size = 3
		}
		b = utf8.AppendRune(b, r)
		i += size
	}
	return string(b)
}
