import { changed } from '../../model/object.ts';
import { put } from '../../store/changes.ts';
import type { Build } from '../define.ts';

/** Tells in the job's log how long a guest that runs has to shut down, so that nobody wonders what the job waits for. */
export function tellShutdown(log: (text: string) => void, isRunning: boolean, seconds: number): void {
  if (isRunning && seconds > 0) log(`Waiting up to ${seconds} s for the guest to shut down`);
}

/** The change that records how an instance is meant to be from now on. */
export function meantToBe(uuid: string, state: 'up' | 'down', source: 'admin' | 'user', now: number): Build {
  return (view) => {
    const instance = view.instances.get(uuid);
    if (!instance) return [];
    const isSo = instance.admin_state === state && instance.admin_state_source === source;
    if (isSo && !instance.disks_active) return [];
    const meant = { admin_state: state, admin_state_source: source, disks_active: undefined };
    return [put('instance', changed(instance, meant, now))];
  };
}

/** The change that records whether the disks of an instance that is down are in use; one that is up uses them anyway. */
export function disksActive(uuid: string, active: boolean, now: number): Build {
  return (view) => {
    const instance = view.instances.get(uuid);
    const isSo = instance?.admin_state === 'up' || (instance?.disks_active ?? false) === active;
    return !instance || isSo ? [] : [put('instance', changed(instance, { disks_active: active }, now))];
  };
}
