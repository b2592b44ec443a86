-- What this state wrote and found changed or gone, until a person accepts it; what a
-- place is known by; and what a person has given up.

-- +goose Up
CREATE TABLE finding (
    id          INTEGER PRIMARY KEY,
    destination INTEGER NOT NULL REFERENCES destination,
    path        TEXT    NOT NULL, -- of the bundle, below the destination's root
    kind        TEXT    NOT NULL, -- changed or missing
    state       TEXT    NOT NULL, -- open, accepted, settled: see finding.go
    was         TEXT    NOT NULL, -- hash of its manifest as it was written; '' where that is not known
    found       TEXT    NOT NULL, -- hash of the list of its files as it was found; '' where nothing was there
    detail      TEXT    NOT NULL, -- what differs
    found_at    INTEGER NOT NULL,
    ended_at    INTEGER,          -- null while it is open
    decision    INTEGER REFERENCES decision -- null: it ended by itself
) STRICT;
CREATE UNIQUE INDEX finding_open ON finding (destination, path, found) WHERE state = 'open';
CREATE INDEX finding_accepted ON finding (destination, path) WHERE state = 'accepted';

-- Bundles up to this serial may be gone from their place: a person has said so.
ALTER TABLE destination ADD COLUMN given_up INTEGER NOT NULL DEFAULT 0;
-- What a flat folder was known by, that a missing mount takes away; '' where nothing is.
ALTER TABLE destination ADD COLUMN stands TEXT NOT NULL DEFAULT '';

-- By which decision a person gave it up.
ALTER TABLE quarantine ADD COLUMN decision INTEGER REFERENCES decision;
