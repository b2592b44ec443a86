-- What the charts of the last 24 hours are drawn of, about one row a minute: they go on
-- after a restart.

-- +goose Up
CREATE TABLE sample (
    at       INTEGER PRIMARY KEY, -- epoch ms
    lag      INTEGER NOT NULL,    -- of capture, ms
    pending  INTEGER NOT NULL,    -- conversations and bundles, of all destinations
    messages INTEGER NOT NULL,    -- captured by then, ever
    events   INTEGER NOT NULL     -- stored by then, ever
) STRICT;
