/** What can be asked for: to `look` at what everybody may see, to `read` what only users may see, to `write`. */
export type Action = 'look' | 'read' | 'write';

/** Objects of which there may be many, by their uuids. */
type UuidKind = 'instance' | 'node' | 'group' | 'network' | 'disk' | 'filter' | 'duty';

/**
 * An object that something is done to. An `id` of null means no certain object: one that is still to be made or does not exist,
 * or all of the kind at once. Of OS definitions the id is the name, for they have nothing else.
 */
export type ObjectRef =
  | { readonly kind: UuidKind | 'os'; readonly id: string | null }
  | { readonly kind: 'job'; readonly id: number | null }
  | { readonly kind: 'cluster' | 'queue'; readonly id: null };

export type RefKind = ObjectRef['kind'];

/** An object as a request names it; `name` is the text of the request, null where it gives none. */
export type NamedRef = ObjectRef & { readonly name: string | null };

/** The kinds of objects that requests name by their names. */
export type NamedKind = 'instance' | 'node' | 'group' | 'network';

/** The kind of what tags, locks and events call a `nodegroup`; other kinds have one name everywhere. */
export function namedKindOf(kind: Exclude<NamedKind, 'group'> | 'nodegroup'): NamedKind {
  return kind === 'nodegroup' ? 'group' : kind;
}
