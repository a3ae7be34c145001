-- Settings of the cluster that older releases did not have.
UPDATE objects
SET body = json_insert(
  body,
  '$.iallocator_search_path', json('[]'),
  '$.queue_drained', json('false'),
  '$.archive_after', 21600
)
WHERE kind = 'cluster';

-- Which version of its unit an opcode began with.
ALTER TABLE job_ops ADD COLUMN unit INTEGER;

-- Those that can be archived, by their age.
CREATE INDEX jobs_ended ON jobs ("end") WHERE archived = 0 AND "end" IS NOT NULL;
