-- What operators are told: why the last run ended as it did, what to do about a halt,
-- and what a person has given up.

-- +goose Up
ALTER TABLE run ADD COLUMN result TEXT NOT NULL DEFAULT ''; -- complete, incomplete, failed, refused; '' while it runs, or when it was cut short
ALTER TABLE run ADD COLUMN error TEXT NOT NULL DEFAULT '';  -- why it was not complete, in one line; '' where nothing says so
UPDATE run SET result = CASE WHEN complete = 1 THEN 'complete' ELSE 'incomplete' END WHERE ended_at IS NOT NULL;

ALTER TABLE destination ADD COLUMN remedy TEXT NOT NULL DEFAULT ''; -- what to do about the halt, while it halts

CREATE INDEX quarantine_dismissed ON quarantine (kind, destination, source_id, sha256) WHERE decision IS NOT NULL;

ALTER TABLE backfill ADD COLUMN decision INTEGER REFERENCES decision; -- by which it was given up before its end; null: it was not

ALTER TABLE account ADD COLUMN files_absent_at INTEGER;           -- since when the file service has answered each time that it does not exist; null: it does
ALTER TABLE account ADD COLUMN files_off INTEGER NOT NULL DEFAULT 0; -- 1: files_refused says that the account has no file service
