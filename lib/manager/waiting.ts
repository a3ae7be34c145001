import { isDeepStrictEqual } from 'node:util';
import { Bell } from '../base/bell.ts';
import { MerapiError } from '../base/errors.ts';
import { isFinal, type Job } from '../model/job.ts';
import { jobValues, showLog } from '../views/job.ts';
import type { JobChange } from './define.ts';
import type { ManagerParts } from './parts.ts';

/** Looks at the job now and after each of its changes, until something differs from what is known; null when the time is over or the signal fires. */
export async function waitForChange(
  { queue, clock }: Pick<ManagerParts, 'queue' | 'clock'>,
  id: number,
  fields: readonly string[],
  known: { info: readonly unknown[] | null; serial: number },
  timeout: number,
  signal: AbortSignal,
): Promise<JobChange | null> {
  const bell = new Bell(clock);
  const stop = queue.subscribe(id, bell.ring);
  signal.addEventListener('abort', bell.ring);
  const end = clock.now() + timeout;
  try {
    while (!signal.aborted && clock.now() < end) {
      bell.hush();
      const job = await queue.get(id);
      if (!job) throw new MerapiError('not_found', `There is no job ${id}`);
      const change = changeOf(job, fields, known.serial);
      const differs = !isDeepStrictEqual(change.job_info, known.info) || change.log_entries.length > 0;
      // Of a job that has ended nothing more will come: waiting for it would never end well.
      if (differs || isFinal(job.status)) return change;
      if (!signal.aborted) await bell.wait(Math.max(0, end - clock.now()));
    }
    return null;
  } finally {
    stop();
    signal.removeEventListener('abort', bell.ring);
  }
}

function changeOf(job: Job, fields: readonly string[], serial: number): JobChange {
  const values = new Map<string, unknown>();
  const infoOf = (field: string) => {
    if (!values.has(field)) values.set(field, jobValues.get(field)?.(job)[1] ?? null);
    return values.get(field);
  };
  return {
    job_info: fields.map((field) => infoOf(field)),
    log_entries: job.ops.flatMap(showLog).filter(([entry]) => entry > serial),
  };
}
