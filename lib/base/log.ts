// Logging with pino, as JSON lines. No secret may reach a log: known keys are redacted, and messages of foreign errors are left out.

import { type DestinationStream, type Logger, pino } from 'pino';
import { errorId, MerapiError } from './errors.ts';
import { systemCode } from './system-errors.ts';

export type { Logger };

/** Keys whose values are redacted, at the top of a logged object and in the two levels below. */
const secretKeys = ['password', 'osparams_private', 'osparams_secret', 'authorization', 'key', 'secret'];

/** How many errors of a chain of causes are logged. */
const CAUSES = 5;

/**
 * The logged form of an error. The message of one that is not a MerapiError is left out, for a library may put any value into it;
 * logged are its type, its code, the errorId() that answers and jobs show, and the stack without its first line, the message.
 */
export function loggedError(error: unknown, causes = CAUSES): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error, id: errorId(error) };
  const { name, stack = '', cause } = error;
  const isOwn = error instanceof MerapiError;
  const { syscall, issues } = error as { syscall?: unknown; issues?: unknown };
  const fields = {
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
  return cause !== undefined && causes > 0 ? { ...fields, cause: loggedError(cause, causes - 1) } : fields;
}

function standardError(): DestinationStream {
  const stderr = pino.destination({ fd: 2, sync: true });
  stderr.on('error', () => undefined); // a log that cannot be written, as on a full disk, must not end the process
  return stderr;
}

/**
 * A logger that writes JSON lines to standard error, or to the destination of a test; `level` as in pino (default from
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

/** A logger that writes nothing, for tests. */
export const silentLogger: Logger = pino({ level: 'silent' });
