// What a permission is asked for: an action on an object. lib/access decides; requests, opcodes and views name the objects.
/**
 * What may be done inside of guests, through their agents:
 *
 * | right | allows |
 * | --- | --- |
 * | `guest-read` | to ask for system, users, addresses, disks … |
 * | `guest-file-read` | to read any file |
 * | `guest-file-write` | to write any file |
 * | `guest-fs` | to freeze, thaw and trim file systems |
 * | `guest-exec` | to run programs, and to set passwords and SSH keys, which let one log in |
 * | `guest-power` | to shut down, reboot and suspend; to change clock, processors and memory |
 * | `guest-raw` | to send the agent any command |
 */
export const guestRights = [
  'guest-read',
  'guest-file-read',
  'guest-file-write',
  'guest-fs',
  'guest-exec',
  'guest-power',
  'guest-raw',
] as const;
export type GuestRight = (typeof guestRights)[number];

/** `look`: see what everybody may see, anonymous users included; `read`: see what only users may see; `write`: change. */
export type Action = 'look' | 'read' | 'write' | GuestRight;

/** The kinds of objects that are identified by a uuid. */
type UuidKind = 'instance' | 'node' | 'group' | 'network' | 'disk' | 'filter' | 'duty';

/**
 * An object that an action is for. An `id` of null means no particular object: a new one, one that does not exist, or all of the kind.
 * The id of an OS definition is its name.
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

/** Maps a kind as tags, locks and events name it: their `nodegroup` is a `group` here; the other kinds have the same name. */
export function namedKindOf(kind: Exclude<NamedKind, 'group'> | 'nodegroup'): NamedKind {
  return kind === 'nodegroup' ? 'group' : kind;
}
