// The parts that lock plans are built from. Locks have the full names of objects, so plans resolve abbreviations and uuids. A name that
// does not exist is locked as it is written: the check of the unit refuses it afterwards.
import type { LockMode, LockPlan, LockWish } from '../model/locks.ts';
import { CLUSTER_LOCK } from '../model/locks.ts';
import { hostNamed } from '../model/lookup.ts';
import { nodesOf } from '../model/mirror.ts';
import { givenName } from '../model/names.ts';
import { kinds, maybe, optional, required } from '../model/params.ts';
import type { ClusterView } from '../model/view.ts';

/** Held by every job except those that change the cluster itself, which hold it exclusively. */
export const clusterShared: LockWish = { level: 'cluster', names: [CLUSTER_LOCK], mode: 'shared' };

/** The lock name of a new host: its name in canonical form, whether it is a valid host name or not. */
export function newNameLock(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

/** The lock name of a node group that a request names by its name or uuid. */
export function groupLock(view: ClusterView, name: string): string {
  return view.groups.named(name)?.name ?? view.groups.get(name)?.name ?? name;
}

/** The lock name of a network that a request names by its name or uuid. */
export function networkLock(view: ClusterView, name: string): string {
  return view.networks.named(name)?.name ?? view.networks.get(name)?.name ?? name;
}

/**
 * Locks the networks that a request names for NICs as shared, so that they and their connections do not change meanwhile. It does not
 * lock their addresses: these are checked again when the change is committed.
 */
export function networksShared(view: ClusterView, named: readonly (string | null | undefined)[]): LockWish[] {
  const given = named.flatMap((name) => givenName(name) ?? []);
  const names = [...new Set(given.map((name) => networkLock(view, name)))];
  return names.length > 0 ? [{ level: 'network', names, mode: 'shared' }] : [];
}

/** The parameters that name one node. */
export const nodeTarget = {
  node_name: required(kinds.name, 'The name of the node.'),
  node_uuid: optional(maybe(kinds.name), null, 'The uuid of the node; filled in.'),
};

/** The lock name of a node that a request names: its full name. */
export function nodeLock(view: ClusterView, name: string): string {
  return hostNamed(view.nodes, name)?.name ?? name.toLowerCase();
}

/** The locks for an opcode on one instance: the instance exclusively, and its nodes in the mode `node`; null for no nodes. */
export function instancePlan(view: ClusterView, name: string, node: LockMode | null): LockPlan {
  const instance = hostNamed(view.instances, name);
  const plan: LockWish[] = [
    clusterShared,
    { level: 'instance', names: [instance?.name ?? name.toLowerCase()], mode: 'exclusive' },
  ];
  const names = instance ? nodesOf(view, instance).map((uuid) => view.nodes.get(uuid)?.name) : [];
  const nodes = names.filter((each) => each !== undefined);
  if (nodes.length > 0 && node) plan.push({ level: 'node', names: nodes, mode: node });
  return plan;
}
