import { isFinal, type Job, type JobStatus } from '../model/job.ts';

/** What is asked of the queue about a job. */
interface Sources {
  /** Whether it goes on in this process. */
  goesOn(id: number): boolean;
  stored(id: number): Promise<Job | null>;
  /** Calls back whenever something of it changed, until the returned function is called. */
  subscribe(id: number, listener: () => void): () => void;
}

/** The status in which a job ends, once that is on disk; null when there is no such job. @throws the signal's reason */
export function endOf(id: number, signal: AbortSignal, queue: Sources): Promise<JobStatus | null> {
  return new Promise((resolve, reject) => {
    const stop = queue.subscribe(id, () => look());
    const finish = (settle: () => void) => {
      stop();
      signal.removeEventListener('abort', abort);
      settle();
    };
    const abort = () => finish(() => reject(signal.reason));
    signal.addEventListener('abort', abort);
    const look = () => {
      if (queue.goesOn(id)) return;
      queue.stored(id).then(
        (job) => {
          if (!job || isFinal(job.status)) finish(() => resolve(job?.status ?? null));
        },
        (error) => finish(() => reject(error)),
      );
    };
    if (signal.aborted) abort();
    else look();
  });
}
