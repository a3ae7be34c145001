import { randomBytes } from 'node:crypto';
import { systemText } from './system-errors.ts';

/**
 * The closed set of error codes. No code of Merapi throws anything else on purpose; what a code means in a protocol
 * (an HTTP status, Ganeti's error class in a job's `opresult`) is a table of that protocol.
 */
export const errorCodes = [
  // The input is wrong, or the cluster's state forbids the operation. A request fails with it; an opcode fails its job with it.
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
  // Failures during execution, and failures for which Ganeti has an error class of its own.
  'execution',
  'type_enforcement',
  'configuration',
  'invalid_tag',
  'hypervisor',
  'block_device',
  'guest_agent',
  'node_unreachable',
  'hooks_abort',
  'timeout',
  'canceled',
  // Failures of the client or of the request itself: permission, size, availability, concurrent changes.
  'forbidden',
  'too_large',
  'unavailable',
  'unsupported',
  'conflict',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** An error with one of the closed set of codes; `cause` is the error that led to it. Its message is shown to users. */
export class MerapiError extends Error {
  override readonly name = 'MerapiError';
  readonly code: ErrorCode;
  /** The words of the program that caused it, where clients may need them as they are, e.g. the class and text of a guest agent's error. */
  readonly detail?: string;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; detail?: string | undefined }) {
    super(message, options);
    this.code = code;
    if (options?.detail !== undefined) this.detail = options.detail;
  }
}

/** The stored and sent form of an error: its code and its text. */
export interface Failure {
  code: ErrorCode;
  message: string;
  detail?: string;
}

/**
 * The stored form of any thrown value. Anything that is not a MerapiError is a defect and becomes `internal_error`; the caller must
 * log it, so that it can be found by the errorId() in the message.
 */
export function toFailure(error: unknown): Failure {
  if (error instanceof MerapiError) {
    const { code, message, detail } = error;
    return { code, message, ...(detail === undefined ? {} : { detail }) };
  }
  return { code: 'internal_error', message: foreignText(error) };
}

/** The error that a stored failure stands for. */
export function fromFailure(failure: Failure, cause?: unknown): MerapiError {
  const { code, message, detail } = failure;
  return new MerapiError(code, message, { cause, detail });
}

/** The text of any thrown value for users. The message of one that is not a MerapiError is never shown, for it may contain secrets. */
export function errorText(error: unknown): string {
  if (error instanceof MerapiError) return error.message;
  return systemText(error) ?? foreignText(error);
}

function foreignText(error: unknown): string {
  const meaning = systemText(error);
  const details = meaning === null ? '' : `: ${meaning}`;
  return `Something unexpected happened inside Merapi${details}; search its log for ${errorId(error)}`;
}

const ids = new WeakMap<object, string>();

/**
 * An id for a thrown value, which stands for its text in answers, jobs and logs. An object keeps its id; a thrown primitive gets a new
 * one at each call.
 */
export function errorId(error: unknown): string {
  const fresh = () => `error-${randomBytes(6).toString('hex')}`;
  if (typeof error !== 'object' || error === null) return fresh();
  const id = ids.get(error) ?? fresh();
  ids.set(error, id);
  return id;
}
