/**
 * The closed set of error codes. No code of Merapi throws anything else on purpose; what a code means in a protocol
 * (an HTTP status, Ganeti's error class in a job's `opresult`) is a table of that protocol.
 */
export const errorCodes = [
  // The request is fine as a message, but the cluster's state or the values given forbid it.
  'wrong_input',
  'wrong_state',
  'unknown_entity',
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
  // Failures of a request before it becomes a job.
  'bad_request',
  'not_found',
  'unauthorized',
  'forbidden',
  'too_large',
  'unsupported_media_type',
  'unsupported_method',
  'unavailable',
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

/** The stored form of any thrown value; anything that is not a MerapiError is a defect and counts as `internal_error`. */
export function toFailure(error: unknown): Failure {
  if (error instanceof MerapiError) return { code: error.code, message: error.message };
  return { code: 'internal_error', message: error instanceof Error ? error.message : String(error) };
}

/** The error that a stored failure stands for. */
export function fromFailure(failure: Failure, cause?: unknown): MerapiError {
  return new MerapiError(failure.code, failure.message, { cause });
}

/** The text of any thrown value. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
