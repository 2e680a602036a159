-- What SQLite says in its own way. A transaction that writes keeps every other out, so that what
-- it looks at holds until it ends: nothing need be locked.

-- name: hold_run
SELECT * FROM whole_runs WHERE run_id = :run_id;

-- name: hold_queued_run
SELECT run_id FROM runs WHERE run_id = :run_id AND status = 'queued' AND started_at IS NULL;

-- name: hold_free_run
SELECT run_id FROM runs WHERE run_id = :run_id AND status = :status;

-- name: hold_old_runs
-- Runs that finished long ago and of which something may be deleted.
SELECT run_id FROM runs
WHERE status NOT IN ('queued', 'running') AND finished_at < :before AND sequence <= :last
  AND (EXISTS (SELECT 1 FROM steps WHERE steps.run_id = runs.run_id)
    OR EXISTS (SELECT 1 FROM attempts WHERE attempts.run_id = runs.run_id)
    OR NOT EXISTS (SELECT 1 FROM uploads WHERE uploads.run_id = runs.run_id))
ORDER BY sequence LIMIT :limit;
