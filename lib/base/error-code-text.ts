// Apart from errors.ts, which every thread and command loads: a schema would bring Zod into all of them.
import * as z from 'zod';
import { type ErrorCode, errorCodes } from './errors.ts';

/** What codes of earlier releases are called now, which workers of these may send and have stored. */
const former: Readonly<Record<string, ErrorCode>> = {
  bad_request: 'wrong_input',
  unknown_entity: 'not_found',
};

/** A code as it is received or read: of this release, or of one before. */
export const ErrorCodeText = z.preprocess(
  (code) => (typeof code === 'string' && Object.hasOwn(former, code) ? former[code] : code),
  z.enum(errorCodes),
);
