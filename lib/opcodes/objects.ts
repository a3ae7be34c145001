// Which objects an opcode is for. Access control asks with them (a user needs the right to each), and uuids that they resolve to are
// recorded in the job. They are not the lock plan, which also contains what an object depends on, such as the nodes of an instance.
import type { NamedKind, NamedRef } from '../model/access.ts';
import type { OpInput } from '../model/job.ts';
import { objectNamed } from '../model/lookup.ts';
import { givenName } from '../model/names.ts';
import type { ClusterView } from '../model/view.ts';
import type { Opcode } from './define.ts';

/** A parameter that names objects of a kind, one or a list; `uuid` is the parameter with their uuids, if there is one. */
interface Naming {
  readonly kind: NamedKind;
  readonly name: string;
  readonly uuid?: string;
}

/** Every parameter that names existing objects. Ganeti uses these names for nothing else, so opcodes need not repeat it. */
export const naming: readonly Naming[] = [
  { kind: 'instance', name: 'instance_name', uuid: 'instance_uuid' },
  { kind: 'instance', name: 'instances' },
  { kind: 'node', name: 'node_name', uuid: 'node_uuid' },
  { kind: 'node', name: 'nodes', uuid: 'node_uuids' },
  { kind: 'node', name: 'on_nodes', uuid: 'on_node_uuids' },
  { kind: 'node', name: 'pnode', uuid: 'pnode_uuid' },
  { kind: 'node', name: 'snode', uuid: 'snode_uuid' },
  { kind: 'node', name: 'src_node', uuid: 'src_node_uuid' },
  { kind: 'node', name: 'remote_node', uuid: 'remote_node_uuid' },
  { kind: 'node', name: 'target_node', uuid: 'target_node_uuid' },
  { kind: 'group', name: 'group' },
  { kind: 'group', name: 'group_name' },
  { kind: 'group', name: 'target_groups' },
  { kind: 'network', name: 'network_name' },
];

/** Parameters that may not be valid: an older job may lack some, and requests inside a parameter are not validated yet. */
type Given = Readonly<Record<string, unknown>>;

/** The cluster itself; opcodes that name no object are for it. */
export const theCluster: NamedRef = { kind: 'cluster', id: null, name: null };

/** All objects of a kind, or a new one with this name. */
export function allOf(kind: NamedKind | 'os', name: string | null = null): NamedRef {
  return { kind, id: null, name };
}

/** The objects that were found, or all of the kind if there are none. */
export function orAllOf(kind: NamedKind, found: readonly NamedRef[]): readonly NamedRef[] {
  return found.length > 0 ? found : [allOf(kind)];
}

/** The objects that an opcode is for, at least one. The submitter needs the right to each of them. A pure function. */
export function objectsOf(opcode: Opcode, values: Given, view: ClusterView): readonly NamedRef[] {
  const found = opcode.objects?.(values, view) ?? namedBy(values, view, opcode.makes);
  return found.length > 0 ? found : [theCluster];
}

/** The objects that parameters name. With `makes`, the parameter `KIND_name` is the name of a new object. */
export function namedBy(values: Given, view: ClusterView, makes?: NamedKind): NamedRef[] {
  const found = naming.flatMap(({ kind, name, uuid }) => {
    const names = textsOf(values[name]);
    if (makes && name === `${makes}_name`) return names.map((each) => allOf(kind, each));
    return references(view, kind, names, textsOf(values[uuid ?? '']));
  });
  return [...found, ...references(view, 'network', networksOf(values.nics), [])];
}

/**
 * The object with a name. If there is none, the reference has no id: only a user who has the right to all objects of the kind may
 * submit it, so that nobody learns which names exist.
 */
export function named(view: ClusterView, kind: NamedKind, name: string): NamedRef {
  return { kind, id: objectNamed(view, kind, name)?.uuid ?? null, name };
}

/**
 * Fills in the uuids of the objects that parameters name, if there is a parameter for it that is not given. So the job is bound to
 * the objects that have the names now, and fails if another object has the name when it runs.
 */
export function withUuids(opcode: Opcode, values: OpInput, view: ClusterView): OpInput {
  const all = { ...values };
  for (const { kind, name, uuid } of naming) {
    if (!uuid || !Object.hasOwn(opcode.params, uuid) || name === `${opcode.makes}_name`) continue;
    const text = values[name];
    if (typeof text === 'string') all[uuid] ??= objectNamed(view, kind, text)?.uuid ?? null;
  }
  return all;
}

/** The objects with these names and uuids. A name without an object is left out if there is a uuid for each name. */
function references(
  view: ClusterView,
  kind: NamedKind,
  names: readonly string[],
  uuids: readonly string[],
): NamedRef[] {
  const byName = names.map((name) => named(view, kind, name));
  const counted = uuids.length < names.length ? byName : byName.filter(({ id }) => id !== null);
  const known = new Set(counted.map(({ id }) => id));
  const rest = uuids.filter((uuid) => !known.has(uuid));
  return [...counted, ...rest.map((id) => ({ kind, id, name: id }))];
}

/** The texts of a parameter that is a text, a list of texts, or missing. */
function textsOf(value: unknown): string[] {
  return [value].flat().filter((each) => typeof each === 'string');
}

/** The networks that a description of NICs names: a list of them, or of changes whose last part is one. */
function networksOf(nics: unknown): string[] {
  if (!Array.isArray(nics)) return [];
  return nics.flatMap((nic) => {
    const { network } = Object(Array.isArray(nic) ? nic.at(-1) : nic) as { network?: unknown };
    return typeof network === 'string' ? (givenName(network) ?? []) : [];
  });
}
