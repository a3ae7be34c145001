import { type DestinationStream, type Logger, pino } from 'pino';
import { errorId, MerapiError } from './errors.ts';
import { systemCode } from './system-errors.ts';

export type { Logger };

/** Keys whose values never reach a log, wherever they stand in a logged object (two levels deep). */
const secretKeys = ['password', 'osparams_private', 'osparams_secret', 'authorization', 'key', 'secret'];

/** How many causes of an error are logged. */
const CAUSES = 5;

/**
 * An error as it is logged. The text of one that is not a MerapiError is left out, for that of a library may hold any value:
 * there are its kind, its code, the id under which answers and jobs name it, and where it happened.
 */
export function loggedError(error: unknown, causes = CAUSES): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error, id: errorId(error) };
  const { name, stack = '', cause } = error;
  const isOwn = error instanceof MerapiError;
  const { syscall, issues } = error as { syscall?: unknown; issues?: unknown };
  const about = {
    type: name,
    ...(isOwn
      ? { code: error.code, message: error.message }
      : { code: systemCode(error), id: errorId(error) }),
    ...(typeof syscall === 'string' ? { syscall: syscall.split(' ', 1)[0] } : {}),
    ...(Array.isArray(issues) ? { issues: issues.map(({ code, path }) => ({ code, path })) } : {}),
    stack: stack
      .split('\n')
      .filter((line) => /^ {4}at /.test(line))
      .join('\n'),
  };
  return cause !== undefined && causes > 0 ? { ...about, cause: loggedError(cause, causes - 1) } : about;
}

function standardError(): DestinationStream {
  const stderr = pino.destination({ fd: 2, sync: true });
  stderr.on('error', () => undefined); // a log that cannot be written, as on a full disk, ends nothing
  return stderr;
}

/**
 * A logger that writes JSON lines to standard error, or to where a test wants them; `level` as in pino (default from
 * MERAPI_LOG_LEVEL, else `info`).
 */
export function createLogger(
  program: string,
  level = process.env.MERAPI_LOG_LEVEL ?? 'info',
  destination: DestinationStream = standardError(),
): Logger {
  const paths = secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);
  const redact = { paths, censor: '<redacted>' };
  const serializers = {
    err: (error: unknown) => loggedError(error),
    error: (error: unknown) => loggedError(error),
  };
  return pino({ name: program, level, redact, serializers }, destination);
}

/** A logger that says nothing, for tests. */
export const silentLogger: Logger = pino({ level: 'silent' });
