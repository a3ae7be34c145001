import { MerapiError } from '../../base/errors.ts';
import { networkNamed } from '../../model/find.ts';
import { firstFree } from '../../model/ip-pool.ts';
import { canonical6, ip6Number, range6 } from '../../model/ip6.ts';
import type { Network } from '../../model/network.ts';
import { holds } from '../../model/network-addresses.ts';
import type { Nic } from '../../model/nic.ts';
import type { Node } from '../../model/node.ts';
import type { NodeGroup } from '../../model/nodegroup.ts';
import type { ClusterView } from '../../model/view.ts';

/** In the place of an address: the next free one of the network. It stands in a NIC until that is entered in the cluster. */
export const POOL = 'pool';

/**
 * The NICs of an instance as they are on a node: those in a network have the parameters with which the node's group reaches it.
 * Their addresses must belong to the network and be free; with `conflictsCheck` no other NIC may have an address of one. A NIC
 * with the network and address that it has in `before`, at the same place, stays as it is.
 * @throws MerapiError wrong_input, wrong_state, resource_not_unique
 */
export function connectNics(
  view: ClusterView,
  nics: readonly Nic[],
  node: Node,
  instance: string,
  conflictsCheck: boolean,
  before: readonly (Nic | undefined)[] = [],
): Nic[] {
  const group = view.groups.get(node.group);
  return nics.map((nic, index) => {
    const { network: uuid, ip } = nic;
    if (before[index]?.network === uuid && before[index]?.ip === ip) return nic;
    if (uuid === null) {
      if (conflictsCheck && ip !== null && group) checkOutside(view, group, ip, index);
      return nic;
    }
    const network = networkNamed(view, uuid);
    const link = group?.networks[uuid];
    if (!link)
      throw new MerapiError(
        'wrong_input',
        `NIC ${index}: network ${network.name} is not connected to group ${group?.name} of node ${node.name}`,
      );
    if (ip !== null && ip !== POOL) checkFree(view, network, ip, instance);
    return { ...nic, nicparams: { ...link } };
  });
}

/** @throws MerapiError wrong_state when a group has a network with this address */
function checkOutside(view: ClusterView, group: NodeGroup, ip: string, index: number): void {
  for (const uuid of Object.keys(group.networks)) {
    const network = view.networks.get(uuid);
    if (network && holds(network, ip))
      throw new MerapiError(
        'wrong_state',
        `NIC ${index}: ${ip} is an address of network ${network.name}; give the network, or no conflicts_check`,
      );
  }
}

/** @throws MerapiError resource_not_unique when another instance has the address, it is reserved, or not the network's */
function checkFree(view: ClusterView, network: Network, ip: string, instance: string): void {
  const refuse = (why: string) =>
    new MerapiError('resource_not_unique', `Address ${ip} of network ${network.name} ${why}`);
  if (!holds(network, ip))
    throw new MerapiError(
      'resource_not_unique',
      `Address ${ip} does not belong to network ${network.name} (${[network.network, network.network6 ?? []].flat().join(', ')})`,
    );
  const owner = view.addressesIn(network.uuid).get(ip);
  if (owner === instance) return;
  if (owner !== undefined) throw refuse(`is used by ${view.instances.get(owner)?.name}`);
  if (network.reservations.includes(ip) || isReserved6(network, ip)) throw refuse('is reserved');
}

/** The first address of an IPv6 network is that of its routers; another one may be its gateway. */
function isReserved6({ network6, gateway6 }: Network, ip: string): boolean {
  const range = network6 === null ? null : range6(network6);
  const number = ip6Number(ip);
  return (
    number !== null &&
    (number === range?.first || (gateway6 !== null && canonical6(gateway6) === canonical6(ip)))
  );
}

/** Whether some NIC gets its address only when it is entered in the cluster. */
export const usesPool = (nics: readonly Nic[]): boolean => nics.some((nic) => nic.ip === POOL);

/**
 * The NICs of an instance as they are entered in the cluster: with addresses from the pools of their networks. To be called
 * where a commit is built, so that no two jobs get the same; names are locked, addresses are not.
 * @throws MerapiError resource_not_unique, wrong_state
 */
export function placeNics(view: ClusterView, nics: readonly Nic[], instance: string): Nic[] {
  const own = new Set<string>();
  const claim = (network: Network, ip: string) => {
    const key = `${network.uuid}/${ip}`;
    if (own.has(key))
      throw new MerapiError('resource_not_unique', `Two NICs ask for ${ip} of network ${network.name}`);
    own.add(key);
  };
  for (const { mac, network: uuid, ip } of nics) {
    checkMacFree(view, mac, instance);
    if (uuid === null || ip === null || ip === POOL) continue;
    const network = networkNamed(view, uuid);
    checkFree(view, network, ip, instance);
    claim(network, ip);
  }
  return nics.map((nic) => {
    if (nic.network === null || nic.ip !== POOL) return nic;
    const network = networkNamed(view, nic.network);
    const taken = view.addressesIn(network.uuid);
    const ip = firstFree(network, (each) => taken.has(each) || own.has(`${network.uuid}/${each}`));
    if (ip === null)
      throw new MerapiError(
        'wrong_state',
        `Network ${network.name} (${network.network}) has no free address left`,
      );
    claim(network, ip);
    return { ...nic, ip };
  });
}

function checkMacFree(view: ClusterView, mac: string, instance: string): void {
  const owner = view.macOwner(mac);
  if (owner !== undefined && owner !== instance)
    throw new MerapiError(
      'resource_not_unique',
      `MAC address ${mac} is used by ${view.instances.get(owner)?.name}`,
    );
}
