-- Keys under which requests were sent, so that a repeated one makes no second job. `print` tells the request.
CREATE TABLE idempotency (
  principal TEXT NOT NULL,
  key TEXT NOT NULL,
  print TEXT NOT NULL,
  job INTEGER NOT NULL,
  time REAL NOT NULL,
  PRIMARY KEY (principal, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (time);
CREATE INDEX events_age ON events (time);
