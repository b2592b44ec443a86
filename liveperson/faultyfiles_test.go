package liveperson_test

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

type buffer struct{ bytes.Buffer }

func (b *buffer) Reset() error { b.Buffer.Reset(); return nil }

// Judge takes web pages for what no file is: the account has none.
func (b *buffer) Judge(mediaType string) error {
	if mediaType == "text/html" {
		return liveperson.ErrNotAFile
	}
	return nil
}

// Every file of a faulty account comes whole and as it is, whatever its name, over
// a socket and in process; links that have expired are asked for again.
func TestFilesOfAFaultyAccount(t *testing.T) {
	start := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	now := start.AddDate(0, 0, 12)
	clock := func() time.Time { return now }
	faults := []sandbox.Fault{
		{Kind: sandbox.Status, Code: 503}, {Kind: sandbox.Status, Code: 429, RetryAfter: "2"}, {Kind: sandbox.HTML}, {Kind: sandbox.Empty},
		{Kind: sandbox.NoContent}, {Kind: sandbox.Cut, Fraction: 0}, {Kind: sandbox.Cut, Fraction: 0.7},
		{Kind: sandbox.Status, Code: 410, Route: sandbox.Download},
	}
	for i := range faults {
		faults[i].Share = 0.03
	}
	account := sandbox.New(sandbox.Settings{
		Epoch: start, Conversations: 100, Period: 10 * 24 * time.Hour, Messages: 60, Hostile: true, Faults: faults, Now: clock,
		Files: sandbox.Files{Mixed: true, Size: 200_000},
	})
	server := httptest.NewServer(account)
	defer server.Close()
	for name, cfg := range map[string]liveperson.Config{
		"socket": {DomainAPI: server.URL}, "in process": {DomainAPI: "http://127.0.0.1", Transport: account.Transport()},
	} {
		keys := sandbox.DefaultCredentials
		cfg.Account, cfg.Source, cfg.Now = "sandbox", "lpexport_test", clock
		cfg.OAuth2 = &liveperson.OAuth2Credentials{ClientID: keys.ClientID, ClientSecret: keys.ClientSecret}
		cfg.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
		c, err := liveperson.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		files, expired := 0, 0
		for conversation := range account.Truth(now) {
			var want []string
			for _, m := range conversation.Messages {
				if m.Path != "" {
					want = append(want, m.Path)
				}
			}
			got, again := fetchAll(t, c, account, conversation.ID)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			files, expired = files+len(got), expired+again
		}
		if files < 50 || expired == 0 {
			t.Errorf("%s: %d files, %d links expired", name, files, expired)
		}
	}
}

// fetchAll compares the files of a conversation with the account's and returns
// their paths, and how often links had to be asked for again. What may pass is
// tried until it does, as by one cycle after the other.
func fetchAll(t *testing.T, c *liveperson.Client, account *sandbox.Account, id string) (paths []string, again int) {
	t.Helper()
	ctx := context.Background()
	ask := func() (links []liveperson.Link) {
		lasting(t, func() (err error) { links, err = c.ConversationFiles(ctx, id); return err })
		return links
	}
	links := ask()
	for i := 0; i < len(links); {
		var got buffer
		var mediaType string
		err := lasting(t, func() (err error) { mediaType, err = c.File(ctx, links[i], 1<<20, &got); return err })
		if errors.Is(err, liveperson.ErrLinkExpired) {
			again++
			links = ask()
			continue
		}
		file, ok := account.File(links[i].Path)
		if !ok || mediaType != file.Type || !bytes.Equal(got.Bytes(), account.FileBytes(links[i].Path)) {
			t.Fatalf("%q: %s of %d bytes", links[i].Path, mediaType, got.Len())
		}
		paths = append(paths, links[i].Path)
		i++
	}
	return paths, again
}

// lasting calls f until it does not end with what may pass. Any other error but an
// expired link ends the test.
func lasting(t *testing.T, f func() error) error {
	t.Helper()
	for range 10 {
		err := f()
		var api *liveperson.APIError
		switch {
		case err == nil, errors.Is(err, liveperson.ErrLinkExpired):
			return err
		case !errors.As(err, &api) || !api.Temporary():
			t.Fatal(err)
		}
	}
	t.Fatal("it does not pass")
	return nil
}
