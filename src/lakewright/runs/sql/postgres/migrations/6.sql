-- Runs tell how far they are, what their steps took the child, and what was out of the ordinary;
-- a subscriber may keep a memo with its position.

ALTER TABLE steps ADD COLUMN done BIGINT;
ALTER TABLE steps ADD COLUMN total BIGINT;

ALTER TABLE attempts ADD COLUMN milliseconds BIGINT;
ALTER TABLE attempts ADD COLUMN cpu_milliseconds BIGINT;

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

ALTER TABLE subscriptions ADD COLUMN memo JSON NOT NULL DEFAULT 'null';
