-- Jobs that only read are not kept for long.
ALTER TABLE jobs ADD COLUMN brief INTEGER NOT NULL DEFAULT 0;
CREATE INDEX jobs_brief ON jobs ("end") WHERE brief = 1;
