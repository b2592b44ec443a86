-- Coverage belongs to a period, a selection and the time at which it was read.

-- +goose Up
CREATE TABLE coverage (
    id          INTEGER PRIMARY KEY,
    destination INTEGER NOT NULL DEFAULT 0, -- from whose manifests it was recovered; 0: it was read by this state
    reading     TEXT    NOT NULL, -- cycles, catch-up, backfill; gone, unproven: it is no coverage, but known to be none
    from_at     INTEGER NOT NULL,
    to_at       INTEGER NOT NULL, -- exclusive
    selection   TEXT    NOT NULL, -- ids of skills, sorted, with commas between; '' everything, '?' older than this table
    read_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX coverage_last ON coverage (destination, reading, to_at);

ALTER TABLE backfill ADD COLUMN selection TEXT NOT NULL DEFAULT '?';
DROP INDEX backfill_open;
CREATE UNIQUE INDEX backfill_open ON backfill (from_at, asked_to, selection) WHERE done_at IS NULL;

ALTER TABLE window ADD COLUMN read_at INTEGER; -- when its reading began
UPDATE window SET read_at = (SELECT created_at FROM backfill WHERE backfill.id = window.backfill) WHERE done_at IS NOT NULL;

ALTER TABLE destination ADD COLUMN given_from INTEGER; -- what came before is not given to it; null: it is given all
UPDATE destination SET given_from = CASE
    WHEN EXISTS (SELECT 1 FROM given WHERE given.destination = destination.id AND floor > 0) THEN registered_at
    ELSE from_at END;
ALTER TABLE destination ADD COLUMN proven BLOB; -- coverage in its last manifest, JSON; null: none has any

-- Windows that are done prove what they name, in the retention of 13 months, the
-- shortest of which are 393 days.
INSERT INTO coverage (reading, from_at, to_at, selection, read_at)
SELECT 'backfill', from_at, to_at, '?', read_at FROM (
    SELECT max(w.from_at, b.from_at, b.created_at - 33955200000) AS from_at, min(w.to_at, b.to_at) AS to_at, b.created_at AS read_at
    FROM window w JOIN backfill b ON b.id = w.backfill
    GROUP BY b.id, w.from_at, w.to_at HAVING count(w.done_at) = count(*)) AS whole
WHERE from_at < to_at;

-- Of the cycles so far, the ends of the complete ones are known: where more than
-- 36 hours lie between two of them, the later one caught up.
CREATE TABLE step AS
SELECT from_at, to_at, to_at - from_at > 129600000 AS late,
    sum(CASE WHEN to_at - from_at > 129600000 THEN 1 ELSE 0 END) OVER (ORDER BY to_at) AS island
FROM (SELECT lag(at) OVER (ORDER BY at) AS from_at, at AS to_at FROM (
    SELECT since AS at FROM account WHERE watermark IS NOT NULL
    UNION SELECT watermark FROM account WHERE watermark IS NOT NULL
    UNION SELECT started_at FROM run, account WHERE kind = 'cycle' AND complete = 1 AND started_at > since AND started_at < watermark) AS ends) AS steps
WHERE from_at IS NOT NULL AND to_at > from_at;

INSERT INTO coverage (reading, from_at, to_at, selection, read_at)
SELECT 'catch-up', max(from_at, to_at - 33955200000), to_at, '?', to_at FROM step WHERE late = 1;

INSERT INTO coverage (reading, from_at, to_at, selection, read_at)
SELECT 'cycles', min(from_at), max(to_at), '?', max(to_at) FROM step WHERE late = 0 GROUP BY island;

DROP TABLE step;
