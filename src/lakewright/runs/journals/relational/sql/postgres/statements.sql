-- What PostgreSQL says in its own way: transactions go on side by side, so what must hold until
-- the end of one is locked. NO KEY: rows that refer to a run may be added meanwhile.

-- name: hold
-- Others that hold the same name wait until this transaction has ended.
SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ':' || :name, 0));

-- name: wake
-- The channel is the database's; its journals are told apart by their schemas.
SELECT pg_notify('lakewright', current_schema());

-- name: hold_run
SELECT * FROM whole_runs WHERE run_id = :run_id FOR NO KEY UPDATE;

-- name: hold_queued_run
-- Nothing, once the run has begun.
SELECT run_id FROM runs WHERE run_id = :run_id AND status = 'queued' AND started_at IS NULL
FOR NO KEY UPDATE;

-- name: hold_free_run
-- Nothing, while somebody else writes to the run, or once its status is another.
SELECT run_id FROM runs WHERE run_id = :run_id AND status = :status
FOR NO KEY UPDATE SKIP LOCKED;

-- name: journal_version_table
-- Looked up as rows are: what the server remembers of names may be older than what a lock waited for.
SELECT relname FROM pg_class WHERE relname = 'journal_version'
  AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema());

-- name: version
SELECT value FROM journal_version;

-- name: add_version
INSERT INTO journal_version (value) VALUES (:version);

-- name: put_version
UPDATE journal_version SET value = :version;

-- name: write_to_log
-- A transaction that has written nothing is not synced.
SELECT pg_logical_emit_message(true, 'lakewright', '')::text;

-- Owners. A lock is held by a connection, and let go of when that ends, however it ends.

-- name: lock_owner
SELECT pg_advisory_lock(hashtextextended(current_schema() || ' owner ' || :owner_id, 0));

-- name: beat
INSERT INTO owners (owner_id, beaten_at) VALUES (:owner_id, clock_timestamp())
ON CONFLICT (owner_id) DO UPDATE SET beaten_at = excluded.beaten_at;

-- name: remove_owner
DELETE FROM owners WHERE owner_id = :owner_id;

-- name: remove_old_owners
DELETE FROM owners WHERE beaten_at < clock_timestamp() - interval '1 day';

-- name: living_owner
-- The owner, if it was awake within the lease and somebody holds its lock. An advisory lock's key
-- stands in two halves.
SELECT owners.owner_id FROM owners
CROSS JOIN LATERAL
  (SELECT hashtextextended(current_schema() || ' owner ' || owners.owner_id, 0) AS value) AS key
JOIN pg_locks ON pg_locks.locktype = 'advisory' AND pg_locks.granted AND pg_locks.objsubid = 1
  AND pg_locks.classid = ((key.value >> 32) & 4294967295)::oid
  AND pg_locks.objid = (key.value & 4294967295)::oid
JOIN pg_database ON pg_database.oid = pg_locks.database
WHERE owners.owner_id = :owner_id AND pg_database.datname = current_database()
  AND owners.beaten_at >= clock_timestamp() - make_interval(secs => :lease_seconds);

-- Retention

-- name: hold_old_runs
-- Runs that finished long ago and of which something may be deleted. One that is just being retried
-- is let be.
SELECT run_id FROM runs
WHERE status NOT IN ('queued', 'running') AND finished_at < :before AND sequence <= :last
  AND (EXISTS (SELECT 1 FROM steps WHERE steps.run_id = runs.run_id)
    OR EXISTS (SELECT 1 FROM attempts WHERE attempts.run_id = runs.run_id)
    OR NOT EXISTS (SELECT 1 FROM uploads WHERE uploads.run_id = runs.run_id))
ORDER BY sequence LIMIT :limit FOR UPDATE SKIP LOCKED;
