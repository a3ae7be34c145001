import type { ParamValues } from '../enforce.ts';

/** What the values of a parameter must look like, beyond their kind. */
export interface ValueForm {
  fits(value: string | number): boolean;
  /** What would be right, as the end of the sentence "it must be …". */
  readonly right: string;
}

/** One of these words; the empty one, which stands for nothing, is not told. */
export function oneOf(words: readonly string[]): ValueForm {
  const told = words.filter((word) => word !== '').join(', ');
  const right = words.includes('') ? `empty or one of ${told}` : `one of ${told}`;
  return { fits: (value) => words.includes(String(value)), right };
}

/** Nothing, or a list with commas of these words. */
export function listOf(words: readonly string[]): ValueForm {
  const known = new Set(words);
  return {
    fits: (value) =>
      value === '' ||
      String(value)
        .split(',')
        .every((word) => known.has(word)),
    right: `empty or a list with commas of ${words.join(', ')}`,
  };
}

/** Nothing, or what matches as a whole; `right` says it in words. */
export function text(pattern: RegExp, right: string): ValueForm {
  const whole = new RegExp(`^(?:${pattern.source})$`, pattern.flags);
  return { fits: (value) => value === '' || whole.test(String(value)), right: `empty or ${right}` };
}

/** A whole number in this range. */
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

/** Nothing, or the path of a file. */
export const filePath: ValueForm = {
  fits: (value) => value === '' || isAbsolute(String(value)),
  right: 'empty or an absolute path, such as /srv/file',
};

/** The path of a program. */
export const programPath: ValueForm = {
  fits: (value) => isAbsolute(String(value)),
  right: 'the absolute path of a program, such as /usr/bin/kvm',
};

/** Nothing, the path of an image, or where QEMU can read one over the network. */
export const imagePath: ValueForm = {
  fits: (value) =>
    value === '' || isAbsolute(String(value)) || /^(https?|ftps?):\/\/[^/\s]+\/\S*$/.test(String(value)),
  right:
    'empty, an absolute path, such as /srv/install.iso, or an address that begins with http, https, ftp or ftps',
};

/**
 * What is wrong with values of parameters that have forms: a sentence for the first that does not fit, null when all do. What no
 * form is known of fits, and so does null, which stands for no value.
 */
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
