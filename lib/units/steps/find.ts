import { MerapiError } from '../../base/errors.ts';
import type { Instance } from '../../model/instance.ts';
import { expandName } from '../../model/names.ts';
import type { Node } from '../../model/node.ts';
import type { NodeGroup } from '../../model/nodegroup.ts';
import type { ClusterView, ObjectTable } from '../../model/view.ts';
import { findInstance } from '../../opcodes/locking.ts';

const unknown = (what: string, name: string) =>
  new MerapiError('unknown_entity', `There is no ${what} '${name}' in this cluster`);

/** The instance that a request names, by full or abbreviated name. @throws MerapiError unknown_entity */
export function instanceNamed(view: ClusterView, name: string): Instance {
  const instance = findInstance(view, name);
  if (!instance) throw unknown('instance', name);
  return instance;
}

/** The node that a request names. @throws MerapiError unknown_entity */
export function nodeNamed(view: ClusterView, name: string): Node {
  return named(view.nodes, name) ?? fail('node', name);
}

/** The node group that a request names, by name or uuid. @throws MerapiError unknown_entity */
export function groupNamed(view: ClusterView, name: string): NodeGroup {
  return view.groups.named(name) ?? view.groups.get(name) ?? fail('node group', name);
}

/** The primary node of an instance. */
export function primaryOf(view: ClusterView, instance: Instance): Node {
  return view.nodes.get(instance.primary_node) ?? fail('node', instance.primary_node);
}

/** @throws MerapiError wrong_state when the node is marked offline */
export function checkOnline(node: Node): void {
  if (node.offline) throw new MerapiError('wrong_state', `Node ${node.name} is marked offline`);
}

function named<T extends { name: string }>(table: ObjectTable<T>, name: string): T | undefined {
  const exact = table.named(name);
  if (exact) return exact;
  const full = expandName(
    name,
    table.list().map((object) => object.name),
  );
  return full === null ? undefined : table.named(full);
}

function fail(what: string, name: string): never {
  throw unknown(what, name);
}
