-- How a file was said to be read is kept with its upload, and with its part in each run.

ALTER TABLE uploads ADD COLUMN format TEXT NOT NULL DEFAULT '{}';

ALTER TABLE run_uploads ADD COLUMN format TEXT;
