-- The journal in PostgreSQL, in the present version.

CREATE TABLE runs (
  sequence    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id      TEXT NOT NULL UNIQUE,
  kind        TEXT NOT NULL,
  source      TEXT,
  payload     JSON NOT NULL,
  status      TEXT NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed')),
  round       BIGINT NOT NULL DEFAULT 1,
  owner_id    TEXT,
  fence       BIGINT NOT NULL DEFAULT 0,
  queued_at   TIMESTAMPTZ NOT NULL,
  started_at  TIMESTAMPTZ,
  finished_at TIMESTAMPTZ,
  result      JSON NOT NULL DEFAULT 'null',
  error       JSON NOT NULL DEFAULT 'null',
  priority    BIGINT NOT NULL DEFAULT 0,
  cancel_asked_at TIMESTAMPTZ,
  CHECK (status != 'running' OR owner_id IS NOT NULL)
);

CREATE INDEX runs_unfinished ON runs (sequence) WHERE status IN ('queued', 'running');

-- The tables that a run changes: while it runs, its locks.
CREATE TABLE run_tables (
  run_id     TEXT NOT NULL REFERENCES runs (run_id),
  table_name TEXT NOT NULL,
  PRIMARY KEY (run_id, table_name)
);

-- Every claim takes the next number, so that of two owners the later one is known.
CREATE TABLE fence (value BIGINT NOT NULL);
INSERT INTO fence VALUES (0);

-- `format`: what is said of the file's format over its source's, key by key, as JSON.
CREATE TABLE uploads (
  sequence     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  upload_id    TEXT NOT NULL UNIQUE,
  source       TEXT NOT NULL,
  sha256       TEXT NOT NULL,
  file_name    TEXT NOT NULL,
  size_bytes   BIGINT NOT NULL,
  media_type   TEXT,
  delivered_by TEXT NOT NULL,
  accepted_at  TIMESTAMPTZ NOT NULL,
  status       TEXT NOT NULL
    CHECK (status IN ('accepted', 'loaded', 'suspect', 'failed', 'removed')),
  run_id       TEXT NOT NULL REFERENCES runs (run_id),
  records      BIGINT,
  rows         BIGINT,
  quarantined  BIGINT,
  snapshot_id  BIGINT,
  suspicions   JSON NOT NULL DEFAULT '[]',
  error        JSON NOT NULL DEFAULT 'null',
  "format"     JSON NOT NULL DEFAULT '{}',
  UNIQUE (source, sha256)
);

CREATE INDEX uploads_by_source ON uploads (source, status);

-- One upload's part in one run: every attempt to load it, superseded ones included. `format`: what
-- this run reads it with; NULL: what the upload says.
CREATE TABLE run_uploads (
  sequence  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id    TEXT NOT NULL REFERENCES runs (run_id),
  upload_id TEXT NOT NULL REFERENCES uploads (upload_id),
  is_again  BOOLEAN NOT NULL,
  status    TEXT NOT NULL
    CHECK (status IN ('accepted', 'loaded', 'suspect', 'failed', 'removed')),
  error     JSON NOT NULL DEFAULT 'null',
  "format"  JSON,
  UNIQUE (run_id, upload_id)
);

CREATE INDEX run_uploads_by_upload ON run_uploads (upload_id);

-- A run with its tables and its uploads.
CREATE VIEW whole_runs AS
SELECT runs.*,
  coalesce((SELECT json_agg(table_name) FROM run_tables
    WHERE run_tables.run_id = runs.run_id), '[]') AS tables,
  coalesce((SELECT json_agg(upload_id ORDER BY sequence) FROM run_uploads
    WHERE run_uploads.run_id = runs.run_id), '[]') AS upload_ids
FROM runs;

CREATE TABLE steps (
  position    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id      TEXT NOT NULL REFERENCES runs (run_id),
  round       BIGINT NOT NULL,
  name        TEXT NOT NULL,
  status      TEXT NOT NULL
    CHECK (status IN ('pending', 'running', 'succeeded', 'failed', 'skipped')),
  started_at  TIMESTAMPTZ,
  finished_at TIMESTAMPTZ,
  done        BIGINT,
  total       BIGINT,
  result      JSON NOT NULL DEFAULT 'null',
  error       JSON NOT NULL DEFAULT 'null',
  UNIQUE (run_id, round, name)
);

CREATE TABLE attempts (
  sequence    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id      TEXT NOT NULL REFERENCES runs (run_id),
  round       BIGINT NOT NULL,
  step        TEXT NOT NULL,
  number      BIGINT NOT NULL,
  fence       BIGINT NOT NULL,
  status      TEXT NOT NULL
    CHECK (status IN ('pending', 'running', 'succeeded', 'failed', 'skipped')),
  started_at  TIMESTAMPTZ NOT NULL,
  finished_at TIMESTAMPTZ,
  error       JSON NOT NULL DEFAULT 'null',
  milliseconds BIGINT,
  cpu_milliseconds BIGINT,
  UNIQUE (run_id, round, step, number)
);

-- What was out of the ordinary while a run was carried out: its newest lines.
CREATE TABLE lines (
  sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id   TEXT NOT NULL REFERENCES runs (run_id),
  at       TIMESTAMPTZ NOT NULL,
  level    TEXT NOT NULL,
  message  TEXT NOT NULL,
  facts    JSON NOT NULL
);

CREATE INDEX lines_of_run ON lines (run_id, sequence);

-- Sources whose runs wait until somebody lets them go on.
CREATE TABLE pauses (
  source    TEXT NOT NULL PRIMARY KEY,
  reason    TEXT NOT NULL,
  paused_at TIMESTAMPTZ NOT NULL
);

-- Up to when the ticks of a rhythm are past: all before `position`, and it itself.
CREATE TABLE rhythms (
  subject  TEXT NOT NULL,
  rhythm   TEXT NOT NULL,
  position TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (subject, rhythm)
);

-- What runs for a tick: for a firing of a schedule (`schedule:<name>`), or an interval of a model.
CREATE TABLE ticks (
  subject TEXT NOT NULL,
  at      TIMESTAMPTZ NOT NULL,
  run_id  TEXT NOT NULL,
  PRIMARY KEY (subject, at)
);

CREATE INDEX ticks_by_run ON ticks (run_id);

-- Files that were fetched, as they were when they were last read.
CREATE TABLE sightings (
  source TEXT NOT NULL,
  name   TEXT NOT NULL,
  mark   TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (source, name)
);

CREATE TABLE events (
  sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id TEXT NOT NULL UNIQUE,
  kind     TEXT NOT NULL,
  at       TIMESTAMPTZ NOT NULL,
  payload  JSON NOT NULL
);

-- Who reads the events, and how far: `position` is the sequence of the last that was acknowledged.
-- `missed`: events that retention took away unread.
CREATE TABLE subscriptions (
  name          TEXT NOT NULL PRIMARY KEY,
  position      BIGINT NOT NULL,
  missed        BIGINT NOT NULL DEFAULT 0,
  subscribed_at TIMESTAMPTZ NOT NULL,
  memo          JSON NOT NULL DEFAULT 'null'
);

-- Who may own runs. An owner holds an advisory lock for as long as its connection lives; `beaten_at`,
-- by the server's clock, tells whether it is awake.
CREATE TABLE owners (
  owner_id  TEXT NOT NULL PRIMARY KEY,
  beaten_at TIMESTAMPTZ NOT NULL
);

-- One row: the version of this schema.
CREATE TABLE journal_version (value BIGINT NOT NULL);
