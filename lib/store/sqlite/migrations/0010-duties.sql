-- What jobs could not do on a node and what is still to be done, see lib/model/duty.ts.
CREATE TABLE duties (
  uuid TEXT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
