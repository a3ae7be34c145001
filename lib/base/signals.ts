/**
 * Does work under a signal that fires when the first of some others does. When the work has ended nothing of it is left at these,
 * which may live as long as the process: AbortSignal.any() leaves an entry in each of them for ever.
 */
export async function underAny<T>(
  signals: readonly AbortSignal[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const [only, ...others] = signals;
  if (only && others.length === 0) return work(only);
  const any = new AbortController();
  const abort = (event: Event) => any.abort((event.target as AbortSignal).reason);
  for (const signal of signals) {
    if (signal.aborted) any.abort(signal.reason);
    signal.addEventListener('abort', abort);
  }
  try {
    return await work(any.signal);
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', abort);
  }
}
