import type { Clock } from './clock.ts';

/** Waits for something, at most `limit` ms; tells whether it came to its end, well or not, in that time. */
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
