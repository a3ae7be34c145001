// node:test follows every promise and every handle (an async hook with `init` and `destroy`) to know to which test an uncaught error belongs.
// For tests as these, which make millions of promises, that is a fifth of the processor time. It needs it to put suites and tests together
// while files are loaded, so it is stopped after that. Then an uncaught error cannot be laid to a test: it ends the whole run.
import { createHook } from 'node:async_hooks';
import { inspect } from 'node:util';

type Hook = ReturnType<typeof createHook>;

/** How long the output of the tests that have ended may take to be written, in ms. */
const FLUSH = 2000;

/**
 * Sets node:test up and returns how to stop its tracking.
 * @param setUp makes the first call of node:test in this process, at which it enables its hook
 */
export function trackedUntil(setUp: () => void): () => void {
  const hooks: Hook[] = [];
  const all = Object.getPrototypeOf(createHook({})) as { enable(this: Hook): Hook };
  const { enable } = all;
  all.enable = function (this: Hook) {
    hooks.push(this);
    return enable.call(this);
  };
  try {
    setUp();
  } finally {
    all.enable = enable;
  }
  return () => {
    for (const hook of hooks) hook.disable();
    process.on('uncaughtException', endRun);
    process.on('unhandledRejection', endRun);
  };
}

function endRun(error: unknown): void {
  console.error(`an error that no test caught ends this run: ${inspect(error)}`);
  setTimeout(() => process.exit(1), FLUSH);
}
