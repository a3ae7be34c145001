-- In which version of their formats a job's opcodes and the journal of an opcode's steps are stored; those of the first release
-- do not say it. See lib/store/formats.ts.
ALTER TABLE jobs ADD COLUMN format INTEGER;
ALTER TABLE job_ops ADD COLUMN journal INTEGER;
