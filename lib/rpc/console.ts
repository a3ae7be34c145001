import type { Instance } from '../model/instance.ts';
import type { Console, GuestFacts } from './types.ts';

/**
 * How the console of an instance is reached; null while it has none because it does not run. A simulated guest has the same
 * answer whether it runs or not, and the message is Ganeti's, as clients know it.
 */
export function consoleOf(instance: Instance, guest: GuestFacts | undefined): Console | null {
  if (instance.hypervisor === 'fake')
    return { instance: instance.name, kind: 'msg', message: 'Console not available for fake hypervisor' };
  return guest && guest.state !== 'stopped' ? guest.console : null;
}
