-- +goose Up

-- What the selection leaves out. In an upsert, "excluded" is the row that could not
-- be inserted, so that a table of that name kept its first rows for ever.
CREATE TABLE left_out (
    id        INTEGER PRIMARY KEY,
    source_id TEXT    NOT NULL UNIQUE,
    skills    TEXT    NOT NULL, -- JSON list of ids, as they were seen last
    reason    TEXT    NOT NULL,
    sha256    BLOB    NOT NULL, -- of the record that was seen last
    first_at  INTEGER NOT NULL,
    last_at   INTEGER NOT NULL
) STRICT;
INSERT INTO left_out (source_id, skills, reason, sha256, first_at, last_at)
    SELECT source_id, skills, reason, sha256, first_at, last_at FROM excluded ORDER BY first_at, source_id;
DROP TABLE excluded;

-- Which skills the entries of select.skills stand for. An entry is looked up once.
CREATE TABLE chosen_skill (
    entry  TEXT    NOT NULL, -- as configured: a name, or an id
    id     TEXT    NOT NULL, -- of the skill
    called TEXT    NOT NULL, -- its name when the list of skills was looked at last
    since  INTEGER NOT NULL,
    PRIMARY KEY (entry, id)
) STRICT, WITHOUT ROWID;

-- Skills that bear the name of an entry that stands for another skill.
CREATE TABLE namesake (
    entry TEXT    NOT NULL,
    id    TEXT    NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (entry, id)
) STRICT, WITHOUT ROWID;
