-- Runs tell how far they are, what their steps took the child, and what was out of the ordinary;
-- a subscriber may keep a memo with its position.

ALTER TABLE steps ADD COLUMN done INTEGER;
ALTER TABLE steps ADD COLUMN total INTEGER;

ALTER TABLE attempts ADD COLUMN milliseconds INTEGER;
ALTER TABLE attempts ADD COLUMN cpu_milliseconds INTEGER;

-- What was out of the ordinary while a run was carried out: its newest lines.
CREATE TABLE lines (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id   TEXT NOT NULL REFERENCES runs (run_id),
  at       TEXT NOT NULL,
  level    TEXT NOT NULL,
  message  TEXT NOT NULL,
  facts    TEXT NOT NULL
) STRICT;

CREATE INDEX lines_of_run ON lines (run_id, sequence);

ALTER TABLE subscriptions ADD COLUMN memo TEXT NOT NULL DEFAULT 'null';
