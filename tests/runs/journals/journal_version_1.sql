BEGIN TRANSACTION;
CREATE TABLE attempts (
  sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id      TEXT NOT NULL REFERENCES runs (run_id),
  round       INTEGER NOT NULL,
  step        TEXT NOT NULL,
  number      INTEGER NOT NULL,
  fence       INTEGER NOT NULL,
  status      TEXT NOT NULL
    CHECK (status IN ('pending', 'running', 'succeeded', 'failed', 'skipped')),
  started_at  TEXT NOT NULL,
  finished_at TEXT,
  error       TEXT NOT NULL DEFAULT 'null',
  UNIQUE (run_id, round, step, number)
) STRICT;
INSERT INTO "attempts" VALUES(1,'20261120-080000-00000001',1,'land',1,1,'succeeded','2026-11-20T08:00:00.000000+00:00','2026-11-20T08:00:00.000000+00:00','null');
INSERT INTO "attempts" VALUES(2,'20261120-080000-00000002',1,'land',1,2,'succeeded','2026-11-20T08:00:00.000000+00:00','2026-11-20T08:00:00.000000+00:00','null');
INSERT INTO "attempts" VALUES(3,'20261120-080000-00000003',1,'land',1,3,'failed','2026-11-20T08:00:00.000000+00:00','2026-11-20T08:00:00.000000+00:00','{"code":"file-unreadable","what":"d.csv cannot be read"}');
CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  kind     TEXT NOT NULL,
  at       TEXT NOT NULL,
  payload  TEXT NOT NULL
) STRICT;
INSERT INTO "events" VALUES(1,'file-uploaded:58f7658bb8fbaf39:20261120-080000-00000001','file-uploaded','2026-11-20T08:00:00.000000+00:00','{"upload_id":"58f7658bb8fbaf39","source":"orders","sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","file_name":"a.csv","size_bytes":10,"run_id":"20261120-080000-00000001"}');
INSERT INTO "events" VALUES(2,'file-uploaded:66dea0668aa6b305:20261120-080000-00000001','file-uploaded','2026-11-20T08:00:00.000000+00:00','{"upload_id":"66dea0668aa6b305","source":"orders","sha256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","file_name":"b.csv","size_bytes":10,"run_id":"20261120-080000-00000001"}');
INSERT INTO "events" VALUES(3,'raw-data-ready:58f7658bb8fbaf39:20261120-080000-00000001','raw-data-ready','2026-11-20T08:00:00.000000+00:00','{"upload_id":"58f7658bb8fbaf39","run_id":"20261120-080000-00000001","facts":{"records":3}}');
INSERT INTO "events" VALUES(4,'raw-data-ready:66dea0668aa6b305:20261120-080000-00000001','raw-data-ready','2026-11-20T08:00:00.000000+00:00','{"upload_id":"66dea0668aa6b305","run_id":"20261120-080000-00000001","facts":{"records":3}}');
INSERT INTO "events" VALUES(5,'run-finished:20261120-080000-00000001','run-finished','2026-11-20T08:01:00.000000+00:00','{"run_id":"20261120-080000-00000001","round":1,"kind":"upload","source":"orders","status":"succeeded","uploads":{"58f7658bb8fbaf39":"loaded","66dea0668aa6b305":"loaded"}}');
INSERT INTO "events" VALUES(6,'file-uploaded:33e8b325a0cd5d85:20261120-080000-00000002','file-uploaded','2026-11-20T08:00:00.000000+00:00','{"upload_id":"33e8b325a0cd5d85","source":"orders","sha256":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","file_name":"c.csv","size_bytes":10,"run_id":"20261120-080000-00000002"}');
INSERT INTO "events" VALUES(7,'raw-data-ready:33e8b325a0cd5d85:20261120-080000-00000002','raw-data-ready','2026-11-20T08:00:00.000000+00:00','{"upload_id":"33e8b325a0cd5d85","run_id":"20261120-080000-00000002","facts":{"records":3}}');
INSERT INTO "events" VALUES(8,'run-finished:20261120-080000-00000002','run-finished','2026-11-20T08:01:00.000000+00:00','{"run_id":"20261120-080000-00000002","round":1,"kind":"upload","source":"orders","status":"succeeded","uploads":{"33e8b325a0cd5d85":"suspect"}}');
INSERT INTO "events" VALUES(9,'file-uploaded:962f694f53c28b91:20261120-080000-00000003','file-uploaded','2026-11-20T08:00:00.000000+00:00','{"upload_id":"962f694f53c28b91","source":"orders","sha256":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","file_name":"d.csv","size_bytes":10,"run_id":"20261120-080000-00000003"}');
INSERT INTO "events" VALUES(10,'raw-data-ready:962f694f53c28b91:20261120-080000-00000003','raw-data-ready','2026-11-20T08:00:00.000000+00:00','{"upload_id":"962f694f53c28b91","run_id":"20261120-080000-00000003","facts":{"records":3}}');
INSERT INTO "events" VALUES(11,'run-finished:20261120-080000-00000003','run-finished','2026-11-20T08:01:00.000000+00:00','{"run_id":"20261120-080000-00000003","round":1,"kind":"upload","source":"orders","status":"failed","uploads":{"962f694f53c28b91":"failed"}}');
INSERT INTO "events" VALUES(12,'file-uploaded:58f7658bb8fbaf39:20261120-080000-00000004','file-uploaded','2026-11-20T08:00:00.000000+00:00','{"upload_id":"58f7658bb8fbaf39","source":"orders","sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","file_name":"a.csv","size_bytes":10,"run_id":"20261120-080000-00000004"}');
INSERT INTO "events" VALUES(13,'file-uploaded:7e705fbe13937811:20261120-080000-00000005','file-uploaded','2026-11-20T08:00:00.000000+00:00','{"upload_id":"7e705fbe13937811","source":"customers","sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","file_name":"a.csv","size_bytes":10,"run_id":"20261120-080000-00000005"}');
CREATE TABLE fence (value INTEGER NOT NULL) STRICT;
INSERT INTO "fence" VALUES(3);
CREATE TABLE run_tables (
  run_id     TEXT NOT NULL REFERENCES runs (run_id),
  table_name TEXT NOT NULL,
  PRIMARY KEY (run_id, table_name)
) STRICT, WITHOUT ROWID;
INSERT INTO "run_tables" VALUES('20261120-080000-00000001','bronze.orders');
INSERT INTO "run_tables" VALUES('20261120-080000-00000001','quarantine.orders');
INSERT INTO "run_tables" VALUES('20261120-080000-00000002','bronze.orders');
INSERT INTO "run_tables" VALUES('20261120-080000-00000002','quarantine.orders');
INSERT INTO "run_tables" VALUES('20261120-080000-00000003','bronze.orders');
INSERT INTO "run_tables" VALUES('20261120-080000-00000003','quarantine.orders');
INSERT INTO "run_tables" VALUES('20261120-080000-00000004','bronze.orders');
INSERT INTO "run_tables" VALUES('20261120-080000-00000004','quarantine.orders');
INSERT INTO "run_tables" VALUES('20261120-080000-00000005','bronze.customers');
INSERT INTO "run_tables" VALUES('20261120-080000-00000005','quarantine.customers');
INSERT INTO "run_tables" VALUES('20261120-080000-00000006','silver.x');
CREATE TABLE run_uploads (
  sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id    TEXT NOT NULL REFERENCES runs (run_id),
  upload_id TEXT NOT NULL REFERENCES uploads (upload_id),
  is_again  INTEGER NOT NULL,
  status    TEXT NOT NULL
    CHECK (status IN ('accepted', 'loaded', 'suspect', 'failed', 'removed')),
  error     TEXT NOT NULL DEFAULT 'null',
  UNIQUE (run_id, upload_id)
) STRICT;
INSERT INTO "run_uploads" VALUES(1,'20261120-080000-00000001','58f7658bb8fbaf39',0,'loaded','null');
INSERT INTO "run_uploads" VALUES(2,'20261120-080000-00000001','66dea0668aa6b305',0,'loaded','null');
INSERT INTO "run_uploads" VALUES(5,'20261120-080000-00000002','33e8b325a0cd5d85',0,'suspect','null');
INSERT INTO "run_uploads" VALUES(7,'20261120-080000-00000003','962f694f53c28b91',0,'failed','{"code":"file-unreadable","what":"d.csv cannot be read"}');
INSERT INTO "run_uploads" VALUES(9,'20261120-080000-00000004','58f7658bb8fbaf39',1,'accepted','null');
INSERT INTO "run_uploads" VALUES(10,'20261120-080000-00000005','7e705fbe13937811',0,'accepted','null');
CREATE TABLE runs (
  sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id      TEXT NOT NULL UNIQUE,
  kind        TEXT NOT NULL CHECK (kind IN ('upload', 'models', 'remove', 'replay', 'rebuild')),
  source      TEXT,
  payload     TEXT NOT NULL,
  status      TEXT NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed')),
  round       INTEGER NOT NULL DEFAULT 1,
  owner_id    TEXT,
  fence       INTEGER NOT NULL DEFAULT 0,
  queued_at   TEXT NOT NULL,
  started_at  TEXT,
  finished_at TEXT,
  result      TEXT NOT NULL DEFAULT 'null',
  error       TEXT NOT NULL DEFAULT 'null',
  CHECK (status != 'running' OR owner_id IS NOT NULL)
) STRICT;
INSERT INTO "runs" VALUES(1,'20261120-080000-00000001','upload','orders','null','succeeded',1,'me',1,'2026-11-20T08:00:00.000000+00:00','2026-11-20T08:00:00.000000+00:00','2026-11-20T08:01:00.000000+00:00','{"tables":{}}','null');
INSERT INTO "runs" VALUES(2,'20261120-080000-00000002','upload','orders','null','succeeded',1,'me',2,'2026-11-20T08:00:00.000000+00:00','2026-11-20T08:00:00.000000+00:00','2026-11-20T08:01:00.000000+00:00','{"tables":{}}','null');
INSERT INTO "runs" VALUES(3,'20261120-080000-00000003','upload','orders','null','failed',1,'me',3,'2026-11-20T08:00:00.000000+00:00','2026-11-20T08:00:00.000000+00:00','2026-11-20T08:01:00.000000+00:00','{"tables":{}}','{"code":"file-unreadable","what":"d.csv cannot be read"}');
INSERT INTO "runs" VALUES(4,'20261120-080000-00000004','upload','orders','null','queued',1,NULL,0,'2026-11-20T08:00:00.000000+00:00',NULL,NULL,'null','null');
INSERT INTO "runs" VALUES(5,'20261120-080000-00000005','upload','customers','null','queued',1,NULL,0,'2026-11-20T08:00:00.000000+00:00',NULL,NULL,'null','null');
INSERT INTO "runs" VALUES(6,'20261120-080000-00000006','models',NULL,'{"models":[],"is_full":false}','queued',1,NULL,0,'2026-11-20T08:00:00.000000+00:00',NULL,NULL,'null','null');
CREATE TABLE steps (
  position    INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id      TEXT NOT NULL REFERENCES runs (run_id),
  round       INTEGER NOT NULL,
  name        TEXT NOT NULL,
  status      TEXT NOT NULL
    CHECK (status IN ('pending', 'running', 'succeeded', 'failed', 'skipped')),
  started_at  TEXT,
  finished_at TEXT,
  result      TEXT NOT NULL DEFAULT 'null',
  error       TEXT NOT NULL DEFAULT 'null',
  UNIQUE (run_id, round, name)
) STRICT;
INSERT INTO "steps" VALUES(1,'20261120-080000-00000001',1,'land','succeeded','2026-11-20T08:00:00.000000+00:00','2026-11-20T08:00:00.000000+00:00','{"records":3}','null');
INSERT INTO "steps" VALUES(2,'20261120-080000-00000001',1,'plan','pending',NULL,NULL,'null','null');
INSERT INTO "steps" VALUES(3,'20261120-080000-00000001',1,'publish','pending',NULL,NULL,'null','null');
INSERT INTO "steps" VALUES(4,'20261120-080000-00000002',1,'land','succeeded','2026-11-20T08:00:00.000000+00:00','2026-11-20T08:00:00.000000+00:00','{"records":3}','null');
INSERT INTO "steps" VALUES(5,'20261120-080000-00000002',1,'plan','pending',NULL,NULL,'null','null');
INSERT INTO "steps" VALUES(6,'20261120-080000-00000002',1,'publish','pending',NULL,NULL,'null','null');
INSERT INTO "steps" VALUES(7,'20261120-080000-00000003',1,'land','failed','2026-11-20T08:00:00.000000+00:00','2026-11-20T08:00:00.000000+00:00','{"records":3}','{"code":"file-unreadable","what":"d.csv cannot be read"}');
INSERT INTO "steps" VALUES(8,'20261120-080000-00000003',1,'plan','pending',NULL,NULL,'null','null');
INSERT INTO "steps" VALUES(9,'20261120-080000-00000003',1,'publish','pending',NULL,NULL,'null','null');
CREATE TABLE uploads (
  sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
  upload_id    TEXT NOT NULL UNIQUE,
  source       TEXT NOT NULL,
  sha256       TEXT NOT NULL,
  file_name    TEXT NOT NULL,
  size_bytes   INTEGER NOT NULL,
  media_type   TEXT,
  delivered_by TEXT NOT NULL,
  accepted_at  TEXT NOT NULL,
  status       TEXT NOT NULL
    CHECK (status IN ('accepted', 'loaded', 'suspect', 'failed', 'removed')),
  run_id       TEXT NOT NULL REFERENCES runs (run_id),
  records      INTEGER,
  rows         INTEGER,
  quarantined  INTEGER,
  snapshot_id  INTEGER,
  suspicions   TEXT NOT NULL DEFAULT '[]',
  error        TEXT NOT NULL DEFAULT 'null',
  UNIQUE (source, sha256)
) STRICT;
INSERT INTO "uploads" VALUES(1,'58f7658bb8fbaf39','orders','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','a.csv',10,'text/csv','someone','2026-11-20T08:00:00.000000+00:00','loaded','20261120-080000-00000001',3,2,1,7,'[]','null');
INSERT INTO "uploads" VALUES(2,'66dea0668aa6b305','orders','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','b.csv',10,'text/csv','someone','2026-11-20T08:00:00.000000+00:00','loaded','20261120-080000-00000001',3,2,1,7,'[]','null');
INSERT INTO "uploads" VALUES(3,'33e8b325a0cd5d85','orders','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','c.csv',10,'text/csv','someone','2026-11-20T08:00:00.000000+00:00','suspect','20261120-080000-00000002',3,2,1,7,'["two delimiters fit"]','null');
INSERT INTO "uploads" VALUES(4,'962f694f53c28b91','orders','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','d.csv',10,'text/csv','someone','2026-11-20T08:00:00.000000+00:00','failed','20261120-080000-00000003',3,NULL,1,NULL,'[]','{"code":"file-unreadable","what":"d.csv cannot be read"}');
INSERT INTO "uploads" VALUES(5,'7e705fbe13937811','customers','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','a.csv',10,'text/csv','someone','2026-11-20T08:00:00.000000+00:00','accepted','20261120-080000-00000005',NULL,NULL,NULL,NULL,'[]','null');
CREATE INDEX runs_unfinished ON runs (sequence) WHERE status IN ('queued', 'running');
CREATE INDEX uploads_by_source ON uploads (source, status);
CREATE INDEX run_uploads_by_upload ON run_uploads (upload_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('runs',6);
INSERT INTO "sqlite_sequence" VALUES('uploads',5);
INSERT INTO "sqlite_sequence" VALUES('run_uploads',10);
INSERT INTO "sqlite_sequence" VALUES('events',13);
INSERT INTO "sqlite_sequence" VALUES('steps',9);
INSERT INTO "sqlite_sequence" VALUES('attempts',3);
COMMIT;
