// Regular expressions of filters. RE2JS matches them in time proportional to the text; here is what it does not do: a bound on the
// size of an expression before it is compiled, and the few forms of Python and PCRE that RE2 lacks, which stored job filters may have.
import { RE2JS, RE2JSException, RE2JSSyntaxException, RE2Set } from 're2js';
import { MerapiError } from '../base/errors.ts';

/** How long a regular expression may be, in characters. */
export const MAX_PATTERN_LENGTH = 256;
/** How many characters, sets and groups one may have once its counted repetitions are written out. */
const MAX_SIZE = 1000;
/** What the matcher may remember of one while it is used, in bytes. Beyond that it forgets, or goes on without. */
const MAX_MEMORY = 128 * 1024;

/** The parts that an expression is taken apart into. */
const tokens = new RegExp(
  [
    String.raw`\(\?#[^)]*\)`, // a comment
    String.raw`\(\?P?<[A-Za-z_]\w*>`, // the beginning of a group with a name
    String.raw`\(\?[A-Za-z]+[:)]`, // flags, of a group or alone
    String.raw`\[\^?\]?(?:\[:\^?[a-z]+:\]|\\.|[^\\\]])*\]`, // a set
    String.raw`\\u[0-9A-Fa-f]{4}|\\x\{[0-9A-Fa-f]+\}|\\.`, // an escape
    String.raw`\{\d*,?\d*\}`, // a count
    '.',
  ].join('|'),
  'gsu',
);
/** An escape in a set or outside of one. */
const escapes = /\\u[0-9A-Fa-f]{4}|\\./gsu;

/**
 * Compiles a regular expression into a function that tells whether it matches anywhere in a text. The syntax is that of RE2 without
 * Unicode classes, and what Python and PCRE have beside it: comments, `\Z`, `\uXXXX`, `{,n}`, and `$` before a newline at the end.
 * @throws MerapiError wrong_input when it is wrong or too large
 */
export function compilePattern(text: string): (value: string) => boolean {
  if (text.length > MAX_PATTERN_LENGTH)
    throw new MerapiError(
      'wrong_input',
      `The regular expression has ${text.length} characters; at most ${MAX_PATTERN_LENGTH} are allowed`,
    );
  const parts = text.match(tokens) ?? [];
  checkSize(parts);
  const set = new RE2Set(RE2Set.UNANCHORED, RE2JS.DISABLE_UNICODE_GROUPS, MAX_MEMORY);
  try {
    set.add(parts.map(inRe2).join(''));
    set.compile();
  } catch (cause) {
    if (cause instanceof RE2JSException) throw wrong(text, cause);
    throw cause;
  }
  return (value) => set.match(value).length > 0;
}

/**
 * Refuses counted repetitions that would make a program of unreasonable size, before it is made.
 * @throws MerapiError wrong_input
 */
function checkSize(parts: readonly string[]): void {
  /** The sizes of the groups that are open, the whole expression first. */
  const open = [0];
  let last = 0;
  const add = (size: number) => {
    last = size;
    open.push((open.pop() ?? 0) + size);
  };
  for (const part of parts) {
    const [, least, most] = /^\{(\d*),?(\d*)\}$/.exec(part) ?? [];
    if (least !== undefined) {
      const count = Math.min(Math.max(1, Number(least), Number(most)), MAX_SIZE + 1);
      const one = last;
      add(one * (count - 1));
      last = one * count;
    } else if (part === ')') add(1 + (open.length > 1 ? (open.pop() ?? 0) : 0));
    else if (part.startsWith('(') && !part.endsWith(')')) open.push(0);
    else add(1);
    if ((open.at(-1) ?? 0) > MAX_SIZE)
      throw new MerapiError(
        'wrong_input',
        'The regular expression repeats too much; use * or + instead of large counts',
      );
  }
}

/** A part as RE2 writes it. @throws RE2JSSyntaxException for `\Q`, behind which parts are no parts */
function inRe2(part: string): string {
  if (part === '\\Q') throw new RE2JSSyntaxException('invalid escape sequence', part);
  if (part === '$') return '(?:$|\\n\\z)';
  if (part.startsWith('(?#')) return '(?:)';
  if (/^\(\?P?</.test(part)) return '(?:';
  if (part.startsWith('(?')) {
    // The flags a and u choose what letters are in Python; here they are always those of ASCII.
    const flags = part.replace(/[au]/g, '');
    return flags === '(?)' ? '(?-U)' : flags; // a flag that is never set: nothing changes
  }
  if (part.startsWith('{,')) return part.length > 3 ? `{0${part.slice(1)}` : part;
  if (part.startsWith('['))
    return part.replace(escapes, (each) => (each === '\\b' ? '\\x08' : escapeInRe2(each)));
  return part.startsWith('\\') ? escapeInRe2(part) : part;
}

function escapeInRe2(part: string): string {
  const code = /^\\u(.{4})$/.exec(part)?.[1];
  if (code !== undefined) return `\\x{${code}}`;
  if (part === '\\Z') return '\\z';
  return /^\\[^\0-\x7f]/u.test(part) ? part.slice(1) : part;
}

function wrong(text: string, cause: RE2JSException): MerapiError {
  const place = cause instanceof RE2JSSyntaxException ? cause.getPattern() : null;
  // The place is told only as far as it is what was written.
  const where = place !== null && place !== text && text.includes(place) ? ` ('${place}')` : '';
  const what = cause instanceof RE2JSSyntaxException ? cause.getDescription() : cause.message;
  return new MerapiError(
    'wrong_input',
    `The regular expression '${text}' is wrong: ${what}${where}; the syntax is that of RE2, without look-around and back references`,
    { cause },
  );
}
