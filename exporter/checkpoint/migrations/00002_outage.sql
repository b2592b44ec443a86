-- That LivePerson is unavailable: since when, how often it was found so in a row,
-- until when nobody asks it, and why. Null since: it is not.

-- +goose Up
ALTER TABLE account ADD COLUMN unavailable_since INTEGER;
ALTER TABLE account ADD COLUMN unavailable_until INTEGER;
ALTER TABLE account ADD COLUMN unavailable_tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN unavailable_cause TEXT NOT NULL DEFAULT '';
