package sandbox_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

const day = 24 * time.Hour

// brand is what benchmark servers simulate: 90 days, long over.
func brand(conversations int) sandbox.Settings {
	now := epoch.Add(91 * day)
	return sandbox.Settings{
		Seed: 1, Epoch: epoch, Period: 90 * day, Conversations: conversations, Plain: true,
		Now: func() time.Time { return now },
	}
}

func benchmarkSearch(b *testing.B, conversations int, params, filter string) {
	r := connect(b, brand(conversations))
	answered := int64(0)
	ask := func() {
		w := &counting{ResponseRecorder: httptest.NewRecorder()}
		r.account.ServeHTTP(w, r.request("POST", searchPath+params, filter))
		answered = int64(w.total)
	}
	ask() // builds the index
	b.ReportAllocs()
	for b.Loop() {
		ask()
	}
	b.SetBytes(answered)
}

// BenchmarkPage is a full page of 100 records of 20 messages, all sections.
func BenchmarkPage(b *testing.B) {
	sections := `["` + strings.Join(everything, `","`) + `"]`
	benchmarkSearch(b, 5000, "limit=100&sort=start:asc", `{"start":{"from":`+itoa(int(epoch.UnixMilli()))+
		`,"to":`+itoa(int(epoch.Add(30*day).UnixMilli()))+`},"contentToRetrieve":`+sections+`}`)
}

// BenchmarkNothingNew asks 200,000 conversations what was updated lately.
func BenchmarkNothingNew(b *testing.B) {
	benchmarkSearch(b, 200_000, "limit=100&sort=start:asc", `{"start":{"from":`+itoa(int(epoch.Add(2*day).UnixMilli()))+
		`,"to":-1},"latestUpdateTime":{"from":`+itoa(int(epoch.Add(90*day+12*time.Hour).UnixMilli()))+`}}`)
}

// BenchmarkIndex builds the index of 200,000 conversations.
func BenchmarkIndex(b *testing.B) {
	for b.Loop() {
		for range sandbox.New(brand(200_000)).Truth(epoch.Add(91 * day)) {
			break
		}
	}
}
