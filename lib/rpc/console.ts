import type { Instance } from '../model/instance.ts';
import type { Console, GuestFacts } from './types.ts';

/**
 * How to connect to the console of an instance; null when the instance does not run. A host is given by the node's name in the cluster,
 * whatever the node calls itself or listens on. For the hypervisor `fake` it is always Ganeti's message.
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
