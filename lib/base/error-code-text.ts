// The Zod schema of error codes. Not in errors.ts, because every thread and command loads that file and would load Zod with it.
import * as z from 'zod';
import { type ErrorCode, errorCodes } from './errors.ts';

/** The present names of codes of earlier releases, which older workers still send and which are stored in their journals. */
const former: Readonly<Record<string, ErrorCode>> = {
  bad_request: 'wrong_input',
  unknown_entity: 'not_found',
};

/** A code that is received or read from disk: of this release or of an earlier one. */
export const ErrorCodeText = z.preprocess(
  (code) => (typeof code === 'string' && Object.hasOwn(former, code) ? former[code] : code),
  z.enum(errorCodes),
);
