-- A journal in PostgreSQL as version 2, the first there, left it.

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

INSERT INTO runs OVERRIDING SYSTEM VALUE VALUES (1, '20261120-080000-00000001', 'upload', 'orders', 'null', 'succeeded', 1, 'b0-1-x', 1, '2026-11-20 08:00:00+00', '2026-11-20 08:00:00+00', '2026-11-20 08:01:00+00', '{"tables":{}}', 'null');
INSERT INTO runs OVERRIDING SYSTEM VALUE VALUES (2, '20261120-080000-00000003', 'upload', 'orders', 'null', 'succeeded', 1, 'b0-1-x', 2, '2026-11-20 08:00:00+00', '2026-11-20 08:00:00+00', '2026-11-20 08:01:00+00', '{"tables":{}}', 'null');
INSERT INTO runs OVERRIDING SYSTEM VALUE VALUES (3, '20261120-080000-00000004', 'upload', 'orders', 'null', 'failed', 1, 'b0-1-x', 3, '2026-11-20 08:00:00+00', '2026-11-20 08:00:00+00', '2026-11-20 08:01:00+00', '{"tables":{}}', 'null');
INSERT INTO runs OVERRIDING SYSTEM VALUE VALUES (4, '20261120-080000-00000005', 'upload', 'orders', 'null', 'queued', 1, NULL, 0, '2026-11-20 08:00:00+00', NULL, NULL, 'null', 'null');
INSERT INTO runs OVERRIDING SYSTEM VALUE VALUES (5, '20261120-080000-00000006', 'upload', 'customers', 'null', 'queued', 1, NULL, 0, '2026-11-20 08:00:00+00', NULL, NULL, 'null', 'null');
INSERT INTO runs OVERRIDING SYSTEM VALUE VALUES (6, '20261120-080000-00000009', 'models', NULL, '{"models":["gold.x"],"is_full":false}', 'queued', 1, NULL, 0, '2026-11-20 08:00:00+00', NULL, NULL, 'null', 'null');
INSERT INTO attempts (sequence, run_id, round, step, number, fence, status, started_at, finished_at, error)
OVERRIDING SYSTEM VALUE VALUES (1, '20261120-080000-00000001', 1, 'land', 1, 1, 'succeeded', '2026-11-20 08:00:00+00', '2026-11-20 08:00:00+00', 'null');
INSERT INTO attempts (sequence, run_id, round, step, number, fence, status, started_at, finished_at, error)
OVERRIDING SYSTEM VALUE VALUES (2, '20261120-080000-00000003', 1, 'land', 1, 2, 'succeeded', '2026-11-20 08:00:00+00', '2026-11-20 08:00:00+00', 'null');
INSERT INTO attempts (sequence, run_id, round, step, number, fence, status, started_at, finished_at, error)
OVERRIDING SYSTEM VALUE VALUES (3, '20261120-080000-00000004', 1, 'land', 1, 3, 'succeeded', '2026-11-20 08:00:00+00', '2026-11-20 08:00:00+00', 'null');
INSERT INTO events OVERRIDING SYSTEM VALUE VALUES (1, 'file-uploaded:58f7658bb8fbaf39:20261120-080000-00000001', 'file-uploaded', '2026-11-20 08:00:00+00', '{"upload_id":"58f7658bb8fbaf39","source":"orders","sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","file_name":"a.csv","size_bytes":10,"run_id":"20261120-080000-00000001"}');
INSERT INTO events OVERRIDING SYSTEM VALUE VALUES (2, 'file-uploaded:66dea0668aa6b305:20261120-080000-00000001', 'file-uploaded', '2026-11-20 08:00:00+00', '{"upload_id":"66dea0668aa6b305","source":"orders","sha256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","file_name":"b.csv","size_bytes":10,"run_id":"20261120-080000-00000001"}');
INSERT INTO events OVERRIDING SYSTEM VALUE VALUES (3, 'raw-data-ready:58f7658bb8fbaf39:20261120-080000-00000001', 'raw-data-ready', '2026-11-20 08:00:00+00', '{"upload_id":"58f7658bb8fbaf39","run_id":"20261120-080000-00000001","facts":{"records":3}}');
INSERT INTO events OVERRIDING SYSTEM VALUE VALUES (4, 'raw-data-ready:66dea0668aa6b305:20261120-080000-00000001', 'raw-data-ready', '2026-11-20 08:00:00+00', '{"upload_id":"66dea0668aa6b305","run_id":"20261120-080000-00000001","facts":{"records":3}}');
INSERT INTO events OVERRIDING SYSTEM VALUE VALUES (5, 'run-finished:20261120-080000-00000001', 'run-finished', '2026-11-20 08:01:00+00', '{"run_id":"20261120-080000-00000001","round":1,"kind":"upload","source":"orders","status":"succeeded","uploads":{"58f7658bb8fbaf39":"loaded","66dea0668aa6b305":"loaded"}}');
INSERT INTO events OVERRIDING SYSTEM VALUE VALUES (6, 'file-uploaded:33e8b325a0cd5d85:20261120-080000-00000003', 'file-uploaded', '2026-11-20 08:00:00+00', '{"upload_id":"33e8b325a0cd5d85","source":"orders","sha256":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","file_name":"c.csv","size_bytes":10,"run_id":"20261120-080000-00000003"}');
INSERT INTO events OVERRIDING SYSTEM VALUE VALUES (7, 'raw-data-ready:33e8b325a0cd5d85:20261120-080000-00000003', 'raw-data-ready', '2026-11-20 08:00:00+00', '{"upload_id":"33e8b325a0cd5d85","run_id":"20261120-080000-00000003","facts":{"records":3}}');
INSERT INTO events OVERRIDING SYSTEM VALUE VALUES (8, 'run-finished:20261120-080000-00000003', 'run-finished', '2026-11-20 08:01:00+00', '{"run_id":"20261120-080000-00000003","round":1,"kind":"upload","source":"orders","status":"succeeded","uploads":{"33e8b325a0cd5d85":"suspect"}}');
INSERT INTO events OVERRIDING SYSTEM VALUE VALUES (9, 'file-uploaded:962f694f53c28b91:20261120-080000-00000004', 'file-uploaded', '2026-11-20 08:00:00+00', '{"upload_id":"962f694f53c28b91","source":"orders","sha256":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","file_name":"d.csv","size_bytes":10,"run_id":"20261120-080000-00000004"}');
INSERT INTO events OVERRIDING SYSTEM VALUE VALUES (10, 'raw-data-ready:962f694f53c28b91:20261120-080000-00000004', 'raw-data-ready', '2026-11-20 08:00:00+00', '{"upload_id":"962f694f53c28b91","run_id":"20261120-080000-00000004","facts":{"records":3}}');
INSERT INTO events OVERRIDING SYSTEM VALUE VALUES (11, 'run-finished:20261120-080000-00000004', 'run-finished', '2026-11-20 08:01:00+00', '{"run_id":"20261120-080000-00000004","round":1,"kind":"upload","source":"orders","status":"failed","uploads":{"962f694f53c28b91":"failed"}}');
INSERT INTO events OVERRIDING SYSTEM VALUE VALUES (12, 'file-uploaded:58f7658bb8fbaf39:20261120-080000-00000005', 'file-uploaded', '2026-11-20 08:00:00+00', '{"upload_id":"58f7658bb8fbaf39","source":"orders","sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","file_name":"a.csv","size_bytes":10,"run_id":"20261120-080000-00000005"}');
INSERT INTO events OVERRIDING SYSTEM VALUE VALUES (13, 'file-uploaded:d5ea3e24cd95ac26:20261120-080000-00000006', 'file-uploaded', '2026-11-20 08:00:00+00', '{"upload_id":"d5ea3e24cd95ac26","source":"customers","sha256":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","file_name":"e.csv","size_bytes":10,"run_id":"20261120-080000-00000006"}');
INSERT INTO journal_version VALUES (2);
UPDATE fence SET value = 3;
INSERT INTO run_tables VALUES ('20261120-080000-00000001', 'bronze.orders');
INSERT INTO run_tables VALUES ('20261120-080000-00000001', 'quarantine.orders');
INSERT INTO run_tables VALUES ('20261120-080000-00000003', 'bronze.orders');
INSERT INTO run_tables VALUES ('20261120-080000-00000003', 'quarantine.orders');
INSERT INTO run_tables VALUES ('20261120-080000-00000004', 'bronze.orders');
INSERT INTO run_tables VALUES ('20261120-080000-00000004', 'quarantine.orders');
INSERT INTO run_tables VALUES ('20261120-080000-00000005', 'bronze.orders');
INSERT INTO run_tables VALUES ('20261120-080000-00000005', 'quarantine.orders');
INSERT INTO run_tables VALUES ('20261120-080000-00000006', 'bronze.customers');
INSERT INTO run_tables VALUES ('20261120-080000-00000006', 'quarantine.customers');
INSERT INTO run_tables VALUES ('20261120-080000-00000009', 'gold.x');
INSERT INTO uploads OVERRIDING SYSTEM VALUE VALUES (1, '58f7658bb8fbaf39', 'orders', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'a.csv', 10, 'text/csv', 'ann', '2026-11-20 08:00:00+00', 'loaded', '20261120-080000-00000001', 3, 3, 0, 7, '[]', 'null', '{}');
INSERT INTO uploads OVERRIDING SYSTEM VALUE VALUES (2, '66dea0668aa6b305', 'orders', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'b.csv', 10, 'text/csv', 'ann', '2026-11-20 08:00:00+00', 'loaded', '20261120-080000-00000001', 3, 3, 0, 7, '[]', 'null', '{"delimiter":";"}');
INSERT INTO uploads OVERRIDING SYSTEM VALUE VALUES (3, '33e8b325a0cd5d85', 'orders', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 'c.csv', 10, 'text/csv', 'ann', '2026-11-20 08:00:00+00', 'suspect', '20261120-080000-00000003', 3, 3, 0, 7, '["two delimiters fit"]', 'null', '{}');
INSERT INTO uploads OVERRIDING SYSTEM VALUE VALUES (4, '962f694f53c28b91', 'orders', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 'd.csv', 10, 'text/csv', 'ann', '2026-11-20 08:00:00+00', 'failed', '20261120-080000-00000004', 3, NULL, 0, NULL, '[]', '{"code":"file-unreadable"}', '{}');
INSERT INTO uploads OVERRIDING SYSTEM VALUE VALUES (5, 'd5ea3e24cd95ac26', 'customers', 'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', 'e.csv', 10, 'text/csv', 'ann', '2026-11-20 08:00:00+00', 'accepted', '20261120-080000-00000006', NULL, NULL, NULL, NULL, '[]', 'null', '{}');
INSERT INTO run_uploads OVERRIDING SYSTEM VALUE VALUES (1, '20261120-080000-00000001', '58f7658bb8fbaf39', false, 'loaded', 'null', '{}');
INSERT INTO run_uploads OVERRIDING SYSTEM VALUE VALUES (2, '20261120-080000-00000001', '66dea0668aa6b305', false, 'loaded', 'null', '{"delimiter":";"}');
INSERT INTO run_uploads OVERRIDING SYSTEM VALUE VALUES (5, '20261120-080000-00000003', '33e8b325a0cd5d85', false, 'suspect', 'null', '{}');
INSERT INTO run_uploads OVERRIDING SYSTEM VALUE VALUES (7, '20261120-080000-00000004', '962f694f53c28b91', false, 'failed', '{"code":"file-unreadable"}', '{}');
INSERT INTO run_uploads OVERRIDING SYSTEM VALUE VALUES (9, '20261120-080000-00000005', '58f7658bb8fbaf39', true, 'accepted', 'null', '{}');
INSERT INTO run_uploads OVERRIDING SYSTEM VALUE VALUES (10, '20261120-080000-00000006', 'd5ea3e24cd95ac26', false, 'accepted', 'null', '{}');
INSERT INTO steps (position, run_id, round, name, status, started_at, finished_at, result, error)
OVERRIDING SYSTEM VALUE VALUES (2, '20261120-080000-00000001', 1, 'plan', 'pending', NULL, NULL, 'null', 'null');
INSERT INTO steps (position, run_id, round, name, status, started_at, finished_at, result, error)
OVERRIDING SYSTEM VALUE VALUES (1, '20261120-080000-00000001', 1, 'land', 'succeeded', '2026-11-20 08:00:00+00', '2026-11-20 08:00:00+00', '{"records":3}', 'null');
INSERT INTO steps (position, run_id, round, name, status, started_at, finished_at, result, error)
OVERRIDING SYSTEM VALUE VALUES (4, '20261120-080000-00000003', 1, 'plan', 'pending', NULL, NULL, 'null', 'null');
INSERT INTO steps (position, run_id, round, name, status, started_at, finished_at, result, error)
OVERRIDING SYSTEM VALUE VALUES (3, '20261120-080000-00000003', 1, 'land', 'succeeded', '2026-11-20 08:00:00+00', '2026-11-20 08:00:00+00', '{"records":3}', 'null');
INSERT INTO steps (position, run_id, round, name, status, started_at, finished_at, result, error)
OVERRIDING SYSTEM VALUE VALUES (6, '20261120-080000-00000004', 1, 'plan', 'pending', NULL, NULL, 'null', 'null');
INSERT INTO steps (position, run_id, round, name, status, started_at, finished_at, result, error)
OVERRIDING SYSTEM VALUE VALUES (5, '20261120-080000-00000004', 1, 'land', 'succeeded', '2026-11-20 08:00:00+00', '2026-11-20 08:00:00+00', '{"records":3}', 'null');
INSERT INTO subscriptions VALUES ('mail', 3, 0, '2026-11-20 08:00:00+00');
SELECT setval('attempts_sequence_seq', 3, true);
SELECT setval('events_sequence_seq', 13, true);
SELECT setval('run_uploads_sequence_seq', 10, true);
SELECT setval('runs_sequence_seq', 6, true);
SELECT setval('steps_position_seq', 6, true);
SELECT setval('uploads_sequence_seq', 5, true);
INSERT INTO rhythms VALUES ('schedule:nightly', '0 3 * * *', '2026-11-20 03:00:00+00');
INSERT INTO ticks VALUES ('schedule:nightly', '2026-11-20 03:00:00+00', '20261120-080000-00000006');
