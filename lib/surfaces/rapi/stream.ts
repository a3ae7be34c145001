// The kinds of responses that a method can return beside a plain value (see `send` in app.ts): JSON that is made while it is sent,
// JSON that is kept as text, and a stream of events.
import { MerapiError } from '../../base/errors.ts';
import { stringifyJson } from '../../base/json.ts';
import { isLarge, stringifyInSlices } from '../../base/json-pieces.ts';
import { Slices } from '../../base/slices.ts';

/** The approximate length of a piece, in characters. */
const PIECE = 64 * 1024;

/** A response that is a JSON text in pieces, which are made while it is sent. */
export class JsonPieces {
  readonly pieces: AsyncIterable<string>;

  constructor(pieces: AsyncIterable<string>) {
    this.pieces = pieces;
  }
}

/** The texts that JsonText.of() has made, by the value. */
const texts = new WeakMap<object, string>();

/** A response that is a JSON text already. */
export class JsonText {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /**
   * The JSON text of an immutable value, made once per value and kept as long as the value. Every call for the same value must pass
   * an equivalent `show`, since the first text is returned to all of them.
   * @param show converts the value to the form that is shown; by default it is shown unchanged
   */
  static of<T extends object>(value: T, show: (value: T) => unknown = (unchanged) => unchanged): JsonText {
    let text = texts.get(value);
    if (text === undefined) {
      text = stringifyJson(show(value));
      texts.set(value, text);
    }
    return new JsonText(text);
  }
}

/** A response of bytes (application/octet-stream), which are made while it is sent. */
export class Octets {
  readonly chunks: AsyncIterable<Buffer>;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.chunks = chunks;
  }
}

/** A response of Server-Sent Events, which continues until the client disconnects or the server closes. */
export class EventStream {
  readonly pieces: AsyncIterable<string>;

  constructor(pieces: AsyncIterable<string>) {
    this.pieces = pieces;
  }
}

/** How many streams of events may be open at once. */
export interface StreamLimits {
  all: number;
  /** Of one user, or of all anonymous clients at one address. */
  each: number;
}

/** Counts the open streams of events, and limits them. Anonymous clients have at most half of all. */
export class OpenStreams {
  readonly #limits: StreamLimits;
  readonly #counts = new Map<string, number>();

  constructor(limits: StreamLimits) {
    this.#limits = limits;
  }

  /** How many streams are open. */
  get count(): number {
    return this.#count('all');
  }

  /**
   * Counts a stream of a user, or of an anonymous client at an address. Returns a function that ends it, which may be called twice.
   * @throws MerapiError unavailable when a limit is reached
   */
  enter(user: string | null, address: string): () => void {
    const { all, each } = this.#limits;
    const counters: [name: string, limit: number][] = [['all', all]];
    if (user === null) counters.push(['anonymous', Math.ceil(all / 2)], [`address ${address}`, each]);
    else counters.push([`user ${user}`, each]);
    for (const [name, limit] of counters)
      if (this.#count(name) >= limit)
        throw new MerapiError(
          'unavailable',
          `${limit} event streams are open already${whose(name)}; close some, or request a list with 'since'`,
        );
    for (const [name] of counters) this.#counts.set(name, this.#count(name) + 1);
    let isOpen = true;
    return () => {
      if (isOpen) for (const [name] of counters) this.#decrement(name);
      isOpen = false;
    };
  }

  #count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  #decrement(name: string): void {
    const left = this.#count(name) - 1;
    if (left > 0) this.#counts.set(name, left);
    else this.#counts.delete(name);
  }
}

/** Whose streams a counter counts, for a message. */
function whose(counter: string): string {
  if (counter === 'all') return '';
  return counter === 'anonymous' ? ' for anonymous clients' : ` for ${counter}`;
}

/** A JSON object whose last member is a long list of rows. */
export function jsonTable(
  head: Readonly<Record<string, unknown>>,
  member: string,
  rows: AsyncIterable<readonly unknown[]>,
): JsonPieces {
  return new JsonPieces(table(head, member, rows));
}

/** A JSON list of values that are made while it is sent. */
export function jsonValues(values: AsyncIterable<unknown> | Iterable<unknown>): JsonPieces {
  return new JsonPieces(elements('[', values, ']'));
}

/** The head without its closing bracket and brace, then the rows, then both. */
function table(
  head: Readonly<Record<string, unknown>>,
  member: string,
  rows: AsyncIterable<readonly unknown[]>,
): AsyncGenerator<string> {
  return elements(stringifyJson({ ...head, [member]: [] }).slice(0, -2), rows, ']}');
}

/** The pieces of a JSON list between two texts; pauses between slices of work so that other requests get their turn. */
async function* elements(
  begin: string,
  values: AsyncIterable<unknown> | Iterable<unknown>,
  end: string,
): AsyncGenerator<string> {
  const slices = new Slices();
  let text = begin;
  let separator = '';
  for await (const value of values) {
    text += separator;
    separator = ',';
    if (isLarge(value)) {
      yield text;
      yield* Array.isArray(value) ? largeRow(value) : stringifyInSlices(value);
      text = '';
    } else text += stringifyJson(value);
    if (slices.over) await slices.pause();
    if (text.length < PIECE) continue;
    yield text;
    text = '';
  }
  yield text + end;
}

/** The pieces of a long row; an object or text that occurs in it several times is converted to JSON once. */
async function* largeRow(row: readonly unknown[]): AsyncGenerator<string> {
  const known = new Map<unknown, string>();
  let text = '';
  for (const [index, value] of row.entries()) {
    text += index === 0 ? '[' : ',';
    if (isLarge(value)) {
      yield text;
      yield* stringifyInSlices(value);
      text = '';
    } else {
      const json = known.get(value) ?? stringifyJson(value);
      known.set(value, json);
      text += json;
    }
    if (text.length < PIECE) continue;
    yield text;
    text = '';
  }
  yield `${text}]`;
}
