import { MerapiError } from '../base/errors.ts';

const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * The proper form of a host name: lower case, without a dot at its end, each label of at most 63 letters, digits, hyphens.
 * @throws MerapiError wrong_input
 */
export function hostName(text: string): string {
  const name = text.toLowerCase().replace(/\.$/, '');
  if (name.length === 0 || name.length > 255 || !name.split('.').every((part) => label.test(part)))
    throw new MerapiError(
      'wrong_input',
      `'${text}' is not a host name; use letters, digits and hyphens, with dots between labels of at most 63 characters`,
    );
  return name;
}

/** A name as a request gives it to a disk, a NIC or a network: "none" in any case, and no text at all, mean that it has none. */
export function givenName(text: string | number | null | undefined): string | null {
  const name = String(text ?? '');
  return name === '' || name.toLowerCase() === 'none' ? null : name;
}

/** The full name that an abbreviation stands for: the name itself, or the only name that begins with it and a dot. */
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

/** Compares names as people would: `node2` comes before `node10`. Only equal texts compare as 0 (`node01` is not `node1`). */
export function compareNames(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : Number(a > b));
}
