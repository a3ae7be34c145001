import { MerapiError } from './errors.ts';

/** What JSON can hold; integers that a number cannot hold exactly are BigInt. */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

const longDigits = /[0-9]{16}/;

/**
 * Parses JSON text without rounding integers: where sixteen or more digits stand in a row, integers outside the safe range
 * become BigInt. Any JSON value may stand at the top, not just objects.
 * @throws MerapiError wrong_input; where it is wrong tells parseJsonInSlices()
 */
export function parseJson(text: string): Json {
  try {
    return longDigits.test(text) ? parseLossless(text) : JSON.parse(text);
  } catch (error) {
    if (error instanceof MerapiError) throw error;
    if (!(error instanceof SyntaxError)) throw error;
    throw new MerapiError('wrong_input', 'The text is not valid JSON'); // the parser's own words repeat a part of it
  }
}

/** Writes a value as JSON; BigInt become bare integers. A value that JSON cannot hold (undefined) becomes `null`. */
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
 * The slow way, for texts with long numbers. JSON.parse checks the grammar; then the long numbers are marked as strings by a
 * scan that knows where strings are, and a reviver turns the marks back. No string of the text begins with the mark: valid
 * JSON can hold that character only in its escaped form, and not as often in a row.
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

/** Valid JSON with everything that stands outside its strings changed. No regular expression could skip a string of 60 MB. */
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

/** Whether an odd number of backslashes stands before the place. */
function isEscaped(text: string, place: number): boolean {
  let before = place;
  while (text[before - 1] === '\\') before -= 1;
  return (place - before) % 2 === 1;
}
