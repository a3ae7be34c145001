// How texts in requests identify objects. Reads and opcodes differ, as in Ganeti: a read finds any object by its uuid too, while the
// parameter of an opcode names a host only by its name.
import type { NamedKind } from './access.ts';
import { expandName } from './names.ts';
import type { ClusterView, ObjectTable } from './view.ts';

/** The object with a host name, in any letter case; it may be abbreviated at a dot if that is unambiguous (`web1` for `web1.example.com`). */
export function hostNamed<T extends { name: string }>(table: ObjectTable<T>, text: string): T | undefined {
  const exact = table.named(text.toLowerCase());
  if (exact) return exact;
  const names = table.list().map((object) => object.name);
  const full = expandName(text, names);
  return full === null ? undefined : table.named(full);
}

/** The part that all objects with a name share. */
export interface NamedObject {
  readonly uuid: string;
  readonly name: string;
}

/** The objects of a kind. */
export function tableOf(view: ClusterView, kind: NamedKind): ObjectTable<NamedObject> {
  switch (kind) {
    case 'instance':
      return view.instances;
    case 'node':
      return view.nodes;
    case 'group':
      return view.groups;
    case 'network':
      return view.networks;
  }
}

/** The object that a read names: by its name or uuid, hosts also by an abbreviation. */
export function objectFound(view: ClusterView, kind: NamedKind, text: string): NamedObject | undefined {
  const table = tableOf(view, kind);
  return table.named(text) ?? table.get(text) ?? (isHost(kind) ? hostNamed(table, text) : undefined);
}

const isHost = (kind: NamedKind) => kind === 'instance' || kind === 'node';

/** The object that a parameter of an opcode names: hosts by their names, also abbreviated, groups and networks by name or uuid. */
export function objectNamed(view: ClusterView, kind: NamedKind, text: string): NamedObject | undefined {
  const table = tableOf(view, kind);
  if (isHost(kind)) return hostNamed(table, text);
  return table.named(text) ?? table.get(text);
}
