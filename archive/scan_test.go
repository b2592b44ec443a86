package archive

import (
	"fmt"
	"hash/maphash"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

var seed = maphash.MakeSeed()

func scan(text string) *scanner {
	s := new(scanner)
	// One byte at a time, so that every token is cut at every place.
	s.reset(iotest.OneByteReader(strings.NewReader(text)))
	return s
}

func TestScannerReadsAcrossReads(t *testing.T) {
	text := `{"a":"x\"y\\","skip":{"b":["}",{"c":"\\\""},-1.5e+3,null],"d":"` + strings.Repeat(`\\\"`, 3*scanBuffer/4) +
		`"},"n":12,"l":["p","\u00e9\n"],"z":null}` + "\n"
	s := scan(text)
	var got []string
	s.members(func(key []byte) {
		got = append(got, string(key))
		switch string(key) {
		case "a":
			got = append(got, string(s.text()))
		case "n":
			got = append(got, fmt.Sprint(s.integer()))
		case "l":
			s.elements(func() { got = append(got, string(s.text())) })
		case "z":
			got = append(got, fmt.Sprint(s.null()))
		default:
			s.skip()
		}
	})
	s.expect('\n')
	if s.err != nil {
		t.Fatal(s.err)
	}
	if got, want := fmt.Sprintf("%q", got), `["a" "x\"y\\" "skip" "n" "12" "l" "p" "é\n" "z" "true"]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestScannerEndsOnAnything(t *testing.T) {
	for _, text := range []string{
		"", "{", `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":[`, `{"a":"\`, `{"a":1`, `{"a":1,`, `{"a":}`, `{"a" 1}`, `{,}`, "}", "\x00",
		`{"a":` + strings.Repeat("[", 1000), `{"` + strings.Repeat("x", scanBuffer+1) + `":1}`, `{"a":99999999999999999999}`,
	} {
		s := scan(text)
		s.members(func(key []byte) { s.skip() })
		s.expect('\n')
		if s.err == nil {
			t.Errorf("%.40q passed", text)
		}
	}
}

// 200,000 conversations of one destination, as a verify of a large account
// meets them, must fit beside everything else in a small machine.
func TestChainIsSmall(t *testing.T) {
	const conversations, perBundle, messages = 200_000, 10_000, 20
	c := &chain{report: func(p Problem) { t.Errorf("%+v", p) }}
	before := heap()
	for serial := 1; serial <= conversations/perBundle; serial++ {
		c.link(manyFacts(serial, perBundle, messages))
	}
	if grown := heap() - before; grown > 32<<20 {
		t.Errorf("%d MiB for %d conversations", grown>>20, conversations)
	}
	runtime.KeepAlive(c)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// manyFacts is a bundle of n conversations that nobody has heard of before,
// each with some messages and six happenings.
func manyFacts(serial, n, messages int) *checked {
	b := &checked{place: place{"a", "2026/01/01", "d", serial}, known: true}
	b.facts.seed = seed
	b.manifest = &Manifest{Serial: serial, Origin: "o"}
	for i := range n {
		id := fmt.Sprintf("%d/%d", serial, i)
		one := fact{conversation: b.facts.hash(id, "", 2), id: id, number: 1}
		main := trackOf(&one.fresh, b.facts.hash(id, "", 0))
		for k := range messages {
			main.Add(int64(k * (1 + k%2)))
		}
		for k := range 6 {
			one.names = append(one.names, b.facts.hash(id, fmt.Sprint(k), 1))
		}
		b.facts.add(&one)
	}
	return b
}
