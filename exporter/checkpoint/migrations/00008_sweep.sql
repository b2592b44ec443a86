-- +goose Up
-- How far each sweep has come.
CREATE TABLE sweep (
    name       TEXT    PRIMARY KEY,
    began_at   INTEGER NOT NULL, -- of the present round, or of the last one
    since_at   INTEGER,          -- update time from which the present round reads; null: all
    reached_at INTEGER           -- start time up to which it has come; null: between two
) STRICT, WITHOUT ROWID;

-- A state that had no sweep by update time begins one of the last days at once, and
-- one of all that is kept when it is a month old.
INSERT INTO sweep (name, began_at) SELECT 'late', swept_late FROM account WHERE swept_late IS NOT NULL;
INSERT INTO sweep (name, began_at) SELECT 'ends', swept_ends FROM account WHERE swept_ends IS NOT NULL;
INSERT INTO sweep (name, began_at) SELECT 'days', watermark - 86400000 FROM account WHERE watermark IS NOT NULL;
INSERT INTO sweep (name, began_at) SELECT 'weeks', coalesce(swept_starts, created_at) FROM account WHERE watermark IS NOT NULL;
INSERT INTO sweep (name, began_at) SELECT 'months', created_at FROM account WHERE watermark IS NOT NULL;
ALTER TABLE account DROP COLUMN swept_ends;
ALTER TABLE account DROP COLUMN swept_late;
ALTER TABLE account DROP COLUMN swept_starts;
ALTER TABLE account DROP COLUMN sweep_from;
