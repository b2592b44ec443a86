package checkpoint

import (
	"context"
	"slices"
	"testing"
)

// A state of the schema before knows no doubt: it goes on, and what it kept is to be
// looked through once, in portions.
func TestFilesOfAStateWithoutDoubt(t *testing.T) {
	ctx, c := context.Background(), opened(t, ofFirstSchema(t, query{sql: `INSERT INTO account (one, account, origin, created_at) VALUES (1, 'a', 'o', 1);
			INSERT INTO conversation (id, source_id, revision, status, survey_open, partial, changed, seen) VALUES (1, 'c', 1, 'OPEN', 0, 0, 0, x'');
			INSERT INTO file (id, conversation, path, link, dialog, sender, sent_at, label, noted_at, state, sha256, bytes) VALUES
			(1, 1, 'x.jpg', '', 'c', 'p', 1, 'JPG', 1, 'kept', 'aa', 7), (2, 1, 'y.jpg', '', 'c', 'p', 1, 'JPG', 1, 'waiting', '', 0),
			(3, 1, '', '/z#bb', '', '', 1, '', 1, 'kept', 'bb', 7), (5, 1, 'w.jpg', '', 'c', 'p', 1, 'JPG', 1, 'kept', 'cc', 7)`}))
	var got []string
	for range 9 {
		list, last, err := c.Unjudged(ctx, 2)
		if err != nil {
			t.Fatal(err)
		}
		if last == 0 {
			break
		}
		for _, f := range list {
			got = append(got, f.Path)
		}
		if err := c.Update(ctx, func(tx *Tx) error { return tx.Judged(last) }); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, []string{"x.jpg", "w.jpg"}) {
		t.Errorf("to be looked through: %q", got)
	}
	files, err := c.FilesOf(ctx, 1)
	if err != nil || len(files) != 4 || files[0].Doubt != "" || files[0].DoubtAt != 0 || files[0].SHA256 != "aa" {
		t.Errorf("%+v, %v", files, err)
	}
	// A new state has nothing to look through.
	if list, last, err := opened(t, t.TempDir()).Unjudged(ctx, 2); len(list) != 0 || last != 0 || err != nil {
		t.Errorf("of a new state: %+v, %d, %v", list, last, err)
	}
}

func TestDoubtfulFilesAreListed(t *testing.T) {
	ctx, c := context.Background(), opened(t, t.TempDir())
	err := c.Update(ctx, func(tx *Tx) error {
		v := Conversation{SourceID: "talk", Revision: 1, Status: "OPEN", Seen: []byte{}}
		if err := tx.PutConversation(&v); err != nil {
			return err
		}
		for _, f := range []HostedFile{
			{Path: "a", State: FileDoubtful, Doubt: "a web page", DoubtSHA256: "aa", DoubtAt: 5, DoubtFits: true}, {Path: "b", State: FileWaiting},
			{Link: "c#", State: FileDoubtful, Doubt: "plain text", DoubtSHA256: "cc", DoubtAt: 6}, {Path: "d", State: FileDoubtful},
		} {
			f.Conversation = v.ID
			if err := tx.PutFile(&f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	list, err := c.List(ctx, ListFiles, [2]int64{}, 10, FileDoubtful)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range list {
		got = append(got, l.Of+" "+l.ID+" "+l.Why)
	}
	if want := []string{"talk a a web page", "talk c# plain text", "talk d "}; !slices.Equal(got, want) {
		t.Errorf("listed %q", got)
	}
	if n, err := c.Files(ctx, 0); err != nil || n.Doubtful != 3 || n.Waiting != 1 {
		t.Errorf("%+v, %v", n, err)
	}
}
