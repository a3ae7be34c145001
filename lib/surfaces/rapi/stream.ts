import { MerapiError } from '../../base/errors.ts';
import { stringifyJson } from '../../base/json.ts';
import { isLarge, stringifyInSlices } from '../../base/json-pieces.ts';

import { Slices } from '../../base/slices.ts';

/** About how long a piece is, in characters. */
const PIECE = 64 * 1024;

/** An answer that is a JSON text in pieces, made while it is sent. */
export class JsonPieces {
  readonly pieces: AsyncIterable<string>;

  constructor(pieces: AsyncIterable<string>) {
    this.pieces = pieces;
  }
}

/** The texts of answers that were asked for before. */
const texts = new WeakMap<object, string>();

/** An answer that is a JSON text already. */
export class JsonText {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /**
   * The text of a value that never changes, in a form of the API: it is made once for each value, however often it is asked for. One value
   * is always shown in one form.
   */
  static of<T extends object>(value: T, show: (value: T) => unknown = (whole) => whole): JsonText {
    let text = texts.get(value);
    if (text === undefined) {
      text = stringifyJson(show(value));
      texts.set(value, text);
    }
    return new JsonText(text);
  }
}

/** An answer of Server-Sent Events that goes on until the client leaves. */
export class EventStream {
  readonly pieces: AsyncIterable<string>;

  constructor(pieces: AsyncIterable<string>) {
    this.pieces = pieces;
  }
}

/** How many streams there may be at once. */
export interface StreamLimits {
  all: number;
  /** Of one user, or of one address without a user. */
  each: number;
}

/** The streams of events that are open. Those without a user have at most half of the places. */
export class OpenStreams {
  readonly #limits: StreamLimits;
  readonly #counts = new Map<string, number>();

  constructor(limits: StreamLimits) {
    this.#limits = limits;
  }

  /** How many there are. */
  get count(): number {
    return this.#count('all');
  }

  /** Takes a place for someone; answers how to give it back. @throws MerapiError unavailable when there is none */
  enter(user: string | null, address: string): () => void {
    const { all, each } = this.#limits;
    const places: [name: string, limit: number][] = [['all', all]];
    if (user === null) places.push(['nobody', Math.ceil(all / 2)], [`address ${address}`, each]);
    else places.push([`user ${user}`, each]);
    for (const [name, limit] of places)
      if (this.#count(name) >= limit)
        throw new MerapiError(
          'unavailable',
          `There are ${limit} streams of events already${name === 'all' ? '' : ' of those who ask like this'}; close some, or ask with 'since' for a list`,
        );
    for (const [name] of places) this.#counts.set(name, this.#count(name) + 1);
    let isOpen = true;
    return () => {
      if (isOpen) for (const [name] of places) this.#leave(name);
      isOpen = false;
    };
  }

  #count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  #leave(name: string): void {
    const left = this.#count(name) - 1;
    if (left > 0) this.#counts.set(name, left);
    else this.#counts.delete(name);
  }
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

function table(
  head: Readonly<Record<string, unknown>>,
  member: string,
  rows: AsyncIterable<readonly unknown[]>,
): AsyncGenerator<string> {
  return elements(stringifyJson({ ...head, [member]: [] }).slice(0, -2), rows, ']}');
}

async function* elements(
  begin: string,
  values: AsyncIterable<unknown> | Iterable<unknown>,
  end: string,
): AsyncGenerator<string> {
  const slices = new Slices();
  let text = begin;
  let before = '';
  for await (const value of values) {
    text += before;
    before = ',';
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

/** The pieces of a long row; a value that stands in several places of it is written to text once. */
async function* largeRow(row: readonly unknown[]): AsyncGenerator<string> {
  const known = new Map<unknown, string>();
  let text = '';
  for (const [place, value] of row.entries()) {
    text += place === 0 ? '[' : ',';
    if (isLarge(value)) {
      yield text;
      yield* stringifyInSlices(value);
      text = '';
    } else {
      const its = known.get(value) ?? stringifyJson(value);
      known.set(value, its);
      text += its;
    }
    if (text.length < PIECE) continue;
    yield text;
    text = '';
  }
  yield `${text}]`;
}
