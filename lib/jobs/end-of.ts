import { isFinal, type Job, type JobStatus } from '../model/job.ts';

/** What endOf() needs of the queue. */
interface Sources {
  /** Whether the queue still has the job, so that it has not ended yet. */
  isUnfinished(id: number): boolean;
  stored(id: number): Promise<Job | null>;
  /** Calls back whenever something of it changed, until the returned function is called. */
  subscribe(id: number, listener: () => void): () => void;
}

/** Waits for the end of a job: its final status once that is durable; null when there is no such job. @throws the signal's reason */
export function endOf(id: number, signal: AbortSignal, queue: Sources): Promise<JobStatus | null> {
  return new Promise((resolve, reject) => {
    const unsubscribe = queue.subscribe(id, () => check());
    const finish = (settle: () => void) => {
      unsubscribe();
      signal.removeEventListener('abort', abort);
      settle();
    };
    const abort = () => finish(() => reject(signal.reason));
    signal.addEventListener('abort', abort);
    const check = () => {
      if (queue.isUnfinished(id)) return;
      queue.stored(id).then(
        (job) => {
          if (!job || isFinal(job.status)) finish(() => resolve(job?.status ?? null));
        },
        (error) => finish(() => reject(error)),
      );
    };
    if (signal.aborted) abort();
    else check();
  });
}
