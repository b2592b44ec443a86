package exporter

import (
	"context"
	"testing"
	"time"

	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// keeping is a sink that keeps records.
type keeping struct{ records [][]byte }

func (k *keeping) Reset() { k.records = nil }
func (k *keeping) Record(raw []byte) error {
	k.records = append(k.records, append([]byte(nil), raw...))
	return nil
}
func (k *keeping) Oversized([]byte) error { return nil }

// sandboxRecords are a hundred records of a simulated account.
func sandboxRecords(b *testing.B) [][]byte {
	b.Helper()
	r := &trial{clock: &clockwork{now: epoch.Add(100 * day)}}
	r.account = sandbox.New(sandbox.Settings{Seed: 1, Conversations: 100, Period: 20 * day, Epoch: epoch, Now: r.clock.Now})
	client, err := liveperson.New(liveperson.Config{Account: "sandbox", DomainAPI: "http://127.0.0.1", Source: "test", Concurrency: 1,
		OAuth2:    &liveperson.OAuth2Credentials{ClientID: sandbox.DefaultCredentials.ClientID, ClientSecret: sandbox.DefaultCredentials.ClientSecret},
		Transport: r.account.Transport(), Now: r.clock.Now})
	if err != nil {
		b.Fatal(err)
	}
	k := &keeping{}
	q := liveperson.Query{Start: liveperson.Range{From: epoch, To: epoch.Add(80 * 24 * time.Hour)}, Limit: 100}
	if _, err := client.Search(context.Background(), q, k); err != nil || len(k.records) != 100 {
		b.Fatal(len(k.records), err)
	}
	return k.records
}

// BenchmarkCapture reads what has to be known of records, without storing them.
func BenchmarkCapture(b *testing.B) {
	records := sandboxRecords(b)
	size := 0
	for _, r := range records {
		size += len(r)
	}
	p := &page{n: newNormaliser(nil, nil), packer: newPacker(), account: "sandbox"}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range records {
			c := p.capture(r)
			if c.reason != "" {
				b.Fatal(c.reason)
			}
		}
	}
}
