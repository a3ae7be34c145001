import { type ErrorCode, MerapiError, toFailure } from '../../base/errors.ts';

/** The statuses of requests that fail. */
export type Status = 400 | 401 | 403 | 404 | 409 | 413 | 415 | 500 | 501 | 502 | 503;

/** What each error code means in HTTP. */
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
  node_unreachable: 502,
  hooks_abort: 500,
  timeout: 502,
  forbidden: 403,
  too_large: 413,
  unavailable: 503,
  canceled: 400,
  conflict: 409,
};

/** Ganeti's fixed sentence for each status. */
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
};

/** Ganeti's fixed messages; clients match them. The messages of other statuses are free. */
const messages: Readonly<Partial<Record<Status, string>>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  415: 'Unsupported Media Type',
};

/** An error whose message is Ganeti's text for just this case, in any status; `detail` tells the case in a sentence. */
export class WordedError extends MerapiError {
  readonly detail: string;

  constructor(code: ErrorCode, message: string, detail: string) {
    super(code, message);
    this.detail = detail;
  }
}

/** A request that this protocol itself refuses, by a status of its own: nobody asked the cluster. */
export class RefusedRequest extends Error {
  override readonly name = 'RefusedRequest';
  readonly status: Status;

  constructor(status: Status, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.status = status;
  }
}

/** An error as the RAPI answers it; `code` repeats the HTTP status. */
export interface ErrorAnswer {
  code: Status;
  message: string;
  explain: string;
  /** What was wrong in this case, where `message` is a fixed text. */
  detail?: string;
}

function statusFor(error: unknown): Status {
  if (error instanceof RefusedRequest) return error.status;
  return error instanceof MerapiError ? statusOf[error.code] : 500;
}

/** The answer to a request that failed. What is not a MerapiError is a defect, whose text is for the log alone. */
export function errorAnswer(error: unknown): ErrorAnswer {
  const code = statusFor(error);
  const isTold = error instanceof MerapiError || error instanceof RefusedRequest;
  const particular = isTold ? error.message : toFailure(error).message;
  const explain = explanations[code];
  if (error instanceof WordedError) return { code, message: particular, explain, detail: error.detail };
  const message = messages[code];
  return message === undefined
    ? { code, message: particular, explain }
    : { code, message, explain, detail: particular };
}
