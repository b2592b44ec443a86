-- All times are epoch milliseconds in UTC. A time that is not known is null.

-- +goose Up
CREATE TABLE account (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    account     TEXT    NOT NULL,
    origin      TEXT    NOT NULL, -- random, made once: names this checkpoint in manifests
    created_at  INTEGER NOT NULL,
    since       INTEGER,          -- what was updated from here on has been captured …
    watermark   INTEGER,          -- … up to here
    finished    INTEGER NOT NULL DEFAULT 0, -- runs that came to their end
    swept_ends  INTEGER,          -- last sweeps by end and by start
    swept_late  INTEGER,
    swept_starts INTEGER,
    sweep_from  INTEGER,          -- how far the sweep by start has come
    changes     INTEGER NOT NULL DEFAULT 0, -- transactions that changed a conversation
    events      INTEGER NOT NULL DEFAULT 0, -- 1 once an event has been stored
    files_refused_at INTEGER,               -- when files were refused to this login last
    files_refused    TEXT    NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE run (
    id         INTEGER PRIMARY KEY,
    kind       TEXT    NOT NULL, -- cycle or backfill
    started_at INTEGER NOT NULL,
    ended_at   INTEGER,
    complete   INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE backfill (
    id         INTEGER PRIMARY KEY,
    from_at    INTEGER NOT NULL,
    asked_to   INTEGER NOT NULL, -- as asked: the key under which it is taken up again
    to_at      INTEGER NOT NULL, -- asked_to, or the moment it began
    created_at INTEGER NOT NULL,
    done_at    INTEGER
) STRICT;
CREATE UNIQUE INDEX backfill_open ON backfill (from_at, asked_to) WHERE done_at IS NULL;

-- A window is read as a whole or again.
CREATE TABLE window (
    id            INTEGER PRIMARY KEY,
    backfill      INTEGER NOT NULL REFERENCES backfill,
    from_at       INTEGER NOT NULL,
    to_at         INTEGER NOT NULL, -- exclusive
    filter        TEXT    NOT NULL DEFAULT '', -- JSON of a further split by status or skill
    conversations INTEGER NOT NULL DEFAULT 0,  -- captured in it so far
    done_at       INTEGER
) STRICT;
CREATE INDEX window_open ON window (backfill, from_at) WHERE done_at IS NULL;

-- What a slice says. A draft may be the slice of several destinations; any other
-- line belongs to one slice.
CREATE TABLE line (
    id           INTEGER PRIMARY KEY,
    draft        INTEGER NOT NULL,
    conversation TEXT    NOT NULL,
    messages     INTEGER NOT NULL,
    amendments   INTEGER NOT NULL,
    from_at      INTEGER NOT NULL, -- first and last message, 0 when there is none
    to_at        INTEGER NOT NULL,
    newest_at    INTEGER NOT NULL, -- entry
    bytes        INTEGER NOT NULL,
    listing      BLOB    NOT NULL, -- its entry in the manifest, JSON
    frame        BLOB    NOT NULL  -- the line of transcripts.jsonl, packed
) STRICT;

CREATE TABLE conversation (
    id          INTEGER PRIMARY KEY,
    source_id   TEXT    NOT NULL UNIQUE,
    revision    INTEGER NOT NULL, -- 0 while the first record is still being fetched in sections
    recorded    INTEGER NOT NULL DEFAULT 0, -- newest revision that is a record; 0: it is known by events alone
    unconfirmed_at INTEGER,       -- since when messages that events told wait for a record that has them
    status      TEXT    NOT NULL,
    started_at  INTEGER,
    closed_at   INTEGER,          -- null while open
    survey_open INTEGER NOT NULL,
    partial     INTEGER NOT NULL, -- the source said that its record is cut short
    entry_at    INTEGER,          -- newest entry
    reread_at   INTEGER,          -- next look by id; null when there is none
    draft       INTEGER REFERENCES line, -- its first slice, rendered when it was captured
    changed     INTEGER NOT NULL, -- the account's changes when it was changed last
    seen        BLOB    NOT NULL  -- names, content hashes and revisions of all entries
) STRICT;
CREATE INDEX conversation_reread ON conversation (reread_at) WHERE reread_at IS NOT NULL;
CREATE INDEX conversation_partial ON conversation (id) WHERE partial;
CREATE INDEX conversation_unconfirmed ON conversation (unconfirmed_at) WHERE unconfirmed_at IS NOT NULL;

-- The bytes of each revision as received, whole (section '') or in sections. A
-- revision that events made has them as they came (section 'event'), and what they
-- were found to tell besides messages (section 'happened').
CREATE TABLE record (
    conversation INTEGER NOT NULL REFERENCES conversation,
    revision     INTEGER NOT NULL,
    part         INTEGER NOT NULL,
    section      TEXT    NOT NULL,
    captured_at  INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    sha256       BLOB    NOT NULL,
    frame        BLOB    NOT NULL, -- packed
    PRIMARY KEY (conversation, revision, part)
) STRICT;

-- Events as they came, until what they tell is in a revision or known already.
CREATE TABLE event (
    id           INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: two processes may look at one event
    received_at  INTEGER NOT NULL,
    waits        TEXT    NOT NULL DEFAULT '', -- for what it waits; '' was not looked at yet
    conversation TEXT    NOT NULL DEFAULT '', -- of which it is, '' when that is not known
    dialog       TEXT    NOT NULL DEFAULT '', -- whose conversation is not known
    bytes        INTEGER NOT NULL,
    frame        BLOB    NOT NULL
) STRICT;
CREATE INDEX event_new ON event (id) WHERE waits = '';
CREATE INDEX event_waits ON event (conversation, dialog) WHERE waits != '';

-- Files that messages name, and what came of fetching them. What LivePerson lists
-- without the name of any message's file has a link instead of a path.
CREATE TABLE file (
    id           INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversation,
    path         TEXT    NOT NULL, -- as the message names it
    link         TEXT    NOT NULL, -- path of the link, #, and the hash once it was fetched
    dialog       TEXT    NOT NULL,
    sender       TEXT    NOT NULL,
    sent_at      INTEGER NOT NULL,
    label        TEXT    NOT NULL, -- what LivePerson calls its type
    noted_at     INTEGER NOT NULL,
    sought_at    INTEGER,          -- since when LivePerson has answered each time that it is not to be had
    state        TEXT    NOT NULL, -- waiting, kept, among, missing
    attempts     INTEGER NOT NULL DEFAULT 0,
    next_at      INTEGER,          -- next look; null when there is none
    error        TEXT    NOT NULL DEFAULT '',
    sha256       TEXT    NOT NULL DEFAULT '', -- of its bytes, which lie in the folder files
    name         TEXT    NOT NULL DEFAULT '',
    type         TEXT    NOT NULL DEFAULT '',
    bytes        INTEGER NOT NULL DEFAULT 0,
    UNIQUE (conversation, path, link)
) STRICT;
CREATE INDEX file_next ON file (next_at, conversation) WHERE next_at IS NOT NULL;
CREATE INDEX file_wrong ON file (error, noted_at) WHERE state = 'waiting' AND error != '';
CREATE INDEX file_state ON file (state, noted_at, bytes);

-- Of which conversation a dialog is whose id is not the conversation's.
CREATE TABLE dialog (
    id           TEXT PRIMARY KEY,
    conversation TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What was captured of the conversations that began on a UTC day.
CREATE TABLE day (
    day           INTEGER PRIMARY KEY, -- since 1970
    conversations INTEGER NOT NULL,
    messages      INTEGER NOT NULL
) STRICT;

-- What operators count, over all restarts.
CREATE TABLE counter (
    name   TEXT    NOT NULL,
    label  TEXT    NOT NULL,
    second TEXT    NOT NULL,
    value  INTEGER NOT NULL,
    PRIMARY KEY (name, label, second)
) STRICT, WITHOUT ROWID;

-- What the selection leaves out.
CREATE TABLE excluded (
    source_id TEXT    PRIMARY KEY,
    skills    TEXT    NOT NULL, -- JSON list of ids
    reason    TEXT    NOT NULL,
    sha256    BLOB    NOT NULL,
    first_at  INTEGER NOT NULL,
    last_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
    id          INTEGER PRIMARY KEY,
    kind        TEXT    NOT NULL, -- record, event: not read; conversation: not cut; item: not taken
    destination INTEGER NOT NULL DEFAULT 0, -- whose conversation or item it is; 0: a record's
    source_id   TEXT    NOT NULL, -- '' when the record has none
    reason      TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    resolved_at INTEGER,
    bytes       INTEGER NOT NULL,
    sha256      BLOB    NOT NULL,
    frame       BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX quarantine_waiting ON quarantine (kind, destination, source_id, sha256) WHERE resolved_at IS NULL;

-- Message types that this program does not know yet.
CREATE TABLE unknown_type (
    type     TEXT    PRIMARY KEY,
    messages INTEGER NOT NULL,
    first_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE user (
    id    TEXT PRIMARY KEY,
    pid   TEXT NOT NULL, -- by which events name him, '' when not known
    login TEXT NOT NULL,
    name  TEXT NOT NULL,
    email TEXT NOT NULL,
    kind  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE skill (
    id   TEXT PRIMARY KEY,
    name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE destination (
    id              INTEGER PRIMARY KEY,
    name            TEXT    NOT NULL UNIQUE,
    archive         TEXT    NOT NULL,
    origin          TEXT    NOT NULL,
    serial          INTEGER NOT NULL DEFAULT 0, -- of the last bundle cut
    previous_bundle TEXT    NOT NULL DEFAULT '',
    previous_sha256 TEXT    NOT NULL DEFAULT '',
    previous_path   TEXT    NOT NULL DEFAULT '',
    from_at         INTEGER,                    -- entries older than this are not for it
    registered_at   INTEGER NOT NULL,
    retired_at      INTEGER,                    -- nothing more is for it from then on
    target          TEXT    NOT NULL DEFAULT '', -- where it was when it was used last, or accepted
    halted          TEXT    NOT NULL DEFAULT '', -- why, while it is
    attempts        INTEGER NOT NULL DEFAULT 0,  -- in vain, since something was taken last
    failing_since   INTEGER NOT NULL DEFAULT 0,
    next_at         INTEGER NOT NULL DEFAULT 0,  -- not tried again before
    error           TEXT    NOT NULL DEFAULT ''  -- of the last attempt in vain
) STRICT;

-- Conversations with entries that a destination has not been given.
CREATE TABLE due (
    destination  INTEGER NOT NULL REFERENCES destination,
    conversation INTEGER NOT NULL REFERENCES conversation,
    revision     INTEGER NOT NULL, -- newest revision with something due
    oldest_at    INTEGER NOT NULL, -- oldest entry that is due
    since        INTEGER NOT NULL, -- when it became due
    PRIMARY KEY (destination, conversation)
) STRICT, WITHOUT ROWID;

-- What a destination has been given of a conversation.
CREATE TABLE given (
    destination  INTEGER NOT NULL REFERENCES destination,
    conversation INTEGER NOT NULL REFERENCES conversation,
    revision     INTEGER NOT NULL, -- everything up to this revision …
    floor        INTEGER NOT NULL, -- … but for what came up to this one: it began later
    slices       INTEGER NOT NULL,
    newest_at    INTEGER NOT NULL, -- newest entry given
    revisions    BLOB    NOT NULL, -- under which slices were cut, ascending
    PRIMARY KEY (destination, conversation)
) STRICT, WITHOUT ROWID;

-- What an archive turned out to hold when a checkpoint was recovered from it.
CREATE TABLE held (
    destination INTEGER NOT NULL REFERENCES destination,
    source_id   TEXT    NOT NULL,
    revision    INTEGER NOT NULL, -- highest
    slices      INTEGER NOT NULL,
    newest_at   INTEGER NOT NULL,
    names       BLOB    NOT NULL, -- in the form of conversation.seen
    PRIMARY KEY (destination, source_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE bundle (
    id              INTEGER PRIMARY KEY,
    destination     INTEGER NOT NULL REFERENCES destination,
    serial          INTEGER NOT NULL,
    path            TEXT    NOT NULL, -- below the destination's root
    head            BLOB    NOT NULL, -- frozen JSON
    state           TEXT    NOT NULL, -- preparing, cut, rendered, delivered
    slices          INTEGER NOT NULL DEFAULT 0,
    messages        INTEGER NOT NULL DEFAULT 0,
    amendments      INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    manifest_sha256 TEXT    NOT NULL DEFAULT '',
    delivered_at    INTEGER, -- when the last of its items was taken or rejected
    UNIQUE (destination, serial)
) STRICT;
CREATE INDEX bundle_undelivered ON bundle (destination, serial) WHERE state != 'delivered';

-- Frozen at the cut and never computed again.
CREATE TABLE slice (
    bundle   INTEGER NOT NULL REFERENCES bundle,
    position INTEGER NOT NULL,
    line     INTEGER NOT NULL REFERENCES line,
    PRIMARY KEY (bundle, position)
) STRICT, WITHOUT ROWID;

-- What is handed over as one: a bundle, or one of its files.
CREATE TABLE item (
    id       INTEGER PRIMARY KEY,
    bundle   INTEGER NOT NULL REFERENCES bundle,
    position INTEGER NOT NULL,
    file     TEXT    NOT NULL, -- '' is the whole bundle
    bytes    INTEGER NOT NULL, -- of the file
    sha256   TEXT    NOT NULL, -- of the file
    at       INTEGER NOT NULL, -- the time that the archive files it under, 0: none
    state    TEXT    NOT NULL, -- waiting, sending, taken, gone, rejected
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at  INTEGER NOT NULL DEFAULT 0, -- not tried again before
    taken_at INTEGER,
    UNIQUE (bundle, position)
) STRICT;
CREATE INDEX item_state ON item (state, bundle) WHERE state != 'gone';

-- What the far side answered, and each end of which nobody knows whether it took the item.
CREATE TABLE receipt (
    id     INTEGER PRIMARY KEY,
    item   INTEGER NOT NULL REFERENCES item,
    at     INTEGER NOT NULL,
    kind   TEXT    NOT NULL, -- taken or uncertain
    answer TEXT    NOT NULL  -- JSON
) STRICT;
CREATE INDEX receipt_item ON receipt (item);
CREATE INDEX receipt_uncertain ON receipt (item) WHERE kind = 'uncertain';
