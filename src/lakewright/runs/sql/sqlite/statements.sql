-- What SQLite says in its own way. A transaction that writes keeps every other out, so that what
-- it looks at holds until it ends: nothing need be locked.

-- name: hold_run
SELECT * FROM whole_runs WHERE run_id = :run_id;

-- name: hold_queued_run
SELECT run_id FROM runs WHERE run_id = :run_id AND status = 'queued' AND started_at IS NULL;

-- name: hold_free_run
SELECT run_id FROM runs WHERE run_id = :run_id;
