package checkpoint

import "context"

// Sweep is how far a sweep has come. Which there are is the caller's.
type Sweep struct {
	Name      string
	BeganAt   int64 // of the present round, or of the last one
	SinceAt   int64 // update time from which the present round reads; 0: all
	ReachedAt int64 // start time up to which the present round has come; 0: between two
}

// Sweeps reads them by name.
func (c *Checkpoint) Sweeps(ctx context.Context) (map[string]Sweep, error) {
	sweeps := map[string]Sweep{}
	err := c.list(ctx, func(s scanner) error {
		var w Sweep
		if err := s.Scan(&w.Name, &w.BeganAt, &w.SinceAt, &w.ReachedAt); err != nil {
			return err
		}
		sweeps[w.Name] = w
		return nil
	}, `SELECT name, began_at, coalesce(since_at, 0), coalesce(reached_at, 0) FROM sweep`)
	return sweeps, err
}

// PutSweep stores how far a sweep has come.
func (tx *Tx) PutSweep(s Sweep) error {
	return tx.exec(`INSERT INTO sweep (name, began_at, since_at, reached_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET began_at = excluded.began_at, since_at = excluded.since_at, reached_at = excluded.reached_at`,
		s.Name, s.BeganAt, null(s.SinceAt), null(s.ReachedAt))
}

// BeginSweep stores from when on a sweep has something to read again, if that is not
// known yet.
func (tx *Tx) BeginSweep(name string, at int64) error {
	return tx.exec(`INSERT INTO sweep (name, began_at) VALUES (?, ?) ON CONFLICT (name) DO NOTHING`, name, at)
}
