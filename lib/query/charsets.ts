/** Whether a character (a Unicode code point) belongs to a set. */
export type CharTest = (code: number) => boolean;

/** The code point of a character. */
export const code = (char: string): number => char.codePointAt(0) as number;
const between = (from: string, to: string): CharTest => {
  const [low, high] = [code(from), code(to)];
  return (char) => char >= low && char <= high;
};
/** The characters of several sets. */
export const anyOf =
  (...tests: CharTest[]): CharTest =>
  (char) =>
    tests.some((test) => test(char));
/** The characters outside of a set. */
export const not =
  (test: CharTest): CharTest =>
  (char) =>
    !test(char);
/** The characters of a text. */
export const oneOf = (chars: string): CharTest => {
  const codes = new Set([...chars].map(code));
  return (char) => codes.has(char);
};

const digit = between('0', '9');
const lower = between('a', 'z');
const upper = between('A', 'Z');
const printable = between('!', '~');
const alnum = anyOf(digit, lower, upper);
const space = oneOf(' \t\n\r\f\v\u00a0\u2028\u2029');
/** Letters, digits and the underscore, as `\w` and `\b` mean them. */
export const wordChar: CharTest = anyOf(alnum, oneOf('_'));

/** What stands for a set after a backslash. */
export const classEscapes: Readonly<Record<string, CharTest>> = {
  d: digit,
  D: not(digit),
  s: space,
  S: not(space),
  w: wordChar,
  W: not(wordChar),
};
/** What stands for a set between `[:` and `:]`. */
export const posixClasses: Readonly<Record<string, CharTest>> = {
  alnum,
  alpha: anyOf(lower, upper),
  blank: oneOf(' \t'),
  digit,
  graph: printable,
  lower,
  print: between(' ', '~'),
  punct: (char) => printable(char) && !alnum(char),
  space,
  upper,
  word: wordChar,
  xdigit: anyOf(digit, between('a', 'f'), between('A', 'F')),
};

/** A test that gives the same for a letter and its other case. */
export function caseless(test: CharTest): CharTest {
  return (char) => {
    if (test(char)) return true;
    const text = String.fromCodePoint(char);
    return test(code(text.toLowerCase())) || test(code(text.toUpperCase()));
  };
}
