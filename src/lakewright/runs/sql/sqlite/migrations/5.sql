-- Things are done by themselves: at certain times, and with files that were not seen yet.

-- Up to when the ticks of a rhythm are past: all before `position`, and it itself.
CREATE TABLE rhythms (
  subject  TEXT NOT NULL,
  rhythm   TEXT NOT NULL,
  position TEXT NOT NULL,
  PRIMARY KEY (subject, rhythm)
) STRICT, WITHOUT ROWID;

-- What runs for a tick: for a firing of a schedule (`schedule:<name>`), or an interval of a model.
CREATE TABLE ticks (
  subject TEXT NOT NULL,
  at      TEXT NOT NULL,
  run_id  TEXT NOT NULL,
  PRIMARY KEY (subject, at)
) STRICT, WITHOUT ROWID;

CREATE INDEX ticks_by_run ON ticks (run_id);

-- Files that were fetched, as they were when they were last read.
CREATE TABLE sightings (
  source TEXT NOT NULL,
  name   TEXT NOT NULL,
  mark   TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (source, name)
) STRICT, WITHOUT ROWID;
