import { createLogger, type Logger } from '../base/log.ts';
import { closeFolder } from '../base/modes.ts';
import { type FolderLock, lockFolder } from '../node/lock.ts';
import { isOfState, type Layout } from './layout.ts';

/**
 * Locks a state folder for this process, and makes its files accessible to their owner only: older releases did not.
 * @throws MerapiError wrong_state when another process uses it, configuration when it is a folder that all users share (like /tmp)
 */
export async function claim(layout: Layout, log: Logger = createLogger('master')): Promise<FolderLock> {
  const lock = await lockFolder(layout.dir);
  try {
    const closed = await closeFolder(layout.dir, (name) => isOfState(layout, name));
    if (closed.length > 0)
      log.warn(
        { closed },
        'other users could reach files in the state folder; their permissions are corrected',
      );
    return lock;
  } catch (error) {
    await lock.release();
    throw error;
  }
}
