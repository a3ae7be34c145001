import type { Logger } from '../base/log.ts';

/**
 * Decides what becomes of a program that serves others when something goes wrong that no code caught (docs/decisions): a failure that
 * nobody waited for, and one of the system (a connection, a file, no descriptors left), are logged, and the program goes on. After any
 * other exception what is in memory may be half changed: that is logged, and the program ends with 1, as in a crash; the
 * next start goes on from what is on disk.
 */
export function outliveFailures(log: Logger): void {
  process.on('unhandledRejection', (error) =>
    log.error({ err: error }, 'a failure that nobody waited for: a defect; the program goes on'),
  );
  process.on('uncaughtException', (error) => {
    if (isOfSystem(error)) return log.error({ err: error }, 'a failure of the system; the program goes on');
    log.fatal({ err: error }, 'a defect; the program ends');
    process.exit(1);
  });
  process.stdout.on('error', () => undefined); // nobody reads what it prints
}

/** Whether an error is one that the system answered: it says nothing about the state of the program. */
function isOfSystem(error: unknown): boolean {
  const { syscall, code } = error as NodeJS.ErrnoException;
  return typeof syscall === 'string' && typeof code === 'string';
}
