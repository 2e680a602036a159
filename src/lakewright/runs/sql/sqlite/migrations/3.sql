-- Subscribers have positions; a run is read as a whole.

CREATE VIEW whole_runs AS
SELECT runs.*,
  (SELECT json_group_array(table_name) FROM run_tables WHERE run_tables.run_id = runs.run_id)
    AS tables,
  (SELECT json_group_array(upload_id) FROM
    (SELECT upload_id FROM run_uploads WHERE run_uploads.run_id = runs.run_id ORDER BY sequence))
    AS upload_ids
FROM runs;

-- Who reads the events, and how far: `position` is the sequence of the last that was acknowledged.
-- `missed`: events that retention took away unread.
CREATE TABLE subscriptions (
  name          TEXT NOT NULL PRIMARY KEY,
  position      INTEGER NOT NULL,
  missed        INTEGER NOT NULL DEFAULT 0,
  subscribed_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
