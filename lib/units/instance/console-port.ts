import { MerapiError } from '../../base/errors.ts';
import type { Instance } from '../../model/instance.ts';
import { FIRST_PORT, hasConsolePort, LAST_PORT } from '../../model/ports.ts';
import type { ClusterView } from '../../model/view.ts';

/**
 * The port of an instance's console: the one that it has, if nothing else uses it, or else the lowest free one; null if the hypervisor
 * has no console port. Call it only while a commit is built, so that no two jobs get the same port.
 * @throws MerapiError configuration when all ports are used
 */
export function placeConsole(view: ClusterView, instance: Instance): number | null {
  if (!hasConsolePort(instance.hypervisor)) return null;
  const isFree = (port: number) => [...view.portUsers(port)].every((uuid) => uuid === instance.uuid);
  const { network_port } = instance;
  if (network_port !== null && isFree(network_port)) return network_port;
  for (let port = FIRST_PORT; port <= LAST_PORT; port++) if (isFree(port)) return port;
  throw new MerapiError(
    'configuration',
    `All ports of the cluster (${FIRST_PORT} to ${LAST_PORT}) are used, so there is none for the console of ${instance.name}`,
  );
}
