// Ganeti's filter language: nested lists such as ["&", ["=", "name", "web1"], [">", "disk.count", 2]]. Filters come from clients, so this
// file checks their form, fields and types, and bounds their size, before anything evaluates them.
import { errorText, MerapiError } from '../base/errors.ts';
import type { Field, FieldTable } from './define.ts';
import { compilePattern } from './pattern.ts';

/** Limits of one filter: the depth of nesting, and the number of conditions and of regular expressions. */
export const MAX_DEPTH = 100;
export const MAX_TERMS = 50_000;
export const MAX_PATTERNS = 16;

/** Comparisons that need an order, and equality. */
export type Order = '=' | '<' | '<=' | '>' | '>=';
/** A value that a filter compares with. */
export type Operand = string | number | boolean;

/** A checked filter in a normal form: `==` is written as `=`, and `!=` as a negated `=`. Every field in it exists. */
export type Filter =
  | { readonly op: '|' | '&'; readonly parts: readonly Filter[] }
  | { readonly op: '!'; readonly part: Filter }
  | { readonly op: '?'; readonly field: string }
  | { readonly op: Order; readonly field: string; readonly operand: Operand }
  | { readonly op: '=[]'; readonly field: string; readonly operand: Operand }
  | { readonly op: '=~'; readonly field: string; readonly matches: (text: string) => boolean };

/** What the values of a field can be compared with. */
type Comparable = 'text' | 'number' | 'bool' | 'list' | 'any';

/** In the order in which messages list them. */
const operators = ['|', '&', '!', '?', '=', '==', '!=', '<', '<=', '>', '>=', '=~', '=[]'];

/** What the values of a field are, for messages. */
const valueTexts: Readonly<Record<Comparable, string>> = {
  text: 'texts',
  number: 'numbers',
  bool: 'true or false',
  list: 'a list',
  any: 'values of any kind',
};

/** How the values of a field can be compared: its `matching` overrides its kind. */
function comparable(field: Field): Comparable {
  if (field.matching === 'list') return 'list';
  if (field.matching === 'time') return 'number';
  switch (field.kind) {
    case 'text':
    case 'bool':
      return field.kind;
    case 'number':
    case 'float':
    case 'unit':
    case 'timestamp':
      return 'number';
    default:
      return 'any';
  }
}

/** A value as messages show it, shortened. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (value !== null && typeof value === 'object') return 'an object';
  const text = typeof value === 'string' ? `'${value}'` : String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** Checks one filter. Every method gets the path of indexes from the whole filter to the part that it checks, for messages. */
class FilterParser {
  readonly #fields: FieldTable;
  #terms = 0;
  #patterns = 0;

  constructor(fields: FieldTable) {
    this.#fields = fields;
  }

  parse(value: unknown, path: readonly number[]): Filter {
    if (path.length >= MAX_DEPTH)
      throw this.#error(path.slice(0, 3), `it is nested deeper than ${MAX_DEPTH} levels`);
    this.#terms += 1;
    if (this.#terms > MAX_TERMS) throw this.#error([], `it has more than ${MAX_TERMS} conditions`);
    if (!Array.isArray(value) || value.length === 0)
      throw this.#error(path, `expected a list such as ["=", "name", "web1"], not ${show(value)}`);
    const op: unknown = value[0];
    if (typeof op !== 'string' || !operators.includes(op))
      throw this.#error(path, `${show(op)} is not an operator; the operators are ${operators.join(' ')}`);
    if (op === '|' || op === '&') return this.#join(op, value, path);
    if (op === '!') {
      this.#checkCount(value, 1, 'one filter', path);
      return { op, part: this.parse(value[1], [...path, 1]) };
    }
    if (op === '?') {
      this.#checkCount(value, 1, 'the name of a field', path);
      this.#field(value[1], path);
      return { op, field: value[1] as string };
    }
    this.#checkCount(value, 2, 'the name of a field and a value', path);
    return this.#compare(op, this.#field(value[1], path), value[1] as string, value[2], path);
  }

  #join(op: '|' | '&', value: readonly unknown[], path: readonly number[]): Filter {
    return { op, parts: value.slice(1).map((part, index) => this.parse(part, [...path, index + 1])) };
  }

  #compare(op: string, field: Field, name: string, value: unknown, path: readonly number[]): Filter {
    const kind = comparable(field);
    switch (op) {
      case '=~':
        return { op, field: name, matches: this.#pattern(name, kind, value, path) };
      case '=[]': {
        if (kind !== 'list' && kind !== 'any')
          throw this.#error(path, `field '${name}' holds ${valueTexts[kind]}; '=[]' is for lists, use '='`);
        return { op, field: name, operand: this.#operand(name, 'any', value, path) };
      }
      case '!=':
        return { op: '!', part: this.#compare('=', field, name, value, path) };
      default: {
        if (kind === 'list')
          throw this.#error(
            path,
            `field '${name}' holds a list; use '=[]' to ask whether it contains a value`,
          );
        const order = (op === '==' ? '=' : op) as Order;
        if (order !== '=' && (kind === 'bool' || typeof value === 'boolean'))
          throw this.#error(path, `true and false have no order; use '=' with field '${name}'`);
        return { op: order, field: name, operand: this.#operand(name, kind, value, path) };
      }
    }
  }

  #pattern(
    name: string,
    kind: Comparable,
    value: unknown,
    path: readonly number[],
  ): (text: string) => boolean {
    if (kind !== 'text' && kind !== 'any')
      throw this.#error(path, `field '${name}' holds ${valueTexts[kind]}; regular expressions are for texts`);
    if (typeof value !== 'string')
      throw this.#error(path, `the regular expression must be a text, not ${show(value)}`);
    this.#patterns += 1;
    if (this.#patterns > MAX_PATTERNS)
      throw this.#error(
        path,
        `it has more than ${MAX_PATTERNS} regular expressions; join them with | inside one`,
      );
    try {
      return compilePattern(value);
    } catch (error) {
      throw this.#error(path, errorText(error), error);
    }
  }

  /** The value to compare with, in the type of the field's values: a text with digits becomes a number for a numeric field. */
  #operand(name: string, kind: Comparable, value: unknown, path: readonly number[]): Operand {
    const plain = typeof value === 'bigint' ? Number(value) : value;
    if (
      kind === 'number' &&
      typeof plain === 'string' &&
      plain.trim() !== '' &&
      Number.isFinite(Number(plain))
    )
      return Number(plain);
    const type = typeof plain;
    if (type === 'string' && (kind === 'text' || kind === 'any')) return plain as string;
    if (type === 'number' && (kind === 'number' || kind === 'any')) return plain as number;
    if (type === 'boolean' && (kind === 'bool' || kind === 'any')) return plain as boolean;
    const expected = {
      text: 'a text',
      number: 'a number',
      bool: 'true or false',
      any: 'a text, a number, true or false',
      list: '',
    };
    throw this.#error(
      path,
      `field '${name}' can be compared with ${expected[kind]}, not with ${show(value)}`,
    );
  }

  /** @throws MerapiError wrong_input when an operator does not have this number of operands */
  #checkCount(value: readonly unknown[], wanted: number, what: string, path: readonly number[]): void {
    if (value.length - 1 !== wanted)
      throw this.#error(path, `after '${value[0]}' there must be ${what}, not ${value.length - 1} items`);
  }

  #field(name: unknown, path: readonly number[]): Field {
    if (typeof name !== 'string')
      throw this.#error(path, `the name of a field must be a text, not ${show(name)}`);
    const field = this.#fields.get(name);
    if (!field) throw this.#error(path, `there is no field ${show(name)}`);
    return field;
  }

  #error(path: readonly number[], what: string, cause?: unknown): MerapiError {
    const where =
      path.length === 0
        ? 'The filter is wrong'
        : `The filter is wrong at ${path.map((index) => `[${index}]`).join('')}`;
    return new MerapiError('wrong_input', `${where}: ${what}`, { cause });
  }
}

/**
 * Checks a filter of a request against the fields of a resource; null when there is none.
 * @throws MerapiError wrong_input with the position of the error and what is expected there
 */
export function parseFilter(value: unknown, fields: FieldTable): Filter | null {
  return value === null || value === undefined ? null : new FilterParser(fields).parse(value, []);
}
