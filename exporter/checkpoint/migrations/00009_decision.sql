-- What a person has decided, and why. Rows are added and never changed.

-- +goose Up
CREATE TABLE decision (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    person  TEXT    NOT NULL, -- the account of the operating system that typed it
    kind    TEXT    NOT NULL, -- of what was decided on: see the constants in decision.go
    subject TEXT    NOT NULL, -- which one, as the command named it
    reason  TEXT    NOT NULL, -- the person's own words
    was     TEXT    NOT NULL DEFAULT '', -- its hash as this state knew it; '' where it has none
    found   TEXT    NOT NULL DEFAULT '', -- its hash as it was found; '' where nothing was
    facts   TEXT    NOT NULL DEFAULT '{}' -- JSON object: what else the decision rests on
) STRICT;
CREATE INDEX decision_subject ON decision (kind, subject);
