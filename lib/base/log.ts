import { type Logger, pino } from 'pino';

export type { Logger };

/** Keys whose values never reach a log, wherever they stand in a logged object (two levels deep). */
const secretKeys = ['password', 'osparams_private', 'osparams_secret', 'authorization', 'key', 'secret'];

/** A logger that writes JSON lines to standard error; `level` as in pino (default from MERAPI_LOG_LEVEL, else `info`). */
export function createLogger(program: string, level = process.env.MERAPI_LOG_LEVEL ?? 'info'): Logger {
  const paths = secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);
  const stderr = pino.destination({ fd: 2, sync: true });
  stderr.on('error', () => undefined); // a log that cannot be written, as on a full disk, ends nothing
  return pino({ name: program, level, redact: { paths, censor: '<redacted>' } }, stderr);
}

/** A logger that says nothing, for tests. */
export const silentLogger: Logger = pino({ level: 'silent' });
