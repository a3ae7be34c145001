// Converts the values of parameter sets in requests to their types, as leniently as Ganeti does (utils.ForceDictType): clients send
// numbers and booleans as texts, and sizes with units.
import { MerapiError } from '../base/errors.ts';
import { stringifyJson } from '../base/json.ts';

/** The kinds of values in Ganeti's parameter sets. A `size` is mebibytes, given as an integer or a text such as "20G". */
export type ParamKind = 'bool' | 'int' | 'float' | 'string' | 'maybe-string' | 'size';

/** The definition of a parameter set: the kind of each parameter. */
export type ParamKinds = Readonly<Record<string, ParamKind>>;

/** Values of a parameter set. */
export type ParamValues = Record<string, unknown>;

/** In a request this value removes the object's own value, so that the inherited one applies again. */
export const DEFAULT_VALUE = 'default';

const sizeUnits: Record<string, number> = { '': 1, k: 1 / 1024, m: 1, g: 1024, t: 1024 * 1024 };

/**
 * Mebibytes of a size given as an integer or a text with a unit ("512", "20G", "1.5t"); a fraction is rounded up.
 * @throws MerapiError wrong_input
 */
export function parseSize(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  const match =
    typeof value === 'string' ? /^\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(?:i?b)?\s*$/i.exec(value) : null;
  if (!match)
    throw new MerapiError(
      'wrong_input',
      `'${String(value)}' is not a size; give MiB as an integer or a text such as "20G"`,
    );
  return Math.ceil(Number(match[1]) * (sizeUnits[(match[2] ?? '').toLowerCase()] as number));
}

/** Sizes in parameter sets and of new disks are rounded up to a multiple of this many MiB, as in Ganeti. */
const SIZE_STEP = 4;

/** Mebibytes of a size, rounded up to a multiple of 4. `name` is the parameter. @throws MerapiError type_enforcement */
export function steppedSize(value: unknown, name = 'size'): number {
  try {
    return Math.ceil(parseSize(value) / SIZE_STEP) * SIZE_STEP;
  } catch (cause) {
    throw new MerapiError('type_enforcement', `Parameter '${name}': ${(cause as Error).message}`, { cause });
  }
}

function enforceOne(name: string, kind: ParamKind, value: unknown): unknown {
  const refuse = (expected: string) =>
    new MerapiError(
      'type_enforcement',
      `Parameter '${name}' must be ${expected}, not ${stringifyJson(value)}`,
    );
  switch (kind) {
    case 'bool':
      if (typeof value === 'boolean') return value;
      if (value === null || value === '') return false;
      if (typeof value === 'string' && /^true$/i.test(value)) return true;
      if (typeof value === 'string' && /^false$/i.test(value)) return false;
      throw refuse('true or false');
    case 'int': {
      const integer = typeof value === 'string' && /^\s*-?[0-9]+\s*$/.test(value) ? Number(value) : value;
      if (typeof integer === 'number' && Number.isSafeInteger(integer)) return integer;
      throw refuse('an integer');
    }
    case 'float': {
      const float = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      if (typeof float === 'number' && Number.isFinite(float)) return float;
      throw refuse('a number');
    }
    case 'string':
    case 'maybe-string':
      if (typeof value === 'string') return value;
      if (value === null) return kind === 'string' ? '' : null;
      if (value === false) return '';
      throw refuse(kind === 'string' ? 'a text' : 'a text or null');
    case 'size':
      return steppedSize(value, name);
  }
}

/**
 * Checks values against a parameter set and converts them to the types of their kinds (`"2"` becomes 2 for an integer).
 * @param isNew the object is new, so it has no own value that "default" could remove; otherwise "default" is returned unchanged
 * @throws MerapiError type_enforcement, naming the parameter and what is expected
 */
export function enforceKinds(values: ParamValues, kinds: ParamKinds, isNew = false): ParamValues {
  const result: ParamValues = {};
  for (const [name, value] of Object.entries(values)) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (!kind)
      throw new MerapiError(
        'type_enforcement',
        `Unknown parameter '${name}'; known are ${Object.keys(kinds).sort().join(', ')}`,
      );
    result[name] = value === DEFAULT_VALUE && !isNew ? value : enforceOne(name, kind, value);
  }
  return result;
}
