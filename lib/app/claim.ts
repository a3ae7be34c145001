import { createLogger, type Logger } from '../base/log.ts';
import { closeFolder } from '../base/modes.ts';
import { type FolderLock, lockFolder } from '../node/lock.ts';
import { isOfState, type Layout } from './layout.ts';

/**
 * Takes a state folder for this process, and sees to it that nobody else reaches what is in it: older releases left it open.
 * @throws MerapiError wrong_state when another process uses it, configuration when it is one that all users share
 */
export async function claim(layout: Layout, log: Logger = createLogger('master')): Promise<FolderLock> {
  const lock = await lockFolder(layout.dir);
  try {
    const closed = await closeFolder(layout.dir, (name) => isOfState(layout, name));
    if (closed.length > 0)
      log.warn({ closed }, 'others could reach what is in the state folder; it is closed now');
    return lock;
  } catch (error) {
    await lock.release();
    throw error;
  }
}
