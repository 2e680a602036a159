-- How a file is said to be read is kept with it; runs of any kind have a priority, can be cancelled,
-- and tell how far they are; sources can be paused; things are done by themselves at certain times;
-- subscribers have positions.

ALTER TABLE uploads ADD COLUMN format TEXT NOT NULL DEFAULT '{}';

ALTER TABLE run_uploads ADD COLUMN format TEXT;

CREATE TABLE runs_of_2 (
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

INSERT INTO runs_of_2 (sequence, run_id, kind, source, payload, status, round, owner_id, fence, queued_at,
  started_at, finished_at, result, error)
SELECT sequence, run_id, kind, source, payload, status, round, owner_id, fence, queued_at,
  started_at, finished_at, result, error FROM runs;

DROP TABLE runs;
ALTER TABLE runs_of_2 RENAME TO runs;

CREATE INDEX runs_unfinished ON runs (sequence) WHERE status IN ('queued', 'running');

CREATE VIEW whole_runs AS
SELECT runs.*,
  (SELECT json_group_array(table_name) FROM run_tables WHERE run_tables.run_id = runs.run_id)
    AS tables,
  (SELECT json_group_array(upload_id) FROM
    (SELECT upload_id FROM run_uploads WHERE run_uploads.run_id = runs.run_id ORDER BY sequence))
    AS upload_ids
FROM runs;

ALTER TABLE steps ADD COLUMN done INTEGER;
ALTER TABLE steps ADD COLUMN total INTEGER;

ALTER TABLE attempts ADD COLUMN milliseconds INTEGER;
ALTER TABLE attempts ADD COLUMN cpu_milliseconds INTEGER;

-- Who reads the events, and how far: `position` is the sequence of the last that was acknowledged.
-- `missed`: events that retention took away unread.
CREATE TABLE subscriptions (
  name          TEXT NOT NULL PRIMARY KEY,
  position      INTEGER NOT NULL,
  missed        INTEGER NOT NULL DEFAULT 0,
  subscribed_at TEXT NOT NULL,
  memo          TEXT NOT NULL DEFAULT 'null'
) STRICT, WITHOUT ROWID;

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
