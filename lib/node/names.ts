import { MerapiError } from '../base/errors.ts';

/**
 * Checks a name that the master sent (of an instance or a node, or a uuid) and returns it for use in a file name. Every path that
 * is built from such a name must go through here: this is what keeps `..` and `/` out.
 * @throws MerapiError wrong_input when the name has other characters, or more than 250
 */
export function fileStem(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,249}$/.test(name)) return name;
  throw new MerapiError(
    'wrong_input',
    `'${name}' cannot be part of a file's name; use letters, digits, '.', '-' and '_'`,
  );
}
