-- Records that lack messages stay due for a look by id until they are whole, and a
-- look that fails is one of its conversation alone.

-- +goose Up
ALTER TABLE conversation ADD COLUMN cut_at INTEGER;    -- since when its newest record is cut short and asked for again; null: it is whole, or given up
ALTER TABLE conversation ADD COLUMN failed_at INTEGER; -- since when each look at it by id has failed; null: the last one did not
ALTER TABLE conversation ADD COLUMN failed_with TEXT NOT NULL DEFAULT ''; -- the last one's error, while failed_at is not null
CREATE INDEX conversation_cut ON conversation (cut_at) WHERE cut_at IS NOT NULL;
CREATE INDEX conversation_failed ON conversation (failed_at) WHERE failed_at IS NOT NULL;

-- What was cut short counted as final before.
UPDATE conversation SET reread_at = 1, cut_at = coalesce(
    (SELECT min(captured_at) FROM record WHERE record.conversation = conversation.id AND record.revision = conversation.recorded), started_at, 1)
    WHERE partial = 1;
DROP INDEX conversation_partial;
