-- The journal in SQLite, in the present version. Times are ISO 8601 in UTC; JSON is text.

CREATE TABLE runs (
  sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id      TEXT NOT NULL UNIQUE,
  kind        TEXT NOT NULL,
  source      TEXT,
  payload     TEXT NOT NULL,
  status      TEXT NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed')),
  round       INTEGER NOT NULL DEFAULT 1,
  owner_id    TEXT,
  fence       INTEGER NOT NULL DEFAULT 0,
  queued_at   TEXT NOT NULL,
  started_at  TEXT,
  finished_at TEXT,
  result      TEXT NOT NULL DEFAULT 'null',
  error       TEXT NOT NULL DEFAULT 'null',
  priority    INTEGER NOT NULL DEFAULT 0,
  cancel_asked_at TEXT,
  CHECK (status != 'running' OR owner_id IS NOT NULL)
) STRICT;

CREATE INDEX runs_unfinished ON runs (sequence) WHERE status IN ('queued', 'running');

-- The tables that a run changes: while it runs, its locks.
CREATE TABLE run_tables (
  run_id     TEXT NOT NULL REFERENCES runs (run_id),
  table_name TEXT NOT NULL,
  PRIMARY KEY (run_id, table_name)
) STRICT, WITHOUT ROWID;

-- Every claim takes the next number, so that of two owners the later one is known.
CREATE TABLE fence (value INTEGER NOT NULL) STRICT;
INSERT INTO fence VALUES (0);

-- `format`: what is said of the file's format over its source's, key by key, as JSON.
CREATE TABLE uploads (
  sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
  upload_id    TEXT NOT NULL UNIQUE,
  source       TEXT NOT NULL,
  sha256       TEXT NOT NULL,
  file_name    TEXT NOT NULL,
  size_bytes   INTEGER NOT NULL,
  media_type   TEXT,
  delivered_by TEXT NOT NULL,
  accepted_at  TEXT NOT NULL,
  status       TEXT NOT NULL
    CHECK (status IN ('accepted', 'loaded', 'suspect', 'failed', 'removed')),
  run_id       TEXT NOT NULL REFERENCES runs (run_id),
  records      INTEGER,
  rows         INTEGER,
  quarantined  INTEGER,
  snapshot_id  INTEGER,
  suspicions   TEXT NOT NULL DEFAULT '[]',
  error        TEXT NOT NULL DEFAULT 'null',
  format       TEXT NOT NULL DEFAULT '{}',
  UNIQUE (source, sha256)
) STRICT;

CREATE INDEX uploads_by_source ON uploads (source, status);

-- One upload's part in one run: every attempt to load it, superseded ones included. `format`: what
-- this run reads it with; NULL: what the upload says.
CREATE TABLE run_uploads (
  sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id    TEXT NOT NULL REFERENCES runs (run_id),
  upload_id TEXT NOT NULL REFERENCES uploads (upload_id),
  is_again  INTEGER NOT NULL,
  status    TEXT NOT NULL
    CHECK (status IN ('accepted', 'loaded', 'suspect', 'failed', 'removed')),
  error     TEXT NOT NULL DEFAULT 'null',
  format    TEXT,
  UNIQUE (run_id, upload_id)
) STRICT;

CREATE INDEX run_uploads_by_upload ON run_uploads (upload_id);

-- A run with its tables and its uploads.
CREATE VIEW whole_runs AS
SELECT runs.*,
  (SELECT json_group_array(table_name) FROM run_tables WHERE run_tables.run_id = runs.run_id)
    AS tables,
  (SELECT json_group_array(upload_id) FROM
    (SELECT upload_id FROM run_uploads WHERE run_uploads.run_id = runs.run_id ORDER BY sequence))
    AS upload_ids
FROM runs;

CREATE TABLE steps (
  position    INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id      TEXT NOT NULL REFERENCES runs (run_id),
  round       INTEGER NOT NULL,
  name        TEXT NOT NULL,
  status      TEXT NOT NULL
    CHECK (status IN ('pending', 'running', 'succeeded', 'failed', 'skipped')),
  started_at  TEXT,
  finished_at TEXT,
  done        INTEGER,
  total       INTEGER,
  result      TEXT NOT NULL DEFAULT 'null',
  error       TEXT NOT NULL DEFAULT 'null',
  UNIQUE (run_id, round, name)
) STRICT;

CREATE TABLE attempts (
  sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id      TEXT NOT NULL REFERENCES runs (run_id),
  round       INTEGER NOT NULL,
  step        TEXT NOT NULL,
  number      INTEGER NOT NULL,
  fence       INTEGER NOT NULL,
  status      TEXT NOT NULL
    CHECK (status IN ('pending', 'running', 'succeeded', 'failed', 'skipped')),
  started_at  TEXT NOT NULL,
  finished_at TEXT,
  error       TEXT NOT NULL DEFAULT 'null',
  milliseconds INTEGER,
  cpu_milliseconds INTEGER,
  UNIQUE (run_id, round, step, number)
) STRICT;

-- What was out of the ordinary while a run was carried out: its newest lines.
CREATE TABLE lines (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id   TEXT NOT NULL REFERENCES runs (run_id),
  at       TEXT NOT NULL,
  level    TEXT NOT NULL,
  message  TEXT NOT NULL,
  facts    TEXT NOT NULL
) STRICT;

CREATE INDEX lines_of_run ON lines (run_id, sequence);

-- Sources whose runs wait until somebody lets them go on.
CREATE TABLE pauses (
  source    TEXT NOT NULL PRIMARY KEY,
  reason    TEXT NOT NULL,
  paused_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Up to when the ticks of a rhythm are past: all before `position`, and it itself.
CREATE TABLE rhythms (
  subject  TEXT NOT NULL,
  rhythm   TEXT NOT NULL,
  position TEXT NOT NULL,
  PRIMARY KEY (subject, rhythm)
) STRICT, WITHOUT ROWID;

-- What runs for a tick: for a firing of a schedule (`schedule:<name>`), or an interval of a model.
CREATE TABLE ticks (
  subject TEXT NOT NULL,
  at      TEXT NOT NULL,
  run_id  TEXT NOT NULL,
  PRIMARY KEY (subject, at)
) STRICT, WITHOUT ROWID;

CREATE INDEX ticks_by_run ON ticks (run_id);

-- Files that were fetched, as they were when they were last read.
CREATE TABLE sightings (
  source TEXT NOT NULL,
  name   TEXT NOT NULL,
  mark   TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (source, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  kind     TEXT NOT NULL,
  at       TEXT NOT NULL,
  payload  TEXT NOT NULL
) STRICT;

-- Who reads the events, and how far: `position` is the sequence of the last that was acknowledged.
-- `missed`: events that retention took away unread.
CREATE TABLE subscriptions (
  name          TEXT NOT NULL PRIMARY KEY,
  position      INTEGER NOT NULL,
  missed        INTEGER NOT NULL DEFAULT 0,
  subscribed_at TEXT NOT NULL,
  memo          TEXT NOT NULL DEFAULT 'null'
) STRICT, WITHOUT ROWID;
