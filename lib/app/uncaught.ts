import type { Logger } from '../base/log.ts';

/**
 * Installs the handlers for errors that no code caught, for programs that serve others (docs/decisions). Unhandled rejections and
 * errors of the system (a connection, a file, no descriptors left) are logged, and the program continues. After any other exception
 * the data in memory may be inconsistent: it is logged and the program exits with 1, as in a crash; the next start recovers from
 * what is durable.
 */
export function outliveFailures(log: Logger): void {
  process.on('unhandledRejection', (error) =>
    log.error({ err: error }, 'a rejection that no code handled: a defect; the program continues'),
  );
  process.on('uncaughtException', (error) => {
    if (isOfSystem(error)) return log.error({ err: error }, 'an error of the system; the program continues');
    log.fatal({ err: error }, 'a defect; the program ends');
    process.exit(1);
  });
  process.stdout.on('error', () => undefined); // a closed pipe is no reason to end
}

/** Whether an error is a failed system call, which leaves the program's own data consistent. */
function isOfSystem(error: unknown): boolean {
  const { syscall, code } = error as NodeJS.ErrnoException;
  return typeof syscall === 'string' && typeof code === 'string';
}
