import { randomBytes } from 'node:crypto';
import { systemText } from './system-errors.ts';

/**
 * The closed set of error codes. No code of Merapi throws anything else on purpose; what a code means in a protocol
 * (an HTTP status, Ganeti's error class in a job's `opresult`) is a table of that protocol.
 */
export const errorCodes = [
  // What is asked is wrong, or the cluster's state forbids it: of a request it is told at once, of an opcode as the failure of its job.
  'wrong_input',
  'wrong_state',
  'not_found',
  'already_exists',
  'resource_not_unique',
  'insufficient_resources',
  'temp_insufficient_resources',
  'resolver_error',
  'environment_error',
  'internal_error',
  'prerequisite',
  // Failures of execution, and of values that Ganeti names by a class of their own.
  'execution',
  'type_enforcement',
  'configuration',
  'invalid_tag',
  'hypervisor',
  'block_device',
  'node_unreachable',
  'hooks_abort',
  'timeout',
  'canceled',
  // Failures of who asks, and of the way in which they do.
  'forbidden',
  'too_large',
  'unavailable',
  'conflict',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** An error with one of the closed set of codes; `cause` keeps what led to it. Its message is for people. */
export class MerapiError extends Error {
  override readonly name = 'MerapiError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** A failure as it is stored and sent: the code and the text. */
export interface Failure {
  code: ErrorCode;
  message: string;
}

/**
 * The stored form of any thrown value. Anything that is not a MerapiError is a defect and counts as `internal_error`; whoever
 * makes a failure of it logs it, where errorId() finds it again.
 */
export function toFailure(error: unknown): Failure {
  if (error instanceof MerapiError) return { code: error.code, message: error.message };
  return { code: 'internal_error', message: foreignText(error) };
}

/** The error that a stored failure stands for. */
export function fromFailure(failure: Failure, cause?: unknown): MerapiError {
  return new MerapiError(failure.code, failure.message, { cause });
}

/** The text of any thrown value for people. Of one that is not a MerapiError the text is never told, for it may hold any value. */
export function errorText(error: unknown): string {
  if (error instanceof MerapiError) return error.message;
  return systemText(error) ?? foreignText(error);
}

function foreignText(error: unknown): string {
  const meaning = systemText(error);
  return `Something unexpected happened inside Merapi${meaning === null ? '' : `: ${meaning}`}; its log tells more under ${errorId(error)}`;
}

const ids = new WeakMap<object, string>();

/** What names a thrown value in answers, jobs and logs, where its own text may not stand: the same one whenever it is asked for. */
export function errorId(error: unknown): string {
  const fresh = () => `error-${randomBytes(6).toString('hex')}`;
  if (typeof error !== 'object' || error === null) return fresh();
  const id = ids.get(error) ?? fresh();
  ids.set(error, id);
  return id;
}
