import { MerapiError } from '../base/errors.ts';

const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** The longest name of an object, in characters. Files are named after objects, e.g. `os-NAME.disk15.log`, and may have 255 bytes. */
export const LONGEST_NAME = 240;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** The names of roles, and of the files of their certificates; a node must not be mistaken for one. */
const roles: readonly string[] = ['master', 'api', 'rapi', 'ca'];

/** Checks that a name of a `what` is not too long and cannot be mistaken for a uuid or a path. @throws MerapiError wrong_input */
function checkDistinct(name: string, what: string): void {
  if (name.length > LONGEST_NAME)
    throw new MerapiError(
      'wrong_input',
      `The name of a ${what} may have at most ${LONGEST_NAME} characters, and '${name.slice(0, 20)}…' has ${name.length}`,
    );
  if (uuid.test(name))
    throw new MerapiError(
      'wrong_input',
      `'${name}' looks like a uuid, so it cannot be the name of a ${what}; use one such as 'web1'`,
    );
  if (name === '.' || name === '..')
    throw new MerapiError(
      'wrong_input',
      `'${name}' has a special meaning in a path, so it cannot be the name of a ${what}; use one such as 'rack1'`,
    );
}

/**
 * The canonical form of a host name: lower case, without a trailing dot; each label has at most 63 letters, digits, hyphens.
 * @throws MerapiError wrong_input also when it is longer than LONGEST_NAME, or looks like a uuid
 */
export function hostName(text: string): string {
  const name = text.toLowerCase().replace(/\.$/, '');
  if (name.length === 0 || !name.split('.').every((part) => label.test(part)))
    throw new MerapiError(
      'wrong_input',
      `'${text}' is not a host name; use letters, digits and hyphens, with dots between labels of at most 63 characters`,
    );
  checkDistinct(name, 'host');
  return name;
}

/** The name that a request gives to a disk, a NIC or a network; null for an empty text and for "none" in any letter case. */
export function givenName(text: string | number | null | undefined): string | null {
  const name = String(text ?? '');
  return name === '' || name.toLowerCase() === 'none' ? null : name;
}

/** The canonical form of a node's name. @throws MerapiError wrong_input as hostName(), and when it is the name of a role */
export function nodeName(text: string): string {
  const name = hostName(text);
  if (!roles.includes(name)) return name;
  throw new MerapiError(
    'wrong_input',
    `A node cannot be called '${name}', which is a role in the cluster; use another name, such as '${name}1' or '${name}.example.com'`,
  );
}

/** Checks the name of a node group or network. @throws MerapiError wrong_input */
export function checkObjectName(name: string, what: 'node group' | 'network'): void {
  if (!/^[\w.-]+$/.test(name))
    throw new MerapiError(
      'wrong_input',
      `'${name}' cannot be the name of a ${what}; use letters, digits, '.', '_' and '-'`,
    );
  checkDistinct(name, what);
}

/** Expands an abbreviated host name: the name itself, or the only one that begins with it and a dot; null when there is none. */
export function expandName(text: string, names: Iterable<string>): string | null {
  const wanted = text.toLowerCase();
  const matches: string[] = [];
  for (const name of names) {
    const folded = name.toLowerCase();
    if (folded === wanted) return name;
    if (folded.startsWith(`${wanted}.`)) matches.push(name);
  }
  return matches.length === 1 ? (matches[0] as string) : null;
}

const collator = new Intl.Collator('en', { numeric: true });

/** The natural order of names: `node2` comes before `node10`. Only equal texts compare as 0 (`node01` is not `node1`). */
export function compareNames(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : Number(a > b));
}
