import type { Clock } from './clock.ts';

/** Waits at most `limit` milliseconds for `work` to end; true when it has ended in that time, whether it succeeded or failed. */
export async function endsWithin(work: Promise<unknown>, limit: number, clock: Clock): Promise<boolean> {
  const over = new AbortController();
  const late = clock.sleep(limit, { signal: over.signal }).then(
    () => false,
    () => false,
  );
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
