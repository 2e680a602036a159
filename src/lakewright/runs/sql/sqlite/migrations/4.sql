-- Runs of any kind have a priority and can be cancelled; sources can be paused.

DROP VIEW whole_runs;

CREATE TABLE runs_of_4 (
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

INSERT INTO runs_of_4 (sequence, run_id, kind, source, payload, status, round, owner_id, fence, queued_at, started_at,
  finished_at, result, error)
SELECT sequence, run_id, kind, source, payload, status, round, owner_id, fence, queued_at, started_at,
  finished_at, result, error FROM runs;

DROP TABLE runs;
ALTER TABLE runs_of_4 RENAME TO runs;

CREATE INDEX runs_unfinished ON runs (sequence) WHERE status IN ('queued', 'running');

CREATE VIEW whole_runs AS
SELECT runs.*,
  (SELECT json_group_array(table_name) FROM run_tables WHERE run_tables.run_id = runs.run_id)
    AS tables,
  (SELECT json_group_array(upload_id) FROM
    (SELECT upload_id FROM run_uploads WHERE run_uploads.run_id = runs.run_id ORDER BY sequence))
    AS upload_ids
FROM runs;

-- Sources whose runs wait until somebody lets them go on.
CREATE TABLE pauses (
  source    TEXT NOT NULL PRIMARY KEY,
  reason    TEXT NOT NULL,
  paused_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
