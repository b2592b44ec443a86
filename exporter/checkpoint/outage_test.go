package checkpoint

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"testing/fstest"
)

func TestOutageIsKept(t *testing.T) {
	c := opened(t, t.TempDir())
	ctx := context.Background()
	for _, want := range []Outage{{}, {Since: 1, Until: 2, Tries: 3, Cause: "down"}, {}} {
		if err := c.Update(ctx, func(tx *Tx) error { return tx.SetOutage(want) }); err != nil {
			t.Fatal(err)
		}
		got, err := c.Outage(ctx)
		if err != nil || got != want {
			t.Errorf("got %+v, want %+v: %v", got, want, err)
		}
	}
}

// A state of the first schema knows of no outage.
func TestOutageOfAnOldState(t *testing.T) {
	first, err := migrations.ReadFile("migrations/00001_begin.sql")
	if err != nil {
		t.Fatal(err)
	}
	dir, ctx := t.TempDir(), context.Background()
	path := filepath.Join(dir, File)
	db, err := sql.Open("sqlite", dsn(path, ""))
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate(ctx, db, path, fstest.MapFS{"migrations/00001_begin.sql": {Data: first}}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO account (one, account, origin, created_at, watermark) VALUES (1, 'a', 'o', 1, 7)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	c := opened(t, dir)
	got, err := c.Outage(ctx)
	place, placeErr := c.Place(ctx)
	if err != nil || placeErr != nil || got != (Outage{}) || place.Watermark != 7 {
		t.Errorf("got %+v, %+v: %v, %v", got, place, err, placeErr)
	}
}
