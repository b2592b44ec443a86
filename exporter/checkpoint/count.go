package checkpoint

import "context"

// Count is one number that only grows.
type Count struct {
	Name, Label, Second string
	Value               int64
}

// AddCounts adds to what has been counted so far. Zeros leave no trace.
func (tx *Tx) AddCounts(counts []Count) error {
	for _, n := range counts {
		if n.Value == 0 {
			continue
		}
		if err := tx.exec(`INSERT INTO counter (name, label, second, value) VALUES (?, ?, ?, ?)
			ON CONFLICT (name, label, second) DO UPDATE SET value = value + excluded.value`, n.Name, n.Label, n.Second, n.Value); err != nil {
			return err
		}
	}
	return nil
}

// Counts lists all that has been counted, in order.
func (c *Checkpoint) Counts(ctx context.Context) (counts []Count, err error) {
	err = c.list(ctx, func(s scanner) error {
		var n Count
		if err := s.Scan(&n.Name, &n.Label, &n.Second, &n.Value); err != nil {
			return err
		}
		counts = append(counts, n)
		return nil
	}, `SELECT name, label, second, value FROM counter ORDER BY name, label, second`)
	return counts, err
}

// Day is what was captured of the conversations that began on one UTC day.
type Day struct {
	Day           int64 // since 1970
	Conversations int64
	Messages      int64
}

// AddDay adds to what was captured of a day's conversations.
func (tx *Tx) AddDay(d Day) error {
	return tx.exec(`INSERT INTO day (day, conversations, messages) VALUES (?, ?, ?)
		ON CONFLICT (day) DO UPDATE SET conversations = conversations + excluded.conversations, messages = messages + excluded.messages`,
		d.Day, d.Conversations, d.Messages)
}

// Days lists what was captured since a day.
func (c *Checkpoint) Days(ctx context.Context, from int64) (days []Day, err error) {
	err = c.list(ctx, func(s scanner) error {
		var d Day
		if err := s.Scan(&d.Day, &d.Conversations, &d.Messages); err != nil {
			return err
		}
		days = append(days, d)
		return nil
	}, `SELECT day, conversations, messages FROM day WHERE day >= ? ORDER BY day`, from)
	return days, err
}

// DaysHolding lists days, from first to last and the newest first, on which
// conversations began that were captured.
func (c *Checkpoint) DaysHolding(ctx context.Context, first, last int64, limit int) ([]int64, error) {
	return c.dayNumbers(ctx, `SELECT day FROM day WHERE day BETWEEN ? AND ? AND conversations > 0 ORDER BY day DESC LIMIT ?`, first, last, limit)
}

// LastRecordedDays lists the days, from first on, on which those conversations began
// whose first record was stored last.
func (c *Checkpoint) LastRecordedDays(ctx context.Context, first int64, limit int) ([]int64, error) {
	return c.dayNumbers(ctx, `SELECT started_at / ? FROM conversation WHERE recorded > 0 AND started_at >= ? ORDER BY id DESC LIMIT ?`,
		dayMillis, first*dayMillis, limit)
}

func (c *Checkpoint) dayNumbers(ctx context.Context, query string, args ...any) (days []int64, err error) {
	err = c.list(ctx, func(s scanner) error {
		var d int64
		if err := s.Scan(&d); err != nil {
			return err
		}
		days = append(days, d)
		return nil
	}, query, args...)
	return days, err
}

const dayMillis = 24 * 60 * 60 * 1000

// PendingDays counts the conversations that a destination has not been given
// wholly, by the day that they began: due ones, and those in bundles it has not taken.
func (c *Checkpoint) PendingDays(ctx context.Context, destination, from int64) (days map[int64]int64, err error) {
	days = map[int64]int64{}
	err = c.list(ctx, func(s scanner) error {
		var day, n int64
		if err := s.Scan(&day, &n); err != nil {
			return err
		}
		days[day] = n
		return nil
	}, `SELECT v.started_at / ?, count(*) FROM conversation v WHERE v.started_at >= ? AND v.id IN (
		SELECT conversation FROM due WHERE destination = ?
		UNION SELECT o.id FROM bundle b JOIN slice s ON s.bundle = b.id JOIN line l ON l.id = s.line JOIN conversation o ON o.source_id = l.conversation
			WHERE b.destination = ? AND b.state != 'delivered' AND b.state != 'preparing')
		GROUP BY 1`, dayMillis, from*dayMillis, destination, destination)
	return days, err
}

// Results of runs.
const (
	RunComplete   = "complete"
	RunIncomplete = "incomplete" // something was not captured or delivered
	RunFailed     = "failed"     // it could not go on
	RunRefused    = "refused"    // LivePerson refused the login
)

// RunEnd is how a run ended.
type RunEnd struct {
	Result string // "" while it runs, or when it was cut short
	Error  string // why it was not complete, in one line; "" where nothing says so
}

// Run is one run.
type Run struct {
	ID             int64
	Kind           string
	Started, Ended int64 // Ended 0: it is running, or was cut short
	RunEnd
}

const runColumns = `id, kind, started_at, coalesce(ended_at, 0), result, error`

func scanRun(s scanner) (r Run, err error) {
	err = s.Scan(&r.ID, &r.Kind, &r.Started, &r.Ended, &r.Result, &r.Error)
	return r, err
}

// Runs lists the last runs, the newest first.
func (c *Checkpoint) Runs(ctx context.Context, limit int) (runs []Run, err error) {
	err = c.list(ctx, func(s scanner) error {
		r, err := scanRun(s)
		runs = append(runs, r)
		return err
	}, `SELECT `+runColumns+` FROM run ORDER BY id DESC LIMIT ?`, limit)
	return runs, err
}

// LastCycle is the last cycle that has ended, and when the first of those began that
// have ended like it in a row; found is false when none has ended.
func (c *Checkpoint) LastCycle(ctx context.Context) (last Run, since int64, found bool, err error) {
	const ended = ` FROM run WHERE kind = 'cycle' AND ended_at IS NOT NULL`
	err = c.list(ctx, func(s scanner) (err error) {
		found = true
		last, err = scanRun(s)
		return err
	}, `SELECT `+runColumns+ended+` ORDER BY id DESC LIMIT 1`)
	if err != nil || !found {
		return last, 0, found, err
	}
	var other int64
	if _, err := c.get(ctx, []any{&other}, `SELECT id`+ended+` AND result != ? ORDER BY id DESC LIMIT 1`, last.Result); err != nil {
		return last, 0, found, err
	}
	_, err = c.get(ctx, []any{&since}, `SELECT started_at`+ended+` AND id > ? ORDER BY id LIMIT 1`, other)
	return last, since, found, err
}
