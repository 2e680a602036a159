-- What PostgreSQL says in its own way: transactions go on side by side, so what must hold until
-- the end of one is locked. NO KEY: rows that refer to a run may be added meanwhile.

-- name: hold
-- Others that hold the same name wait until this transaction has ended.
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ':' || :name, 0));

-- name: hold_run
SELECT * FROM whole_runs WHERE run_id = :run_id FOR NO KEY UPDATE;

-- name: hold_queued_run
-- Nothing, once the run has begun.
SELECT run_id FROM runs WHERE run_id = :run_id AND status = 'queued' AND started_at IS NULL
FOR NO KEY UPDATE;

-- name: hold_free_run
-- Nothing, while somebody else writes to the run.
SELECT run_id FROM runs WHERE run_id = :run_id FOR NO KEY UPDATE SKIP LOCKED;
