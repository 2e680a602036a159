-- What every journal in a database asks and writes, whichever database it is. `:name` is a value.
-- What the databases say each in their own way stands in `<database>/statements.sql`.

-- Accepting

-- name: upload
SELECT * FROM uploads WHERE upload_id = :upload_id;

-- name: waiting_run
-- The last unfinished run that an upload takes part in.
SELECT runs.run_id, runs.kind, run_uploads.format
FROM run_uploads JOIN runs ON runs.run_id = run_uploads.run_id
WHERE run_uploads.upload_id = :upload_id AND runs.status IN ('queued', 'running')
ORDER BY runs.sequence DESC LIMIT 1;

-- name: last_unfinished_run_of_source
SELECT run_id, kind, started_at,
  (SELECT coalesce(sum(size_bytes), 0) FROM uploads JOIN run_uploads
    ON run_uploads.upload_id = uploads.upload_id WHERE run_uploads.run_id = runs.run_id) AS bytes,
  (SELECT count(*) FROM run_uploads WHERE run_uploads.run_id = runs.run_id) AS uploads
FROM runs WHERE source = :source AND status IN ('queued', 'running')
ORDER BY sequence DESC LIMIT 1;

-- name: add_run
INSERT INTO runs (run_id, kind, source, payload, status, queued_at, priority)
VALUES (:run_id, :kind, :source, :payload, 'queued', :now, :priority);

-- name: raise_priority
UPDATE runs SET priority = :priority WHERE run_id = :run_id AND priority < :priority;

-- name: add_run_table
INSERT INTO run_tables (run_id, table_name) VALUES (:run_id, :table_name)
ON CONFLICT (run_id, table_name) DO NOTHING;

-- name: add_run_upload
INSERT INTO run_uploads (run_id, upload_id, is_again, status, format)
VALUES (:run_id, :upload_id, :is_again, 'accepted', :format);

-- name: put_upload
INSERT INTO uploads (upload_id, source, sha256, file_name, size_bytes, media_type, delivered_by,
  accepted_at, status, run_id, format)
VALUES (:upload_id, :source, :sha256, :file_name, :size_bytes, :media_type, :delivered_by,
  :now, 'accepted', :run_id, :format)
ON CONFLICT (upload_id) DO UPDATE SET file_name = excluded.file_name,
  media_type = excluded.media_type, delivered_by = excluded.delivered_by,
  accepted_at = excluded.accepted_at, status = 'accepted', run_id = excluded.run_id,
  format = excluded.format, records = NULL, rows = NULL, quarantined = NULL, snapshot_id = NULL,
  suspicions = '[]', error = 'null';

-- name: carry_steps_over
-- A retry that goes on keeps what succeeded, in the next round.
INSERT INTO steps (run_id, round, name, status, started_at, finished_at, result)
SELECT run_id, round + 1, name,
  CASE WHEN status = 'succeeded' THEN status ELSE 'pending' END,
  CASE WHEN status = 'succeeded' THEN started_at END,
  CASE WHEN status = 'succeeded' THEN finished_at END,
  CASE WHEN status = 'succeeded' THEN result ELSE 'null' END
FROM steps WHERE run_id = :run_id AND round = :round ORDER BY position;

-- name: failed_parts
SELECT * FROM run_uploads WHERE run_id = :run_id AND status = 'failed' ORDER BY sequence;

-- name: take_up_part
UPDATE run_uploads SET status = 'accepted', error = 'null'
WHERE run_id = :run_id AND upload_id = :upload_id;

-- name: take_up_upload
UPDATE uploads SET status = 'accepted', run_id = :run_id, error = 'null',
  format = coalesce(:format, format)
WHERE upload_id = :upload_id AND status = 'failed';

-- name: queue_next_round
UPDATE runs SET status = 'queued', round = round + 1, queued_at = :now, finished_at = NULL,
  error = 'null', cancel_asked_at = NULL
WHERE run_id = :run_id;

-- Controlling

-- name: ask_to_cancel
UPDATE runs SET cancel_asked_at = coalesce(cancel_asked_at, :now)
WHERE run_id = :run_id;

-- name: fail_unfinished_steps
UPDATE steps SET status = 'failed', finished_at = :now, error = :error
WHERE run_id = :run_id AND round = :round AND status IN ('pending', 'running');

-- name: fail_unfinished_attempts
UPDATE attempts SET status = 'failed', finished_at = :now, error = :error
WHERE run_id = :run_id AND round = :round AND status = 'running';

-- name: is_held
-- Whether the run is still the owner's, and is not to be cancelled.
SELECT cancel_asked_at IS NOT NULL AS is_cancelled FROM runs
WHERE run_id = :run_id AND fence = :fence AND status = 'running';

-- name: pause
INSERT INTO pauses (source, reason, paused_at) VALUES (:source, :reason, :now)
ON CONFLICT (source) DO UPDATE SET reason = excluded.reason;

-- name: resume
DELETE FROM pauses WHERE source = :source;

-- name: pauses
SELECT * FROM pauses ORDER BY source;

-- What is done by itself

-- name: begin_rhythm
INSERT INTO rhythms (subject, rhythm, position) VALUES (:subject, :rhythm, :now)
ON CONFLICT (subject, rhythm) DO NOTHING;

-- name: rhythm
SELECT position FROM rhythms WHERE subject = :subject AND rhythm = :rhythm;

-- name: rhythms
SELECT subject, rhythm FROM rhythms;

-- name: advance_rhythm
UPDATE rhythms SET position = :at
WHERE subject = :subject AND rhythm = :rhythm AND position < :at;

-- name: forget_rhythm
DELETE FROM rhythms WHERE subject = :subject AND rhythm = :rhythm;

-- name: add_tick
INSERT INTO ticks (subject, at, run_id) VALUES (:subject, :at, :run_id)
ON CONFLICT (subject, at) DO NOTHING;

-- name: tick
SELECT * FROM ticks WHERE subject = :subject AND at = :at;

-- name: ticks
SELECT * FROM ticks WHERE subject = :subject
ORDER BY at DESC LIMIT coalesce(CAST(:limit AS BIGINT), 9223372036854775807);

-- name: put_sighting
INSERT INTO sightings (source, name, mark, sha256) VALUES (:source, :name, :mark, :sha256)
ON CONFLICT (source, name) DO UPDATE SET mark = excluded.mark, sha256 = excluded.sha256;

-- name: sightings
SELECT name, mark FROM sightings WHERE source = :source;

-- Carrying out

-- name: standing
SELECT run_id, status, kind, priority, owner_id, tables, queued_at,
  CASE WHEN kind = 'upload' AND started_at IS NULL THEN queued_at END AS gathers_since,
  source IS NOT NULL AND EXISTS (SELECT 1 FROM pauses WHERE pauses.source = whole_runs.source)
    AS is_paused
FROM whole_runs WHERE status IN ('queued', 'running') ORDER BY sequence;

-- name: next_fence
UPDATE fence SET value = value + 1 RETURNING value;

-- name: claim_run
UPDATE runs SET status = 'running', owner_id = :owner_id, fence = :fence,
  started_at = coalesce(started_at, :now)
WHERE run_id = :run_id;

-- name: taken_table
-- A table of this run that another running run has.
SELECT theirs.table_name FROM run_tables AS mine
JOIN run_tables AS theirs ON theirs.table_name = mine.table_name
JOIN runs ON runs.run_id = theirs.run_id
WHERE mine.run_id = :run_id AND theirs.run_id <> mine.run_id AND runs.status = 'running'
LIMIT 1;

-- name: put_back
UPDATE runs SET status = 'queued' WHERE run_id = :run_id;

-- name: add_step
INSERT INTO steps (run_id, round, name, status) VALUES (:run_id, :round, :name, 'pending')
ON CONFLICT (run_id, round, name) DO NOTHING;

-- name: remove_step
DELETE FROM steps WHERE run_id = :run_id AND round = :round AND name = :name;

-- name: start_step
UPDATE steps SET status = 'running', started_at = :now, finished_at = NULL, done = NULL,
  total = NULL, error = 'null'
WHERE run_id = :run_id AND round = :round AND name = :name;

-- name: end_step
UPDATE steps SET status = :status, finished_at = :finished_at, result = :result, error = :error
WHERE run_id = :run_id AND round = :round AND name = :name;

-- name: add_attempt
INSERT INTO attempts (run_id, round, step, number, fence, status, started_at)
VALUES (:run_id, :round, :name,
  (SELECT 1 + count(*) FROM attempts
    WHERE run_id = :run_id AND round = :round AND step = :name),
  :fence, 'running', :now)
RETURNING number;

-- name: end_attempt
UPDATE attempts SET status = :status, finished_at = :now, error = :error,
  milliseconds = :milliseconds, cpu_milliseconds = :cpu_milliseconds
WHERE run_id = :run_id AND round = :round AND step = :name AND status = 'running';

-- name: waiting_parts
SELECT upload_id FROM run_uploads WHERE run_id = :run_id AND status = 'accepted'
ORDER BY sequence;

-- name: conclude_part
INSERT INTO run_uploads (run_id, upload_id, is_again, status, error)
VALUES (:run_id, :upload_id, :is_again, :status, :error)
ON CONFLICT (run_id, upload_id) DO UPDATE SET status = excluded.status, error = excluded.error
RETURNING format;

-- name: fail_upload
-- An upload that is in bronze stays there when loading it again has failed.
UPDATE uploads SET status = 'failed', error = :error, records = :records,
  quarantined = :quarantined, suspicions = :suspicions
WHERE upload_id = :upload_id AND status = 'accepted';

-- name: conclude_upload
UPDATE uploads SET status = :status, run_id = :run_id, records = :records, rows = :rows,
  quarantined = :quarantined, snapshot_id = :snapshot_id, suspicions = :suspicions,
  error = 'null', format = coalesce(:format, format)
WHERE upload_id = :upload_id;

-- name: finish_run
UPDATE runs SET status = :status, finished_at = :now, result = :result, error = :error
WHERE run_id = :run_id;

-- Telling those who watch. An owner that has lost the run writes nothing.

-- name: progress_step
UPDATE steps SET done = :done, total = :total
WHERE run_id = :run_id AND name = :name AND status = 'running'
  AND round = (SELECT round FROM runs
    WHERE run_id = :run_id AND fence = :fence AND status = 'running');

-- name: add_line
INSERT INTO lines (run_id, at, level, message, facts)
SELECT run_id, :now, :level, :message, :facts FROM runs
WHERE run_id = :run_id AND fence = :fence AND status = 'running';

-- name: remove_oldest_lines
DELETE FROM lines WHERE run_id = :run_id AND sequence <= (SELECT sequence FROM lines
  WHERE run_id = :run_id ORDER BY sequence DESC LIMIT 1 OFFSET :kept);

-- name: lines
SELECT * FROM lines WHERE run_id = :run_id AND sequence > :after ORDER BY sequence;

-- Reading. A list of statuses is their names between commas; empty: all.

-- name: run
SELECT * FROM whole_runs WHERE run_id = :run_id;

-- name: runs
SELECT * FROM whole_runs
WHERE CAST(:statuses AS TEXT) = '' OR :statuses LIKE '%,' || status || ',%'
ORDER BY sequence DESC LIMIT coalesce(CAST(:limit AS BIGINT), 9223372036854775807);

-- name: unfinished_runs
-- As `runs`, but those that have finished, be they ever so many, cost nothing.
SELECT * FROM whole_runs
WHERE status IN ('queued', 'running') AND :statuses LIKE '%,' || status || ',%'
ORDER BY sequence DESC LIMIT coalesce(CAST(:limit AS BIGINT), 9223372036854775807);

-- name: uploads
SELECT * FROM uploads
WHERE (CAST(:source AS TEXT) IS NULL OR source = :source)
  AND (CAST(:statuses AS TEXT) = '' OR :statuses LIKE '%,' || status || ',%')
ORDER BY sequence DESC LIMIT coalesce(CAST(:limit AS BIGINT), 9223372036854775807);

-- name: run_uploads
SELECT * FROM run_uploads WHERE run_id = :run_id ORDER BY sequence;

-- name: steps
SELECT steps.*,
  (SELECT count(*) FROM attempts WHERE attempts.run_id = steps.run_id
    AND attempts.round = steps.round AND attempts.step = steps.name) AS attempts
FROM steps JOIN runs ON runs.run_id = steps.run_id AND runs.round = steps.round
WHERE steps.run_id = :run_id ORDER BY position;

-- name: attempts
SELECT * FROM attempts WHERE run_id = :run_id ORDER BY sequence;

-- Events

-- name: tell
INSERT INTO events (event_id, kind, at, payload) VALUES (:event_id, :kind, :now, :payload)
ON CONFLICT (event_id) DO NOTHING;

-- name: events
SELECT * FROM events WHERE sequence > :after ORDER BY sequence LIMIT :limit;

-- name: add_subscription
INSERT INTO subscriptions (name, position, subscribed_at)
VALUES (:name,
  CASE WHEN CAST(:is_from_now AS INTEGER) = 1
    THEN (SELECT coalesce(max(sequence), 0) FROM events) ELSE 0 END,
  :now)
ON CONFLICT (name) DO NOTHING;

-- name: remove_subscription
DELETE FROM subscriptions WHERE name = :name;

-- name: subscription
SELECT * FROM subscriptions WHERE name = :name;

-- name: subscriptions
SELECT * FROM subscriptions ORDER BY name;

-- name: acknowledge
UPDATE subscriptions SET position = :sequence WHERE name = :name AND position < :sequence;

-- name: advance
UPDATE subscriptions SET position = :sequence, memo = :memo
WHERE name = :name AND position = :after;

-- Retention

-- name: newest_event_but
-- The newest event but so many.
SELECT sequence FROM events ORDER BY sequence DESC LIMIT 1 OFFSET :kept;

-- name: oldest_event
SELECT sequence FROM events ORDER BY sequence LIMIT 1;

-- name: first_young_event
SELECT sequence FROM events WHERE at >= :since ORDER BY sequence LIMIT 1;

-- name: lowest_position
SELECT min(position) AS position FROM subscriptions;

-- name: pass_over
-- A subscriber that is too far behind goes on behind what is deleted.
UPDATE subscriptions SET position = :last, missed = missed + (SELECT count(*) FROM events
  WHERE events.sequence > subscriptions.position AND events.sequence <= :last)
WHERE position < :last;

-- name: remove_events
DELETE FROM events WHERE sequence <= :last;

-- name: first_kept_run
-- The oldest of so many newest runs.
SELECT sequence FROM runs ORDER BY sequence DESC LIMIT 1 OFFSET :kept;

-- name: remove_lines_of_run
DELETE FROM lines WHERE run_id = :run_id;

-- name: remove_attempts_of_run
DELETE FROM attempts WHERE run_id = :run_id;

-- name: remove_steps_of_run
DELETE FROM steps WHERE run_id = :run_id;

-- name: unnamed_run
-- The run, if no upload names it as the one that loaded it, or is to.
SELECT run_id FROM runs WHERE run_id = :run_id
  AND NOT EXISTS (SELECT 1 FROM uploads WHERE uploads.run_id = runs.run_id);

-- name: remove_parts_of_run
DELETE FROM run_uploads WHERE run_id = :run_id;

-- name: remove_tables_of_run
DELETE FROM run_tables WHERE run_id = :run_id;

-- name: remove_ticks_of_run
-- A schedule's position tells what is past. That a model's interval was built is kept for good.
DELETE FROM ticks WHERE run_id = :run_id AND subject LIKE 'schedule:%';

-- name: remove_run
DELETE FROM runs WHERE run_id = :run_id;
