package checkpoint

import "context"

// Outage is that LivePerson is unavailable. Since is 0 while it is not.
type Outage struct {
	Since int64
	Until int64 // nobody asks before that
	Tries int   // how often in a row it was found so
	Cause string
}

const selectOutage = `SELECT coalesce(unavailable_since, 0), coalesce(unavailable_until, 0), unavailable_tries, unavailable_cause FROM account`

// Outage reads whether LivePerson is unavailable.
func (c *Checkpoint) Outage(ctx context.Context) (o Outage, err error) {
	_, err = c.get(ctx, []any{&o.Since, &o.Until, &o.Tries, &o.Cause}, selectOutage)
	return o, err
}

// Outage is the same within a transaction.
func (tx *Tx) Outage() (o Outage, err error) {
	err = tx.row(selectOutage).Scan(&o.Since, &o.Until, &o.Tries, &o.Cause)
	return o, err
}

// SetOutage stores that LivePerson is unavailable, or with the zero value that it
// is not.
func (tx *Tx) SetOutage(o Outage) error {
	return tx.exec(`UPDATE account SET unavailable_since = ?, unavailable_until = ?, unavailable_tries = ?, unavailable_cause = ?`,
		null(o.Since), null(o.Until), o.Tries, o.Cause)
}
