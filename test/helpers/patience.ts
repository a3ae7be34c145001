/** How long a test waits for what must happen, in ms: one that hangs fails instead of stopping all others. */
const PATIENCE = 120_000;

/** Waits for something, at most PATIENCE; `what` says what did not happen then. */
export async function inTime<T>(wait: Promise<T>, what: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new Error(`This has not happened for ${PATIENCE / 1000} s: ${what()}`));
    timer = setTimeout(giveUp, PATIENCE);
    timer.unref(); // a wait that was given up keeps no process
  });
  try {
    return await Promise.race([wait, late]);
  } finally {
    clearTimeout(timer);
  }
}
