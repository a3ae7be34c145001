import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for something, at most `limit` ms; tells whether it came to its end, well or not, in that time. */
export async function endsWithin(work: Promise<unknown>, limit: number): Promise<boolean> {
  const over = new AbortController();
  const late = sleep(limit, false, { signal: over.signal }).catch(() => false);
  const ended = await Promise.race([
    work.then(
      () => true,
      () => true,
    ),
    late,
  ]);
  over.abort();
  return ended;
}
