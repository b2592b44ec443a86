package checkpoint

import (
	"context"
	"database/sql"
)

// ChosenSkill is a skill that an entry of select.skills stands for.
type ChosenSkill struct {
	Entry  string // as configured: a name, or the id
	ID     string
	Called string // its name when the list of skills was looked at last
	Since  int64
}

// Namesake is a skill that bears the name of an entry which stands for another.
type Namesake struct {
	Entry, ID string
	Since     int64
}

// Selection is what is remembered of select.skills, by entry and id.
type Selection struct {
	Chosen    []ChosenSkill
	Namesakes []Namesake
}

const (
	chosenSkills = `SELECT entry, id, called, since FROM chosen_skill ORDER BY entry, id`
	namesakes    = `SELECT entry, id, since FROM namesake ORDER BY entry, id`
)

func (s *Selection) scanChosen(row scanner) error {
	var k ChosenSkill
	err := row.Scan(&k.Entry, &k.ID, &k.Called, &k.Since)
	s.Chosen = append(s.Chosen, k)
	return err
}

func (s *Selection) scanNamesake(row scanner) error {
	var n Namesake
	err := row.Scan(&n.Entry, &n.ID, &n.Since)
	s.Namesakes = append(s.Namesakes, n)
	return err
}

// Selection reads what is remembered of select.skills.
func (c *Checkpoint) Selection(ctx context.Context) (s Selection, err error) {
	if err := c.list(ctx, s.scanChosen, chosenSkills); err != nil {
		return s, err
	}
	return s, c.list(ctx, s.scanNamesake, namesakes)
}

// Selection reads what is remembered of select.skills.
func (tx *Tx) Selection() (s Selection, err error) {
	if err := tx.list(s.scanChosen, chosenSkills); err != nil {
		return s, err
	}
	return s, tx.list(s.scanNamesake, namesakes)
}

// PutSelection replaces what is remembered of select.skills.
func (tx *Tx) PutSelection(s Selection) error {
	for _, q := range []string{`DELETE FROM chosen_skill`, `DELETE FROM namesake`} {
		if err := tx.exec(q); err != nil {
			return err
		}
	}
	for _, k := range s.Chosen {
		if err := tx.exec(`INSERT INTO chosen_skill (entry, id, called, since) VALUES (?, ?, ?, ?)`, k.Entry, k.ID, k.Called, k.Since); err != nil {
			return err
		}
	}
	for _, n := range s.Namesakes {
		if err := tx.exec(`INSERT INTO namesake (entry, id, since) VALUES (?, ?, ?)`, n.Entry, n.ID, n.Since); err != nil {
			return err
		}
	}
	return nil
}

// list calls each for every row of a query, within the transaction.
func (tx *Tx) list(each func(scanner) error, query string, args ...any) (err error) {
	s, err := tx.prepared(query)
	if err != nil {
		return err
	}
	var rows *sql.Rows
	if rows, err = s.QueryContext(tx.ctx, args...); err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
