import type { NamedKind, NamedRef } from '../model/access.ts';
import type { OpInput } from '../model/job.ts';
import { objectNamed } from '../model/lookup.ts';
import { givenName } from '../model/names.ts';
import type { ClusterView } from '../model/view.ts';
import type { Opcode } from './define.ts';

/** Parameters that name objects of a kind, alone or as a list; `uuid` is the one that gives or gets their uuids, if any. */
interface Naming {
  readonly kind: NamedKind;
  readonly name: string;
  readonly uuid?: string;
}

/** Every parameter that names existing objects: Ganeti uses these names for nothing else, so no opcode has to say it again. */
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

/** Values of parameters; those of an older job may lack some, and those of a job inside a job are not checked yet. */
type Given = Readonly<Record<string, unknown>>;

/** The cluster as a whole, which what names no object is about. */
export const theCluster: NamedRef = { kind: 'cluster', id: null, name: null };

/** All objects of a kind, or one that is still to be made, under this name if it has one. */
export function allOf(kind: NamedKind | 'os', name: string | null = null): NamedRef {
  return { kind, id: null, name };
}

/** What a list names, or all of the kind where it names none. */
export function orAllOf(kind: NamedKind, found: readonly NamedRef[]): readonly NamedRef[] {
  return found.length > 0 ? found : [allOf(kind)];
}

/**
 * The objects that an opcode names, each of which whoever submits it must have the right to; never none. A pure function, like the
 * lock plan: what a name stands for is looked up in `view`. A lock plan is no measure of rights, for it also holds what an object
 * depends on, such as the nodes of an instance.
 */
export function objectsOf(opcode: Opcode, values: Given, view: ClusterView): readonly NamedRef[] {
  const found = opcode.objects?.(values, view) ?? namedBy(values, view, opcode.makes);
  return found.length > 0 ? found : [theCluster];
}

/** The objects that the values of parameters name; the parameter `KIND_name` of what is to be made (`makes`) names nothing yet. */
export function namedBy(values: Given, view: ClusterView, makes?: NamedKind): NamedRef[] {
  const found = naming.flatMap(({ kind, name, uuid }) => {
    const names = textsOf(values[name]);
    if (makes && name === `${makes}_name`) return names.map((each) => allOf(kind, each));
    return references(view, kind, names, textsOf(values[uuid ?? '']));
  });
  return [...found, ...references(view, 'network', networksOf(values.nics), [])];
}

/**
 * The object that one name stands for. A name that stands for nothing is a reference without an id: only who has the right to
 * all objects of the kind may try what becomes of it.
 */
export function named(view: ClusterView, kind: NamedKind, name: string): NamedRef {
  return { kind, id: objectNamed(view, kind, name)?.uuid ?? null, name };
}

/**
 * The values with the uuids of the objects that are named, where a parameter can hold one and is not given: so the job is on the
 * objects that the names stand for now, and fails when a name stands for another one by the time it runs.
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

/** The objects of names and of uuids. A name that stands for nothing (any more) does not count where its uuid is given. */
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

/** The texts of a parameter that holds one, a list of them, or nothing. */
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
