-- What a destination refuses: item after item alike, or for their size.

-- +goose Up
ALTER TABLE destination ADD COLUMN size_said    INTEGER NOT NULL DEFAULT 0; -- bytes that an item may have at most, as the far side said last; 0: it does not say
ALTER TABLE destination ADD COLUMN size_learned INTEGER NOT NULL DEFAULT 0; -- the same, as its refusals show; 0: none did
ALTER TABLE item ADD COLUMN replaced_by INTEGER REFERENCES bundle; -- holds what a withdrawn item held, in smaller ones

-- The items that a destination has refused one after the other since it took one, and
-- those of before that are to be tried once more.
CREATE TABLE refusal (
    item        INTEGER PRIMARY KEY REFERENCES item,
    destination INTEGER NOT NULL REFERENCES destination,
    at          INTEGER NOT NULL,
    reason      TEXT    NOT NULL, -- what equal refusals have in common
    answer      TEXT    NOT NULL, -- of the far side, in full
    hint        TEXT    NOT NULL, -- what a person can do about it
    over        INTEGER NOT NULL DEFAULT 0 -- 1: others have been taken since
) STRICT;
CREATE INDEX refusal_destination ON refusal (destination);
