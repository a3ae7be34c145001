import type { Instance } from '../model/instance.ts';
import type { Console, GuestFacts } from './types.ts';

/**
 * How the console of an instance is reached; null while it has none because it does not run. A host is told by the node's name in
 * the cluster, whatever the node calls itself or listens on. A simulated guest has the same answer whether it runs or not, and the
 * message is Ganeti's, as clients know it.
 */
export function consoleOf(
  instance: Instance,
  node: string | undefined,
  guest: GuestFacts | undefined,
): Console | null {
  if (instance.hypervisor === 'fake')
    return { instance: instance.name, kind: 'msg', message: 'Console not available for fake hypervisor' };
  if (!guest || guest.state === 'stopped') return null;
  const { console } = guest;
  return console.host === undefined || node === undefined ? console : { ...console, host: node };
}
