-- The cluster's objects: one JSON body each.
CREATE TABLE objects (
  kind TEXT NOT NULL,
  uuid TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (kind, uuid)
) STRICT, WITHOUT ROWID;

-- What happened, in order; `job` is the job that did it.
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time REAL NOT NULL,
  kind TEXT NOT NULL,
  uuid TEXT NOT NULL,
  name TEXT NOT NULL,
  action TEXT NOT NULL,
  job INTEGER
) STRICT;

-- Small facts of the store itself: the epoch of the leading master, the last job id.
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('epoch', 0), ('last_job', 0);

CREATE TABLE jobs (
  id INTEGER PRIMARY KEY,
  status TEXT NOT NULL,
  priority INTEGER NOT NULL,
  received REAL NOT NULL,
  start REAL,
  "end" REAL,
  archived INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX jobs_active ON jobs (id) WHERE status NOT IN ('success', 'error', 'canceled');
CREATE INDEX jobs_listed ON jobs (id) WHERE archived = 0;

CREATE TABLE job_ops (
  job INTEGER NOT NULL,
  op INTEGER NOT NULL,
  input TEXT NOT NULL,
  resolved TEXT NOT NULL,
  status TEXT NOT NULL,
  result TEXT NOT NULL,
  failure TEXT,
  start REAL,
  exec REAL,
  "end" REAL,
  -- What the opcode holds while it runs, and the failure it undoes for, once that is decided.
  locks TEXT,
  undo TEXT,
  PRIMARY KEY (job, op)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_log (
  job INTEGER NOT NULL,
  serial INTEGER NOT NULL,
  op INTEGER NOT NULL,
  time REAL NOT NULL,
  type TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (job, serial)
) STRICT, WITHOUT ROWID;

-- The journal of steps. A row without `seq` is an intent: the step began, its outcome is not known. `seq` is the order in
-- which the steps of a job ended. Removed when the job ends.
CREATE TABLE job_steps (
  job INTEGER NOT NULL,
  op INTEGER NOT NULL,
  name TEXT NOT NULL,
  seq INTEGER,
  outcome TEXT,
  failure TEXT,
  PRIMARY KEY (job, op, name)
) STRICT, WITHOUT ROWID;

-- Secret parameters of jobs that have not ended, sealed.
CREATE TABLE job_secrets (
  job INTEGER NOT NULL,
  op INTEGER NOT NULL,
  sealed TEXT NOT NULL,
  PRIMARY KEY (job, op)
) STRICT, WITHOUT ROWID;
