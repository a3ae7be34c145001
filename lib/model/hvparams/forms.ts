// Restrictions for values of hypervisor parameters beyond their types, e.g. an enumeration or a path. A wrong value is refused when it
// is set, rather than when the guest starts.
import type { ParamValues } from '../enforce.ts';

/** A restriction for the values of a parameter. */
export interface ValueForm {
  fits(value: string | number): boolean;
  /** What is expected, as the end of the sentence "it must be …". */
  readonly right: string;
}

/** One of these words, among which may be the empty one. */
export function oneOf(words: readonly string[]): ValueForm {
  const listed = words.filter((word) => word !== '').join(', ');
  const right = words.includes('') ? `empty or one of ${listed}` : `one of ${listed}`;
  return { fits: (value) => words.includes(String(value)), right };
}

/** Empty, or a comma-separated list of these words. */
export function listOf(words: readonly string[]): ValueForm {
  const known = new Set(words);
  return {
    fits: (value) =>
      value === '' ||
      String(value)
        .split(',')
        .every((word) => known.has(word)),
    right: `empty or a comma-separated list of ${words.join(', ')}`,
  };
}

/** Empty, or a text that matches the pattern as a whole; `right` describes it for people. */
export function text(pattern: RegExp, right: string): ValueForm {
  const whole = new RegExp(`^(?:${pattern.source})$`, pattern.flags);
  return { fits: (value) => value === '' || whole.test(String(value)), right: `empty or ${right}` };
}

/** An integer in this range, both ends included. */
export function between(min: number, max: number): ValueForm {
  return {
    fits: (value) => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max,
    right: `a whole number from ${min} to ${max}`,
  };
}

/** One of these numbers. */
export function oneNumber(numbers: readonly number[]): ValueForm {
  return { fits: (value) => numbers.includes(Number(value)), right: `one of ${numbers.join(', ')}` };
}

const isAbsolute = (path: string) =>
  path.startsWith('/') && !path.endsWith('/') && !path.split('/').includes('..');

/** Empty, or the absolute path of a file. */
export const filePath: ValueForm = {
  fits: (value) => value === '' || isAbsolute(String(value)),
  right: 'empty or an absolute path, such as /srv/file',
};

/** The absolute path of a program. */
export const programPath: ValueForm = {
  fits: (value) => isAbsolute(String(value)),
  right: 'the absolute path of a program, such as /usr/bin/kvm',
};

/** Empty, the absolute path of an image, or a URL from which QEMU can read one. */
export const imagePath: ValueForm = {
  fits: (value) =>
    value === '' || isAbsolute(String(value)) || /^(https?|ftps?):\/\/[^/\s]+\/\S*$/.test(String(value)),
  right:
    'empty, an absolute path, such as /srv/install.iso, or an address that begins with http, https, ftp or ftps',
};

/** A message for the first value that does not fit its form; null when all fit. Booleans, null and parameters without a form fit. */
export function misfit(values: ParamValues, forms: Readonly<Record<string, ValueForm>>): string | null {
  for (const [name, value] of Object.entries(values)) {
    const form = Object.hasOwn(forms, name) ? forms[name] : undefined;
    if (!form || value === null || typeof value === 'boolean' || form.fits(value as string | number))
      continue;
    return `The parameter ${name} cannot be ${shown(value)}: it must be ${form.right}`;
  }
  return null;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
