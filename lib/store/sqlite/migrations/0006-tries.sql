-- A number that is raised to find out whether the store can be written: only what changes something is written.
INSERT INTO meta VALUES ('tries', 0);
