// What Ganeti's clients are told of a job that they wait for: the fields that they name and the new lines of its log.
import { isDeepStrictEqual } from 'node:util';
import type { Job } from '../../model/job.ts';
import { jobFieldOf, showLog } from './job.ts';

/** A change of a job. */
interface JobChange {
  job_info: unknown[];
  log_entries: unknown[];
}

/** What a client knows of a job. */
export interface KnownJob {
  fields: readonly string[];
  /** The values of the fields; null when it knows none. */
  info: readonly unknown[] | null;
  /** The number of the last line of the log. */
  serial: number;
}

/** The values of the fields now, and the lines of the log that are not known. */
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

/** Whether a job is another one than the client knows. */
export function isChanged(job: Job, known: KnownJob): boolean {
  const { job_info, log_entries } = changeOf(job, known);
  return log_entries.length > 0 || !isDeepStrictEqual(job_info, known.info);
}
