import { MerapiError } from '../base/errors.ts';
import { anyOf, type CharTest, caseless, classEscapes, code, not, oneOf, posixClasses } from './charsets.ts';

/** A place where a pattern demands something without taking a character. */
export type Place = 'start' | 'end' | 'last' | 'line-start' | 'line-end' | 'word' | 'not-word';

/** A parsed regular expression. */
export type Pattern =
  | { kind: 'char'; test: CharTest }
  | { kind: 'place'; place: Place }
  | { kind: 'sequence'; parts: Pattern[] }
  | { kind: 'choice'; parts: Pattern[] }
  | { kind: 'repeat'; part: Pattern; min: number; max: number };

interface Flags {
  ignoreCase: boolean;
  multiLine: boolean;
  dotAll: boolean;
}

const charEscapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  f: '\f',
  v: '\v',
  a: '\x07',
};
const places: Readonly<Record<string, Place>> = { A: 'start', Z: 'end', z: 'end', b: 'word', B: 'not-word' };
/** Reads the syntax that Python and PCRE share; what needs backtracking (look-around, back references) is refused. */
class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Pattern {
    const flags = { ignoreCase: false, multiLine: false, dotAll: false };
    const inline = /^\(\?([a-zA-Z]+)\)/.exec(this.#text);
    if (inline) {
      this.#at = 2;
      this.#readFlags(flags);
      this.#at = inline[0].length;
    }
    const pattern = this.#choice(flags);
    if (this.#at < this.#text.length)
      throw this.#wrong("there is a ')' without its '('; write '\\)' for the character");
    return pattern;
  }

  #wrong(what: string, at = this.#at): MerapiError {
    return new MerapiError('bad_request', `The regular expression is wrong at character ${at + 1}: ${what}`);
  }

  #peek(): string {
    return this.#text[this.#at] ?? '';
  }

  #take(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }

  /** Takes whole Unicode characters. */
  #next(): string {
    const char =
      this.#at < this.#text.length ? String.fromCodePoint(this.#text.codePointAt(this.#at) as number) : '';
    this.#at += char.length;
    return char;
  }

  #choice(flags: Flags): Pattern {
    const parts = [this.#sequence(flags)];
    while (this.#take('|')) parts.push(this.#sequence(flags));
    return parts.length === 1 ? (parts[0] as Pattern) : { kind: 'choice', parts };
  }

  #sequence(flags: Flags): Pattern {
    const parts: Pattern[] = [];
    while (this.#at < this.#text.length && this.#peek() !== '|' && this.#peek() !== ')')
      parts.push(this.#repeated(this.#atom(flags)));
    return { kind: 'sequence', parts };
  }

  #repeated(part: Pattern): Pattern {
    const counted = /^\{(\d*)(?:(,)(\d*))?\}/.exec(this.#text.slice(this.#at));
    let [min, max] = [1, 1];
    if (this.#take('*')) [min, max] = [0, Number.POSITIVE_INFINITY];
    else if (this.#take('+')) [min, max] = [1, Number.POSITIVE_INFINITY];
    else if (this.#take('?')) [min, max] = [0, 1];
    else if (counted && (counted[1] || counted[3])) {
      min = Number(counted[1] ?? 0);
      max = counted[2] ? (counted[3] ? Number(counted[3]) : Number.POSITIVE_INFINITY) : min;
      if (max < min) throw this.#wrong(`the repetition ${counted[0]} has its larger number first`);
      this.#at += counted[0].length;
    } else return part;
    if (this.#take('+'))
      throw this.#wrong('possessive repetitions are not supported; leave out the second +', this.#at - 1);
    // Whether a repetition is lazy makes no difference to whether the text matches.
    this.#take('?');
    if (/^[*+?]/.test(this.#peek()))
      throw this.#wrong(`'${this.#peek()}' has nothing to repeat; put it into a group`);
    return { kind: 'repeat', part, min, max };
  }

  #atom(flags: Flags): Pattern {
    const at = this.#at;
    const char = this.#next();
    switch (char) {
      case '(':
        return this.#group(flags);
      case '[':
        return this.#charClass(flags);
      case '.':
        return { kind: 'char', test: flags.dotAll ? () => true : not(oneOf('\n')) };
      case '^':
        return { kind: 'place', place: flags.multiLine ? 'line-start' : 'start' };
      case '$':
        return { kind: 'place', place: flags.multiLine ? 'line-end' : 'last' };
      case '*':
      case '+':
      case '?':
        throw this.#wrong(`'${char}' has nothing to repeat; write '\\${char}' for the character`, at);
      case '\\': {
        const place = places[this.#peek()];
        if (place) {
          this.#at += 1;
          return { kind: 'place', place };
        }
        return this.#char(this.#escape(), flags);
      }
      default:
        return this.#char(code(char), flags);
    }
  }

  #char(what: number | CharTest, flags: Flags): Pattern {
    const test: CharTest = typeof what === 'number' ? (char) => char === what : what;
    return { kind: 'char', test: flags.ignoreCase ? caseless(test) : test };
  }

  #group(outer: Flags): Pattern {
    const at = this.#at - 1;
    let flags = outer;
    if (this.#take('?')) {
      if (this.#take('#')) {
        const end = this.#text.indexOf(')', this.#at);
        if (end < 0) throw this.#wrong("a comment '(?#' has no ')'", at);
        this.#at = end + 1;
        return { kind: 'sequence', parts: [] };
      }
      const rest = this.#text.slice(this.#at);
      const name = /^P?<[A-Za-z_]\w*>/.exec(rest);
      if (name) this.#at += name[0].length;
      else if (/^[a-zA-Z]*:/.test(rest)) {
        flags = { ...outer };
        this.#readFlags(flags);
        this.#at += 1;
      } else if (/^<?[=!]/.test(rest))
        throw this.#wrong('look-around is not supported; combine filters with "!" and "&" instead', at);
      else
        throw this.#wrong(
          "after '(?' only 'flags:', ':', 'P<name>' and '#' are known; flags alone stand at the beginning",
          at,
        );
    }
    const inner = this.#choice(flags);
    if (!this.#take(')')) throw this.#wrong("a '(' has no ')'; write '\\(' for the character", at);
    return inner;
  }

  #readFlags(flags: Flags): void {
    while (/[a-zA-Z]/.test(this.#peek())) {
      const flag = this.#peek();
      if (flag === 'i') flags.ignoreCase = true;
      else if (flag === 'm') flags.multiLine = true;
      else if (flag === 's') flags.dotAll = true;
      else if (flag !== 'u' && flag !== 'a')
        throw this.#wrong(`there is no flag '${flag}'; known are i, m and s`);
      this.#at += 1;
    }
  }

  /** What stands after a backslash, the same in and outside of a class. */
  #escape(): number | CharTest {
    const at = this.#at - 1;
    const char = this.#next();
    if (char === '')
      throw this.#wrong("a backslash is the last character; write '\\\\' for the character", at);
    if (Object.hasOwn(classEscapes, char)) return classEscapes[char] as CharTest;
    if (Object.hasOwn(charEscapes, char)) return code(charEscapes[char] as string);
    const hex = { x: /^(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]{1,6})\})/, u: /^([0-9a-fA-F]{4})/ }[char];
    const digits = hex?.exec(this.#text.slice(this.#at));
    if (digits) {
      this.#at += digits[0].length;
      return Number.parseInt(digits[1] ?? (digits[2] as string), 16);
    }
    if (/[1-9]/.test(char)) throw this.#wrong('back references are not supported', at);
    if (/[A-Za-z0-9]/.test(char)) throw this.#wrong(`'\\${char}' means nothing here`, at);
    return code(char);
  }

  #charClass(flags: Flags): Pattern {
    const at = this.#at - 1;
    const negated = this.#take('^');
    const tests: CharTest[] = [];
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      if (this.#at >= this.#text.length)
        throw this.#wrong("a '[' has no ']'; write '\\[' for the character", at);
      const low = this.#classItem();
      const ranged =
        this.#peek() === '-' && this.#at + 1 < this.#text.length && this.#text[this.#at + 1] !== ']';
      if (typeof low !== 'number' || !ranged) {
        tests.push(typeof low === 'number' ? (char) => char === low : low);
        continue;
      }
      this.#at += 1;
      const high = this.#classItem();
      if (typeof high !== 'number' || high < low)
        throw this.#wrong('a range goes from the smaller to the larger character', at);
      tests.push((char) => char >= low && char <= high);
    }
    this.#at += 1;
    const inside = flags.ignoreCase ? caseless(anyOf(...tests)) : anyOf(...tests);
    return { kind: 'char', test: negated ? not(inside) : inside };
  }

  #classItem(): number | CharTest {
    const posix = /^\[:(\^?)([a-z]+):\]/.exec(this.#text.slice(this.#at, this.#at + 20));
    if (posix) {
      const test = Object.hasOwn(posixClasses, posix[2] as string)
        ? posixClasses[posix[2] as string]
        : undefined;
      if (!test)
        throw this.#wrong(`there is no class ${posix[0]}; known are ${Object.keys(posixClasses).join(', ')}`);
      this.#at += posix[0].length;
      return posix[1] ? not(test) : test;
    }
    const char = this.#next();
    if (char !== '\\') return code(char);
    if (this.#take('b')) return 8;
    return this.#escape();
  }
}

/**
 * Parses a regular expression in the syntax that Python and PCRE share.
 * @throws MerapiError bad_request saying where it is wrong and what would be right.
 */
export function parsePattern(text: string): Pattern {
  return new Parser(text).parse();
}
