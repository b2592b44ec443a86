-- What a destination that withholds private messages was not given; and what was
-- known when an event in quarantine was looked at last.

-- +goose Up
ALTER TABLE given ADD COLUMN withheld BLOB NOT NULL DEFAULT x''; -- by which cuts, and which files: the caller's own encoding
ALTER TABLE given ADD COLUMN private INTEGER NOT NULL DEFAULT 0; -- messages that are withheld since they are for agents only
ALTER TABLE given ADD COLUMN unsaid  INTEGER NOT NULL DEFAULT 0; -- … and those that nobody has said to be for all
CREATE INDEX given_withheld ON given (destination) WHERE private + unsaid > 0;
CREATE INDEX given_unsaid ON given (conversation) WHERE unsaid > 0;

ALTER TABLE quarantine ADD COLUMN judged INTEGER NOT NULL DEFAULT 0; -- conversation.changed by then; 0: not since it waits
