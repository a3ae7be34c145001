import { MerapiError } from '../base/errors.ts';

/** A name from the master (of an instance, a uuid) as a part of a file's name. @throws MerapiError wrong_input */
export function fileStem(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,249}$/.test(name)) return name;
  throw new MerapiError(
    'wrong_input',
    `'${name}' cannot be part of a file's name; use letters, digits, '.', '-' and '_'`,
  );
}
