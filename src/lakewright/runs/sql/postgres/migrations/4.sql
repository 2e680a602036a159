-- Runs of any kind have a priority and can be cancelled; sources can be paused.

DROP VIEW whole_runs;

ALTER TABLE runs DROP CONSTRAINT runs_kind_check;
ALTER TABLE runs ADD COLUMN priority BIGINT NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN cancel_asked_at TIMESTAMPTZ;

CREATE VIEW whole_runs AS
SELECT runs.*,
  coalesce((SELECT json_agg(table_name) FROM run_tables
    WHERE run_tables.run_id = runs.run_id), '[]') AS tables,
  coalesce((SELECT json_agg(upload_id ORDER BY sequence) FROM run_uploads
    WHERE run_uploads.run_id = runs.run_id), '[]') AS upload_ids
FROM runs;

-- Sources whose runs wait until somebody lets them go on.
CREATE TABLE pauses (
  source    TEXT NOT NULL PRIMARY KEY,
  reason    TEXT NOT NULL,
  paused_at TIMESTAMPTZ NOT NULL
);
