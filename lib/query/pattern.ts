// Regular expressions of filters. RE2JS matches them in time proportional to the text. This file adds what it lacks: a bound on the size
// of an expression before it is compiled, and the few forms of Python and PCRE that RE2 does not have but stored job filters may use.
import { RE2JS, RE2JSException, RE2JSSyntaxException, RE2Set } from 're2js';
import { MerapiError } from '../base/errors.ts';

/** The longest regular expression, in characters. */
export const MAX_PATTERN_LENGTH = 256;
/** How many characters, sets and groups one may have after its counted repetitions are expanded. */
const MAX_SIZE = 1000;
/** The most memory for the automaton of one expression, in bytes. Beyond that the matcher drops states, or matches without them. */
const MAX_MEMORY = 128 * 1024;

/** Matches one token of an expression. The order counts: the first alternative that matches wins. */
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
/** An escape, inside or outside of a set. */
const escapes = /\\u[0-9A-Fa-f]{4}|\\./gsu;

/**
 * Compiles a regular expression into a function that returns whether it matches anywhere in a text. The syntax is that of RE2 without
 * Unicode classes, plus these forms of Python and PCRE: comments, `\Z`, `\uXXXX`, `{,n}`, and `$` before a newline at the end.
 * @throws MerapiError wrong_input when it is invalid or too large
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
    if (cause instanceof RE2JSException) throw patternError(text, cause);
    throw cause;
  }
  return (value) => set.match(value).length > 0;
}

/**
 * Refuses counted repetitions, such as `(a{100}){100}`, that would compile into a huge program.
 * @throws MerapiError wrong_input
 */
function checkSize(parts: readonly string[]): void {
  /** The sizes so far of the open groups, from the whole expression to the innermost group. */
  const open = [0];
  /** The size of the last atom, which a count would repeat. */
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

/** A token in the syntax of RE2. @throws RE2JSSyntaxException for `\Q`, behind which the text is literal and no tokens */
function inRe2(part: string): string {
  if (part === '\\Q') throw new RE2JSSyntaxException('invalid escape sequence', part);
  if (part === '$') return '(?:$|\\n\\z)';
  if (part.startsWith('(?#')) return '(?:)';
  if (/^\(\?P?</.test(part)) return '(?:';
  if (part.startsWith('(?')) {
    // The flags a and u select ASCII or Unicode letters in Python; here letters are always those of ASCII.
    const flags = part.replace(/[au]/g, '');
    return flags === '(?)' ? '(?-U)' : flags; // U is never set, so clearing it changes nothing
  }
  if (part.startsWith('{,')) return part.length > 3 ? `{0${part.slice(1)}` : part;
  if (part.startsWith('['))
    return part.replace(escapes, (each) => (each === '\\b' ? '\\x08' : escapeInRe2(each)));
  return part.startsWith('\\') ? escapeInRe2(part) : part;
}

/** An escape in the syntax of RE2; a character outside of ASCII needs none there. */
function escapeInRe2(part: string): string {
  const code = /^\\u(.{4})$/.exec(part)?.[1];
  if (code !== undefined) return `\\x{${code}}`;
  if (part === '\\Z') return '\\z';
  return /^\\[^\0-\x7f]/u.test(part) ? part.slice(1) : part;
}

/** The error for an expression that RE2JS rejects; names the wrong part if it occurs in what the client sent. */
function patternError(text: string, cause: RE2JSException): MerapiError {
  const part = cause instanceof RE2JSSyntaxException ? cause.getPattern() : null;
  // RE2JS saw the converted expression: its part is shown only if the client wrote it like this.
  const where = part !== null && part !== text && text.includes(part) ? ` ('${part}')` : '';
  const what = cause instanceof RE2JSSyntaxException ? cause.getDescription() : cause.message;
  return new MerapiError(
    'wrong_input',
    `The regular expression '${text}' is invalid: ${what}${where}; the syntax is that of RE2, without look-around and back references`,
    { cause },
  );
}
