// The recorded state of instances: what an administrator or a user wants (admin state), and whether the disks of one that is down are active.

import { changed } from '../../model/object.ts';
import { put } from '../../store/changes.ts';
import type { Build } from '../define.ts';

/** Logs how many seconds a running guest has to shut down, so that the job's log says what the job waits for. */
export function logShutdownWait(log: (text: string) => void, isRunning: boolean, seconds: number): void {
  if (isRunning && seconds > 0) log(`Waiting up to ${seconds} s for the guest to shut down`);
}

/**
 * The change that records the admin state of an instance and who decided it; also forgets that its disks were activated while it was
 * down. No change when all is recorded already.
 */
export function setAdminState(
  uuid: string,
  state: 'up' | 'down',
  source: 'admin' | 'user',
  now: number,
): Build {
  return (view) => {
    const instance = view.instances.get(uuid);
    if (!instance) return [];
    const isRecorded = instance.admin_state === state && instance.admin_state_source === source;
    if (isRecorded && !instance.disks_active) return [];
    const patch = { admin_state: state, admin_state_source: source, disks_active: undefined };
    return [put('instance', changed(instance, patch, now))];
  };
}

/** The change that records whether the disks of an instance that is down are active; those of one that is up are active anyway. */
export function setDisksActive(uuid: string, active: boolean, now: number): Build {
  return (view) => {
    const instance = view.instances.get(uuid);
    if (!instance || instance.admin_state === 'up') return [];
    if ((instance.disks_active ?? false) === active) return [];
    return [put('instance', changed(instance, { disks_active: active }, now))];
  };
}
