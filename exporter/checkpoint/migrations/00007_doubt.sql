-- Files of which it is in doubt whether what LivePerson gave is they: see the state
-- 'doubtful' in hostedfile.go. And how far the files that were kept before there was
-- such a doubt have been looked through.

-- +goose Up
ALTER TABLE file ADD COLUMN doubt TEXT NOT NULL DEFAULT '';        -- what the bytes may be instead; of a kept file, what archives are told of it
ALTER TABLE file ADD COLUMN doubt_sha256 TEXT NOT NULL DEFAULT ''; -- of the doubtful bytes, which lie in the folder files
ALTER TABLE file ADD COLUMN doubt_at INTEGER;                      -- when these very bytes were given first
ALTER TABLE file ADD COLUMN doubt_fits INTEGER NOT NULL DEFAULT 0; -- 1: a file of that name may be such a thing
ALTER TABLE account ADD COLUMN files_judged INTEGER NOT NULL DEFAULT 0; -- the last file that was looked through …
ALTER TABLE account ADD COLUMN files_to_judge INTEGER NOT NULL DEFAULT 0; -- … of those up to this one
UPDATE account SET files_to_judge = (SELECT coalesce(max(id), 0) FROM file);
