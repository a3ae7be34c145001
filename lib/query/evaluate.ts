// Evaluates checked filters (language.ts): compiles them into functions, and finds out which keys allow a lookup instead of a full scan.
import { type Cell, type FieldTable, type Matching, ResultStatus } from './define.ts';
import type { Filter, Operand, Order } from './language.ts';

/** Returns the function that reads a field of a row. */
type Reader<Row> = (field: string) => (row: Row) => Cell;

/** Whether `wanted` (in lower case) contains the name or an abbreviation of it, which is its first labels up to a dot. */
function isHost(name: string, wanted: ReadonlySet<unknown>): boolean {
  const folded = name.toLowerCase();
  if (wanted.has(folded)) return true;
  for (let dot = folded.indexOf('.'); dot >= 0; dot = folded.indexOf('.', dot + 1))
    if (wanted.has(folded.slice(0, dot))) return true;
  return false;
}

/** Truth as in Python, where empty lists and objects are false. */
function truth(value: unknown): boolean {
  return typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value);
}

/** A comparison of order. A value of another type than the operand never matches. */
function ordering(op: Exclude<Order, '='>, operand: Operand): (value: unknown) => boolean {
  const type = typeof operand;
  const compare: Record<typeof op, (value: Operand) => boolean> = {
    '<': (value) => value < operand,
    '<=': (value) => value <= operand,
    '>': (value) => value > operand,
    '>=': (value) => value >= operand,
  };
  const test = compare[op];
  return (value) => typeof value === type && test(value as Operand);
}

/** Whether a value equals one of the operands; by a lookup in a set, however many they are. */
function equality(operands: readonly Operand[], matching: Matching | undefined): (value: unknown) => boolean {
  if (matching !== 'host') {
    const wanted = new Set<unknown>(operands);
    return (value) => wanted.has(value);
  }
  const wanted = new Set(operands.map((operand) => String(operand).toLowerCase()));
  return (value) => typeof value === 'string' && isHost(value, wanted);
}

/** A filter that looks at a single field. */
type Condition = Exclude<Filter, { op: '|' | '&' | '!' }>;

/** The test that a condition applies to a field's value. */
function condition(filter: Condition, matching: Matching | undefined): (value: unknown) => boolean {
  switch (filter.op) {
    case '?':
      return truth;
    case '=~':
      return (value) => typeof value === 'string' && filter.matches(value);
    case '=[]':
      return (value) => Array.isArray(value) && value.includes(filter.operand);
    case '=':
      return equality([filter.operand], matching);
    default:
      return ordering(filter.op, filter.operand);
  }
}

/**
 * Splits the parts of an `|` into the operands of `=` by field, and all other parts. So a filter with thousands of names costs one set
 * lookup per row instead of thousands of comparisons.
 */
function splitEquals(parts: readonly Filter[]): [Map<string, Operand[]>, Filter[]] {
  const equals = new Map<string, Operand[]>();
  const rest: Filter[] = [];
  for (const part of parts) {
    if (part.op !== '=') rest.push(part);
    else if (!equals.get(part.field)?.push(part.operand)) equals.set(part.field, [part.operand]);
  }
  return [equals, rest];
}

/**
 * Compiles a filter into a function over rows. It reads only the fields that the filter names, and stops at the first that decides. A
 * value whose status is not NORMAL meets no condition.
 */
export function compileFilter<Row>(
  filter: Filter,
  fields: FieldTable,
  reader: Reader<Row>,
): (row: Row) => boolean {
  const overField = (
    field: string,
    make: (matching: Matching | undefined) => (value: unknown) => boolean,
  ) => {
    const read = reader(field);
    const test = make(fields.get(field)?.matching);
    return (row: Row) => {
      const [status, value] = read(row);
      return status === ResultStatus.NORMAL && test(value);
    };
  };
  switch (filter.op) {
    case '|': {
      const [equals, rest] = splitEquals(filter.parts);
      const parts = rest.map((part) => compileFilter(part, fields, reader));
      for (const [field, operands] of equals)
        parts.unshift(overField(field, (matching) => equality(operands, matching)));
      return (row) => parts.some((part) => part(row));
    }
    case '&': {
      const parts = filter.parts.map((part) => compileFilter(part, fields, reader));
      return (row) => parts.every((part) => part(row));
    }
    case '!': {
      const part = compileFilter(filter.part, fields, reader);
      return (row) => !part(row);
    }
    default:
      return overField(filter.field, (matching) => condition(filter, matching));
  }
}

/**
 * The values of which the `key` field must equal one for the filter to match, if the filter demands that: it is a `=`, an `|` of such
 * filters, or an `&` with such a part. Null when a row with any key might match. Rows looked up by the keys must still be filtered.
 */
export function lookupKeys(filter: Filter | null, key: string): ReadonlySet<Operand> | null {
  if (filter === null) return null;
  if (filter.op === '=') return filter.field === key ? new Set([filter.operand]) : null;
  if (filter.op === '&') {
    for (const part of filter.parts) {
      const keys = lookupKeys(part, key);
      if (keys) return keys;
    }
    return null;
  }
  if (filter.op !== '|') return null;
  const all = new Set<Operand>();
  for (const part of filter.parts) {
    const keys = lookupKeys(part, key);
    if (!keys) return null;
    for (const each of keys) all.add(each);
  }
  return all;
}
