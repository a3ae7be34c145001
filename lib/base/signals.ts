/**
 * Does work with a signal that fires as soon as one of `signals` does. All listeners are removed when the work has ended: the signals
 * may live as long as the process, and AbortSignal.any() would leave an entry in each of them.
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

/** Waits for work, but not longer than until the signal fires; the work itself goes on. @throws the reason of the signal */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
