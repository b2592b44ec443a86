package checkpoint

import "context"

// Sample is how things stood at one moment.
type Sample struct {
	At               int64 // epoch ms
	Lag              int64 // ms
	Pending          int64
	Messages, Events int64 // counted by then, ever
}

// AddSample keeps a sample, and of the others those since from. Those after it were
// taken under a clock that has been set back.
func (tx *Tx) AddSample(s Sample, from int64) error {
	if err := tx.exec(`DELETE FROM sample WHERE at < ? OR at >= ?`, from, s.At); err != nil {
		return err
	}
	return tx.exec(`INSERT INTO sample (at, lag, pending, messages, events) VALUES (?, ?, ?, ?, ?)`, s.At, s.Lag, s.Pending, s.Messages, s.Events)
}

// Samples lists those since a time, the oldest first.
func (c *Checkpoint) Samples(ctx context.Context, from int64) (list []Sample, err error) {
	err = c.list(ctx, func(sc scanner) error {
		var s Sample
		if err := sc.Scan(&s.At, &s.Lag, &s.Pending, &s.Messages, &s.Events); err != nil {
			return err
		}
		list = append(list, s)
		return nil
	}, `SELECT at, lag, pending, messages, events FROM sample WHERE at >= ? ORDER BY at`, from)
	return list, err
}
