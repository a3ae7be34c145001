// Changes of a job for GET /2/jobs/N/wait, in Ganeti's form: the values of the fields that the client names, and the lines of the log
// that it does not know.
import { isDeepStrictEqual } from 'node:util';
import type { Job } from '../../model/job.ts';
import { jobFieldOf, showLog } from './job.ts';

/** The response of GET /2/jobs/N/wait. */
interface JobChange {
  /** The values of the named fields, in the order of the names. */
  job_info: unknown[];
  log_entries: unknown[];
}

/** What a client knows of a job, as its request says. */
export interface KnownJob {
  fields: readonly string[];
  /** The values of the fields that it got last; null when it has none yet. */
  info: readonly unknown[] | null;
  /** The serial number of the last line of the log that it got; 0 when it has none yet. */
  serial: number;
}

/** The current values of the fields, and the log lines with a higher serial number than the client knows. */
export function changeOf(job: Job, { fields, serial }: KnownJob): JobChange {
  const values = new Map<string, unknown>();
  const infoOf = (field: string) => {
    if (!values.has(field)) values.set(field, jobFieldOf(job, field));
    return values.get(field);
  };
  return {
    job_info: fields.map((field) => infoOf(field)),
    log_entries: job.ops.flatMap((op) => showLog(op.log)).filter(([entry]) => entry > serial),
  };
}

/** Whether a job has changed since what the client knows. */
export function isChanged(job: Job, known: KnownJob): boolean {
  const { job_info, log_entries } = changeOf(job, known);
  return log_entries.length > 0 || !isDeepStrictEqual(job_info, known.info);
}
