// IP addresses of NICs in networks. connectNics() checks them in the check of a unit; but no lock protects addresses, so placeNics()
// checks them again and assigns those from pools inside the commit that records the NICs.

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

/** Stands for the next free address of the network. A NIC has it until it is recorded in the cluster. */
export const POOL = 'pool';

/**
 * The NICs of an instance as they are on a node: those in a network get the NIC parameters with which the node's group is connected to
 * it. Their addresses must be in the network and free. With `conflictsCheck` a NIC without a network must not have an address of a
 * network of the group. A NIC with the same network and address as `before` has at the same index is not checked and stays as it is.
 * @throws MerapiError wrong_input, wrong_state, resource_not_unique, not_found
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

/** @throws MerapiError wrong_state when the address belongs to a network of the group */
function checkOutside(view: ClusterView, group: NodeGroup, ip: string, index: number): void {
  for (const uuid of Object.keys(group.networks)) {
    const network = view.networks.get(uuid);
    if (network && holds(network, ip))
      throw new MerapiError(
        'wrong_state',
        `NIC ${index}: ${ip} is an address of network ${network.name}; put the NIC into it, or give conflicts_check as false`,
      );
  }
}

/** @throws MerapiError resource_not_unique when another instance has the address, it is reserved, or it is not in the network */
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

/** Whether it is the first address of an IPv6 network, which is that of its routers, or its gateway. */
function isReserved6({ network6, gateway6 }: Network, ip: string): boolean {
  const range = network6 === null ? null : range6(network6);
  const number = ip6Number(ip);
  return (
    number !== null &&
    (number === range?.first || (gateway6 !== null && canonical6(gateway6) === canonical6(ip)))
  );
}

/** Whether some NIC gets its address from a pool, that is, only when it is recorded in the cluster. */
export const usesPool = (nics: readonly Nic[]): boolean => nics.some((nic) => nic.ip === POOL);

/**
 * The NICs of an instance as they are recorded in the cluster: with addresses from the pools of their networks, and all addresses
 * checked again. Call it only while a commit is built, so that no two jobs get the same address.
 * @throws MerapiError resource_not_unique for an address in use, wrong_state when a network has no free address
 */
export function placeNics(view: ClusterView, nics: readonly Nic[], instance: string): Nic[] {
  const claimed = new Set<string>();
  const claim = (network: Network, ip: string) => {
    const key = `${network.uuid}/${ip}`;
    if (claimed.has(key))
      throw new MerapiError('resource_not_unique', `Two NICs ask for ${ip} of network ${network.name}`);
    claimed.add(key);
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
    const ip = firstFree(network, (each) => taken.has(each) || claimed.has(`${network.uuid}/${each}`));
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
