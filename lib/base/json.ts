// JSON without loss of integers: JSON.parse() rounds those beyond 2^53, such as the nanoseconds of reason trails.

import { MerapiError } from './errors.ts';

/** A JSON value; integers outside the safe range of a number are BigInt. */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

const longDigits = /[0-9]{16}/;

/**
 * Parses JSON text; integers outside the safe range become BigInt. The top level may be any JSON value, not just an object.
 * @throws MerapiError wrong_input without the position of the fault; use parseJsonInSlices() for a message that has it
 */
export function parseJson(text: string): Json {
  try {
    return longDigits.test(text) ? parseLossless(text) : JSON.parse(text);
  } catch (error) {
    if (error instanceof MerapiError) throw error;
    if (!(error instanceof SyntaxError)) throw error;
    throw new MerapiError('wrong_input', 'The text is not valid JSON'); // the parser's own message repeats a part of the text
  }
}

/** Writes a value as JSON; a BigInt becomes an integer. A value that JSON does not have (undefined) becomes `null`. */
export function stringifyJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return writeLossless(value);
  }
}

function writeLossless(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(writeLossless).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => `${JSON.stringify(key)}:${writeLossless(item)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

/**
 * The slow path, for texts with long numbers. JSON.parse() checks the grammar. Then every long integer outside of strings is replaced
 * by a string that begins with a mark, and a reviver converts these strings to numbers or BigInt. No other string can begin with the
 * mark: valid JSON has U+0001 only in its escaped form, and the mark has more of them in a row than the text.
 */
function parseLossless(text: string): Json {
  JSON.parse(text);
  let mark = '\u0001';
  let escaped = '\\u0001';
  while (text.includes(escaped)) {
    mark += '\u0001';
    escaped += '\\u0001';
  }
  const marked = outsideStrings(text, (part) =>
    part.replace(numbers, (number) => (/^-?[0-9]{16,}$/.test(number) ? `"${escaped}${number}"` : number)),
  );
  return JSON.parse(marked, (_key, value) => {
    if (typeof value !== 'string' || !value.startsWith(mark)) return value;
    const integer = BigInt(value.slice(mark.length));
    return integer >= Number.MIN_SAFE_INTEGER && integer <= Number.MAX_SAFE_INTEGER
      ? Number(integer)
      : integer;
  });
}

const numbers = /-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/g;

/** Applies `change` to everything outside of the strings of valid JSON. A regular expression could not skip a string of 60 MB. */
function outsideStrings(text: string, change: (part: string) => string): string {
  const parts: string[] = [];
  let at = 0;
  for (let quote = text.indexOf('"'); quote >= 0; quote = text.indexOf('"', at)) {
    let end = text.indexOf('"', quote + 1);
    while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
    parts.push(change(text.slice(at, quote)), text.slice(quote, end + 1));
    at = end + 1;
  }
  parts.push(change(text.slice(at)));
  return parts.join('');
}

/** Whether the character at an index has an odd number of backslashes before it. */
function isEscaped(text: string, index: number): boolean {
  let start = index;
  while (text[start - 1] === '\\') start -= 1;
  return (index - start) % 2 === 1;
}
