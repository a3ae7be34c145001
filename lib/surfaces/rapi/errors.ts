// Errors of requests in the form that Ganeti's clients expect: an HTTP status, with texts that are Ganeti's where clients compare
// them. Merapi's own sentence is then in the further member `detail`.
import { type ErrorCode, MerapiError, toFailure } from '../../base/errors.ts';

/** The HTTP statuses of requests that fail. */
export type Status = 400 | 401 | 403 | 404 | 409 | 413 | 415 | 500 | 501 | 502 | 503 | 504;

/** The HTTP status of each error code. */
const statusOf: Readonly<Record<ErrorCode, Status>> = {
  wrong_input: 400,
  wrong_state: 400,
  not_found: 404,
  already_exists: 400,
  resource_not_unique: 400,
  insufficient_resources: 503,
  temp_insufficient_resources: 503,
  resolver_error: 502,
  environment_error: 500,
  internal_error: 500,
  prerequisite: 400,
  execution: 500,
  type_enforcement: 400,
  configuration: 500,
  invalid_tag: 400,
  hypervisor: 500,
  block_device: 500,
  guest_agent: 502,
  node_unreachable: 502,
  hooks_abort: 500,
  timeout: 504,
  forbidden: 403,
  too_large: 413,
  unavailable: 503,
  unsupported: 501,
  canceled: 400,
  conflict: 409,
};

/** Ganeti's fixed explanation of each status, word for word. */
const explanations: Readonly<Record<Status, string>> = {
  400: 'Bad request syntax or unsupported method',
  401: 'No permission -- see authorization schemes',
  403: 'Request forbidden -- authorization will not help',
  404: 'Nothing matches the given URI',
  409: 'Request conflict',
  413: 'Entity is too large',
  415: 'Entity body in unsupported format',
  500: 'Server got itself in trouble',
  501: 'Server does not support this operation',
  502: 'Invalid responses from another server/proxy',
  503: 'The server cannot process the request due to a high load',
  504: 'The gateway server did not receive a timely response',
};

/** Ganeti's fixed messages, word for word; clients match them. The messages of other statuses are those of the errors. */
const messages: Readonly<Partial<Record<Status, string>>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  415: 'Unsupported Media Type',
};

/** An error whose message is Ganeti's text for just this case, whatever the status; `detail` explains the case in a sentence. */
export class FixedMessageError extends MerapiError {
  override readonly detail: string;

  constructor(code: ErrorCode, message: string, detail: string) {
    super(code, message);
    this.detail = detail;
  }
}

/** A request that the protocol itself refuses, with a status that no error code stands for; it has not reached the manager. */
export class RefusedRequest extends Error {
  override readonly name = 'RefusedRequest';
  readonly status: Status;

  constructor(status: Status, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.status = status;
  }
}

/** The body of a response to a request that failed; `code` repeats the HTTP status. */
export interface ErrorAnswer {
  code: Status;
  message: string;
  explain: string;
  /** What is wrong in this case, where `message` is a fixed text. */
  detail?: string;
}

/** The HTTP status of an error; 500 for a defect. */
function statusFor(error: unknown): Status {
  if (error instanceof RefusedRequest) return error.status;
  return error instanceof MerapiError ? statusOf[error.code] : 500;
}

/**
 * The response to a request that failed. Any other error than MerapiError and RefusedRequest is a defect: its text may contain
 * anything, so the client gets only an id of the log entry.
 */
export function errorAnswer(error: unknown): ErrorAnswer {
  const code = statusFor(error);
  const isPublic = error instanceof MerapiError || error instanceof RefusedRequest;
  const text = isPublic ? error.message : toFailure(error).message;
  const explain = explanations[code];
  const detail = error instanceof MerapiError ? error.detail : undefined;
  const message = messages[code];
  if (message === undefined || error instanceof FixedMessageError)
    return { code, message: text, explain, ...(detail === undefined ? {} : { detail }) };
  return { code, message, explain, detail: detail === undefined ? text : `${text} (${detail})` };
}
