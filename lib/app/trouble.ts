import { MerapiError } from '../base/errors.ts';
import { CommandFailed } from './command-failed.ts';
import type { Layout } from './layout.ts';

/** Why a file cannot be written, by the system's code. */
const reasons: Readonly<Record<string, string>> = {
  EROFS: 'its file system is read-only',
  EACCES: 'the user who runs this may not write it',
  EPERM: 'the user who runs this may not write it',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
};

/**
 * What is told, with exit code 1, when the state itself keeps a master from starting: a store that is damaged or not Merapi's,
 * a folder that cannot be written. Any other error is answered as it is.
 */
export function stateTrouble(error: unknown, { dir }: Layout): unknown {
  if (error instanceof MerapiError && error.code === 'unavailable')
    return new CommandFailed(error.message, { cause: error });
  const { code = '', path } = error as NodeJS.ErrnoException;
  const reason = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
  if (reason === undefined || path?.startsWith(dir) !== true) return error;
  return new CommandFailed(
    `${path} cannot be written: ${reason}; put that right and start again, nothing is lost ('merapi check' verifies the state)`,
    { cause: error },
  );
}
