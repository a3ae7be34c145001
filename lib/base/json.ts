import { MerapiError } from './errors.ts';

/** What JSON can hold; integers that a number cannot hold exactly are BigInt. */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

const longDigits = /[0-9]{16}/;

/**
 * Parses JSON text without rounding integers: where sixteen or more digits stand in a row, integers outside the safe range
 * become BigInt. Any JSON value may stand at the top, not just objects.
 * @throws MerapiError bad_request with the parser's words.
 */
export function parseJson(text: string): Json {
  try {
    return longDigits.test(text) ? parseLossless(text) : JSON.parse(text);
  } catch (error) {
    if (error instanceof MerapiError) throw error;
    throw new MerapiError('bad_request', `The text is not valid JSON: ${(error as Error).message}`, {
      cause: error,
    });
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
 * The slow way, for texts with long numbers. Numbers are marked as strings by a scan that knows where strings are, then
 * JSON.parse checks the grammar and a reviver turns the marks back; the mark is a character that the text does not hold.
 */
function parseLossless(text: string): Json {
  let mark = '\u0001';
  while (text.includes(mark)) mark += '\u0001';
  const escaped = JSON.stringify(mark).slice(1, -1);
  const token = /"(?:[^"\\]|\\.)*"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/gs;
  const marked = text.replace(token, (match) =>
    match[0] === '"' || !/^-?[0-9]{16,}$/.test(match) ? match : `"${escaped}${match}"`,
  );
  return JSON.parse(marked, (_key, value) => {
    if (typeof value !== 'string' || !value.startsWith(mark)) return value;
    const integer = BigInt(value.slice(mark.length));
    return integer >= Number.MIN_SAFE_INTEGER && integer <= Number.MAX_SAFE_INTEGER
      ? Number(integer)
      : integer;
  });
}
