import type { NamedKind } from './access.ts';
import { expandName } from './names.ts';
import type { ClusterView, ObjectTable } from './view.ts';

/** The object that a host name in a request stands for: in any letter case, and abbreviated up to a dot where that is clear. */
export function hostNamed<T extends { name: string }>(table: ObjectTable<T>, text: string): T | undefined {
  const exact = table.named(text.toLowerCase());
  if (exact) return exact;
  const names = table.list().map((object) => object.name);
  const full = expandName(text, names);
  return full === null ? undefined : table.named(full);
}

/** What every object with a name has. */
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

/** The object that whoever reads asks for: by its name or uuid, hosts also by an abbreviation. */
export function objectFound(view: ClusterView, kind: NamedKind, text: string): NamedObject | undefined {
  const table = tableOf(view, kind);
  return table.named(text) ?? table.get(text) ?? (isHost(kind) ? hostNamed(table, text) : undefined);
}

const isHost = (kind: NamedKind) => kind === 'instance' || kind === 'node';

/** The object that an opcode's parameter stands for: hosts by their names, also abbreviated, groups and networks by name or uuid. */
export function objectNamed(view: ClusterView, kind: NamedKind, text: string): NamedObject | undefined {
  const table = tableOf(view, kind);
  if (isHost(kind)) return hostNamed(table, text);
  return table.named(text) ?? table.get(text);
}
