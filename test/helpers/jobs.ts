import type { Json } from '../../lib/base/json.ts';
import type { Job, JobOp, OpInput } from '../../lib/model/job.ts';

/** An opcode of a job that has not begun. */
export function anOp(input: OpInput, patch: Partial<JobOp> = {}): JobOp {
  return {
    input,
    resolved: {},
    status: 'queued',
    result: null as Json,
    failure: null,
    log: [],
    start: null,
    exec: null,
    end: null,
    ...patch,
  };
}

/** A queued job of these opcodes. */
export function aJob(id: number, ops: readonly JobOp[], patch: Partial<Job> = {}): Job {
  return {
    id,
    status: 'queued',
    priority: 0,
    ops,
    received: 1_700_000_000.5,
    start: null,
    end: null,
    archived: false,
    ...patch,
  };
}
