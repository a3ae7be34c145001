// Finds the objects that requests name, and fails with a message when there are none.
import { MerapiError } from '../base/errors.ts';
import type { Disk } from './disk.ts';
import type { Instance } from './instance.ts';
import { hostNamed } from './lookup.ts';
import type { Network } from './network.ts';
import type { Node } from './node.ts';
import type { NodeGroup } from './nodegroup.ts';
import type { ClusterView } from './view.ts';

const unknown = (what: string, name: string) =>
  new MerapiError('not_found', `There is no ${what} '${name}' in this cluster`);

/** The instance that a request names, by full or abbreviated name. @throws MerapiError not_found */
export function instanceNamed(view: ClusterView, name: string): Instance {
  const instance = hostNamed(view.instances, name);
  if (!instance) throw unknown('instance', name);
  return instance;
}

/** The node that a request names. @throws MerapiError not_found */
export function nodeNamed(view: ClusterView, name: string): Node {
  return hostNamed(view.nodes, name) ?? fail('node', name);
}

/** The node group that a request names, by name or uuid. @throws MerapiError not_found */
export function groupNamed(view: ClusterView, name: string): NodeGroup {
  return view.groups.named(name) ?? view.groups.get(name) ?? fail('node group', name);
}

/** The network that a request names, by name or uuid. @throws MerapiError not_found */
export function networkNamed(view: ClusterView, name: string): Network {
  return view.networks.named(name) ?? view.networks.get(name) ?? fail('network', name);
}

/** The primary node of an instance. @throws MerapiError not_found */
export function primaryOf(view: ClusterView, instance: Instance): Node {
  return view.nodes.get(instance.primary_node) ?? fail('node', instance.primary_node);
}

/** The disk of an instance that a request names by its number. @throws MerapiError wrong_input */
export function diskNumbered(view: ClusterView, instance: Instance, index: number): Disk {
  const disks = view.disksOf(instance);
  const disk = disks[index];
  if (disk) return disk;
  const known = disks.length === 0 ? 'it has none' : `it has 0 to ${disks.length - 1}`;
  throw new MerapiError('wrong_input', `Instance ${instance.name} has no disk ${index}; ${known}`);
}

/** @throws MerapiError wrong_state when the node is marked offline */
export function checkOnline(node: Node): void {
  if (node.offline) throw new MerapiError('wrong_state', `Node ${node.name} is marked offline`);
}

/** Checks that a node may get instances, as primary or secondary node. @throws MerapiError wrong_state */
export function checkTakes(node: Node): void {
  checkOnline(node);
  if (node.drained)
    throw new MerapiError('wrong_state', `Node ${node.name} is drained: it takes no new instances`);
  if (!node.vm_capable)
    throw new MerapiError('wrong_state', `Node ${node.name} is not vm_capable: it cannot have instances`);
}

function fail(what: string, name: string): never {
  throw unknown(what, name);
}
