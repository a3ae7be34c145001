// A JSON parser that works in slices, so that a long text from outside does not block the thread. It enforces limits while it parses,
// and its messages say where a text is wrong.

import { MerapiError } from './errors.ts';
import { type Json, parseJson } from './json.ts';
import { Slices } from './slices.ts';

/** Limits of a JSON text. */
export interface JsonLimits {
  /** The most levels of nested lists and objects. */
  readonly depth: number;
  /** The most values: each list, object, string, number, true, false and null counts. Checked only for texts longer than AT_ONCE. */
  readonly values: number;
}

/** Texts of up to so many characters are parsed at once: that takes a few milliseconds. */
export const AT_ONCE = 64 * 1024;

const NO_LIMITS: JsonLimits = { depth: Number.POSITIVE_INFINITY, values: Number.POSITIVE_INFINITY };

/**
 * Parses JSON text as parseJson() does; a long one in slices, between which other work runs.
 * @throws MerapiError wrong_input when it is not valid JSON or nested too deep, too_large when it has too many values
 */
export async function parseJsonInSlices(text: string, limits: JsonLimits = NO_LIMITS): Promise<Json> {
  if (text.length <= AT_ONCE) {
    const value = parseShort(text, limits);
    if (isDeeper(value, limits.depth)) throw tooDeep(limits);
    return value;
  }
  const parser = new Parser(text, limits);
  const slices = new Slices();
  while (!parser.advance()) if (slices.over) await slices.pause();
  return parser.value;
}

/** @throws MerapiError wrong_input that says where the text is wrong */
function parseShort(text: string, limits: JsonLimits): Json {
  try {
    return parseJson(text);
  } catch (error) {
    const parser = new Parser(text, limits);
    while (!parser.advance()); // this throws where the text is wrong
    throw error;
  }
}

function isDeeper(value: Json, levels: number): boolean {
  if (levels === Number.POSITIVE_INFINITY || value === null || typeof value !== 'object') return false;
  if (levels === 0) return true;
  return Object.values(value).some((item) => isDeeper(item, levels - 1));
}

const tooDeep = ({ depth }: JsonLimits) =>
  new MerapiError('wrong_input', `The JSON text is nested more than ${depth} levels deep`);

/** A list or an object whose end was not reached yet. */
interface Open {
  readonly value: Json[] | { [key: string]: Json };
  /** In an object, the key of the next value. */
  key: string;
}

/** How many values are parsed between two checks whether the slice is over. */
const STEP = 500;

const number = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
/** A part of a text that does not end within an escape. */
const textPart = /(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})){1,8192}/y;
const words: readonly (readonly [string, Json])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/**
 * Parses a text from its beginning to its end, some values at each call.
 *
 * | it expects | and reads |
 * | --- | --- |
 * | a value | a complete one, or the beginning of a list, an object or a long string |
 * | the rest of a long string | the next part of it, or its end |
 * | a comma or an end | a comma (in an object with the next key), the end of the list or object, or the end of the text |
 */
class Parser {
  readonly #text: string;
  readonly #limits: JsonLimits;
  readonly #open: Open[] = [];
  #at = 0;
  #count = 0;
  /** The parts of a long string that were parsed so far; null outside of one. */
  #parts: string[] | null = null;
  #isDone = false;
  value: Json = null;

  constructor(text: string, limits: JsonLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  /** Parses some more; true when the value is complete. @throws MerapiError wrong_input, too_large */
  advance(): boolean {
    for (let step = 0; step < STEP && !this.#isDone; step += 1) {
      if (this.#parts) {
        this.#longText(this.#parts);
        return this.#isDone;
      }
      this.#oneValue();
    }
    return this.#isDone;
  }

  #oneValue(): void {
    this.#count += 1;
    if (this.#count > this.#limits.values)
      throw new MerapiError('too_large', `The JSON text has more than ${this.#limits.values} values`);
    const first = this.#next();
    if (first === '{' || first === '[') this.#begin(first);
    else if (first === '"') this.#beginText();
    else this.#end(this.#plain());
  }

  #begin(first: '{' | '['): void {
    if (this.#open.length >= this.#limits.depth) throw tooDeep(this.#limits);
    this.#at += 1;
    const open: Open = { value: first === '[' ? [] : {}, key: '' };
    if (this.#next() === (first === '[' ? ']' : '}')) {
      this.#at += 1;
      this.#end(open.value);
      return;
    }
    if (first === '{') open.key = this.#key();
    this.#open.push(open);
  }

  /** Adds a complete value to the list or object around it, which may be complete with it, and so on outwards. */
  #end(complete: Json): void {
    let value = complete;
    for (;;) {
      const open = this.#open.at(-1);
      const next = this.#next();
      if (!open) {
        if (this.#at < this.#text.length) throw this.#wrong('there is more text after the value');
        this.value = value;
        this.#isDone = true;
        return;
      }
      add(open, value);
      const isList = Array.isArray(open.value);
      this.#at += 1;
      if (next === ',') {
        if (!isList) open.key = this.#key();
        return;
      }
      if (next !== (isList ? ']' : '}')) {
        this.#at -= 1;
        throw this.#wrong(`a comma or ${isList ? "']'" : "'}'"} is missing`);
      }
      this.#open.pop();
      value = open.value;
    }
  }

  #key(): string {
    if (this.#next() !== '"') throw this.#wrong('a key in double quotes is missing');
    const key = this.#string(this.#closing());
    if (this.#next() !== ':') throw this.#wrong("':' is missing");
    this.#at += 1;
    return key;
  }

  #beginText(): void {
    const end = this.#closing();
    if (end - this.#at <= AT_ONCE) {
      this.#end(this.#string(end));
      return;
    }
    this.#at += 1;
    this.#parts = [];
  }

  /** Reads the next part of a long string. */
  #longText(parts: string[]): void {
    textPart.lastIndex = this.#at;
    const part = textPart.exec(this.#text)?.[0];
    if (part !== undefined) {
      parts.push(JSON.parse(`"${part}"`));
      this.#at += part.length;
      return;
    }
    if (this.#text[this.#at] !== '"') throw this.#wrong('a string has a character that must be escaped');
    this.#at += 1;
    this.#parts = null;
    this.#end(parts.join(''));
  }

  /** The index of the quote that ends the string that begins here. */
  #closing(): number {
    let end = this.#text.indexOf('"', this.#at + 1);
    while (end >= 0 && isEscaped(this.#text, end)) end = this.#text.indexOf('"', end + 1);
    if (end < 0) throw this.#wrong('a string does not end');
    return end;
  }

  #string(end: number): string {
    try {
      const value = JSON.parse(this.#text.slice(this.#at, end + 1));
      this.#at = end + 1;
      return value;
    } catch (cause) {
      throw this.#wrong('a string has a character that must be escaped', cause);
    }
  }

  #plain(): Json {
    number.lastIndex = this.#at;
    const found = number.exec(this.#text);
    if (found) {
      const [text, fraction, exponent] = found;
      this.#at += text.length;
      const value = Number(text);
      return fraction === undefined && exponent === undefined && !Number.isSafeInteger(value)
        ? BigInt(text)
        : value;
    }
    for (const [word, value] of words)
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    throw this.#wrong('a value is missing');
  }

  /** Skips white space and returns the next character; empty at the end of the text. */
  #next(): string {
    const text = this.#text;
    for (;;) {
      const character = text.charCodeAt(this.#at);
      if (character !== 0x20 && character !== 0x0a && character !== 0x0d && character !== 0x09)
        return text.charAt(this.#at);
      this.#at += 1;
    }
  }

  #wrong(what: string, cause?: unknown): MerapiError {
    const message = `The text is not valid JSON: ${what} at position ${this.#at}`;
    return new MerapiError('wrong_input', message, { cause });
  }
}

/** Adds a value to its list or object. A key `__proto__` becomes an ordinary property, as with JSON.parse(). */
function add({ value: into, key }: Open, value: Json): void {
  if (Array.isArray(into)) into.push(value);
  else if (key !== '__proto__') into[key] = value;
  else Object.defineProperty(into, key, { value, enumerable: true, writable: true, configurable: true });
}

/** Whether the character at an index has an odd number of backslashes before it. */
function isEscaped(text: string, index: number): boolean {
  let start = index;
  while (text[start - 1] === '\\') start -= 1;
  return (index - start) % 2 === 1;
}
