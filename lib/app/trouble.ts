// Errors of a start that are no defects of Merapi or of the command line.

import { MerapiError } from '../base/errors.ts';
import { CommandFailed } from './command-failed.ts';
import type { Layout } from './layout.ts';

/** Why a file cannot be written, by the system's error code. */
const reasons: Readonly<Record<string, string>> = {
  EROFS: 'its file system is read-only',
  EACCES: 'the user who runs this program has no permission to write it',
  EPERM: 'the user who runs this program has no permission to write it',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
};

/**
 * Turns an error that the state folder caused into a CommandFailed (exit code 1): a damaged or foreign store, a folder that cannot be
 * written. Returns any other error unchanged.
 */
export function startupError(error: unknown, { dir }: Layout): unknown {
  if (error instanceof MerapiError && error.code === 'unavailable')
    return new CommandFailed(error.message, { cause: error });
  const { code = '', path } = error as NodeJS.ErrnoException;
  const reason = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
  if (reason === undefined || path?.startsWith(dir) !== true) return error;
  return new CommandFailed(
    `${path} cannot be written: ${reason}; correct that and start again; nothing is lost ('merapi check' verifies the state)`,
    { cause: error },
  );
}
